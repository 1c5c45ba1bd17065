/* SPDX-License-Identifier: ISC */
/*
 * fanout WIDTH KEYFILE HOSTFILE PROGRAM [-F CONFIG]: core/'s own fan-out
 * (loop, pool, session, secret) at the same small job as the others in this
 * folder: each host gets a script that reads one key and throws it away.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/num.h"
#include "proc/loop.h"
#include "proc/pool.h"
#include "secret/secret.h"
#include "ssh/session.h"
#include "ui/log.h"

static const char script[] = "IFS= read -r k; echo 'postern done'\n";

struct bench {
	struct loop *loop;
	struct pool *pool;
	struct secret *key;
	struct sshargv_opts ssh;
	struct strv hosts;
	struct session **sessions;
	size_t left, failed;
};

struct one {
	struct bench *b;
	size_t i;
};

static void
over(struct one *o, const char *why)
{
	struct bench *b = o->b;

	if (why != NULL) {
		log_error("%s: %s", b->hosts.v[o->i], why);
		b->failed++;
	}
	session_free(b->sessions[o->i]);
	b->sessions[o->i] = NULL;
	pool_release(b->pool, o->i);
	free(o);
	if (--b->left == 0)
		loop_stop(b->loop);
}

static void
on_end(void *arg, const struct session_end *end)
{
	over(arg, end->status != 0 || !end->had_event ? end->why : NULL);
}

static void
start(void *arg, size_t i)
{
	struct bench *b = arg;
	struct one *o = malloc(sizeof(*o));
	struct session_spec s = { .dest = b->hosts.v[i], .ssh = &b->ssh,
		.script = script, .connect_ms = 60000, .run_ms = 60000,
		.on_end = on_end, .arg = o };
	struct err e = ERR_INIT;
	struct child *c;

	if (o == NULL)
		abort();
	*o = (struct one){ b, i };
	b->sessions[i] = session_start(b->loop, &s, &e);
	if (b->sessions[i] == NULL) {
		over(o, e.msg);
		return;
	}
	c = session_child(b->sessions[i]);
	if (child_send_secret(c, secret_data(b->key), secret_len(b->key),
	    NULL, NULL, &e) == -1)
		log_error("%s", e.msg);
	child_close_stdin(c);
}

static int
read_inputs(struct bench *b, const char *key, const char *hosts,
    struct err *e)
{
	char *line = NULL;
	size_t cap = 0;
	FILE *f;
	int fd;

	fd = open(key, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return err_sys(e, "%s", key);
	b->key = secret_read(fd, 4096, 0, key, e);
	close(fd);
	if (b->key == NULL)
		return -1;
	f = fopen(hosts, "re");
	if (f == NULL)
		return err_sys(e, "%s", hosts);
	while (getline(&line, &cap, f) != -1) {
		line[strcspn(line, "\n")] = '\0';
		if (strv_add(&b->hosts, line) == -1)
			break;
	}
	free(line);
	fclose(f);
	b->left = b->hosts.n;
	b->sessions = calloc(b->hosts.n, sizeof(struct session *));
	return b->sessions != NULL ? 0 : err_set(e, ERR_MEM, "out of memory");
}

int
main(int argc, char **argv)
{
	struct bench b = { .failed = 1 };
	struct err e = ERR_INIT;
	uint64_t width;

	log_open("fanout", LOG_LVL_INFO);
	if (argc != 5 && argc != 7)
		return 64;
	b.ssh = (struct sshargv_opts){ .program = argv[4],
		.config = argc == 7 ? argv[6] : NULL };
	if (secret_harden(&e) == -1 ||
	    num_u64(argv[1], "WIDTH", 1, 4096, &width, &e) == -1 ||
	    read_inputs(&b, argv[2], argv[3], &e) == -1 ||
	    (b.loop = loop_new(&e)) == NULL ||
	    (b.pool = pool_new(b.hosts.n, width, start, &b, &e)) == NULL)
		goto out;
	b.failed = 0;
	pool_run(b.pool);
	if (b.left > 0 && loop_run(b.loop, &e) == -1)
		b.failed++;
out:
	if (e.code != ERR_NONE)
		log_err(&e);
	free(b.sessions);
	pool_free(b.pool);
	loop_free(b.loop);
	secret_free(b.key);
	strv_clear(&b.hosts);
	return b.failed > 0;
}
