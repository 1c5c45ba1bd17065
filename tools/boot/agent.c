/* SPDX-License-Identifier: ISC */
/*
 * postern-boot-agent [-w SECONDS] [-t TRIES]: a forced command of sshd's or
 * dropbear's in an initramfs. Static, libc only.
 *
 *	restrict,command="/usr/bin/postern-boot-agent" ssh-ed25519 AAAA… me
 *
 * Called console_peek or console_auth it is those (console.h). Otherwise
 * it does what bootcmd.h lists, by SSH_ORIGINAL_COMMAND and what may follow on
 * standard input, and nothing else: no shell, no terminal, no path or option
 * that a client could give.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "asker.h"
#include "base/num.h"
#include "bootcmd.h"
#include "bootlog.h"
#include "console.h"
#include "give.h"
#include "rate.h"
#include "say.h"
#include "screen.h"

#define INPUT_MS 60000u		/* for a passphrase, or another command */

static const char usage[] =
    "usage: postern-boot-agent [-w SECONDS] [-t TRIES]\n";

/* Nobody reading any more is no failure: what was begun is done to its end. */
static void
say(const struct bootline *l)
{
	struct buf b;

	buf_init(&b, BOOTLINE_MAX);
	if (bootline_emit(l, &b) == 0)
		(void)say_bytes(STDOUT_FILENO, b.data, b.len);
	buf_clear(&b);
}

static int
list(struct err *e)
{
	struct bootline l = { .kind = BOOTLINE_PROMPT };
	struct askers all;
	size_t i;

	if (askers_find(&all, e) == -1)
		return -1;
	for (i = 0; i < all.n; i++) {
		if (askers_get(&all, all.v[i].prompt.id) != &all.v[i])
			continue;
		l.prompt = all.v[i].prompt;
		say(&l);
	}
	askers_clear(&all);
	return 0;
}

static void
screen_line(void *arg, const char *line)
{
	struct bootline l = { .kind = BOOTLINE_SCREEN };

	(void)arg;
	snprintf(l.text, sizeof(l.text), "%s", line);
	say(&l);
}

static void
log_line(void *arg, const struct bootline *l)
{
	(void)arg;
	say(l);
}

/* With the lock in hand, but for "ready": so not longer than it takes by
 * itself, whether anybody reads or not. */
static void
state(void *arg, const char *word)
{
	struct bootline l = { .kind = BOOTLINE_STATE };
	struct buf b;

	(void)arg;
	snprintf(l.word, sizeof(l.word), "%s", word);
	buf_init(&b, BOOTLINE_MAX);
	if (bootline_emit(&l, &b) == 0) {
		/* say_now() has one of its own. */
		b.data[--b.len] = '\0';
		say_now(STDOUT_FILENO, &b);
	}
	buf_clear(&b);
}

/* *arg: whether this is a session, by which more may come. What is no
 * passphrase ends it: where its next command would begin can't be told. */
static int
read_input(void *arg, struct lockmem *ret, struct err *e)
{
	bool *session = arg, more = *session;

	*session = false;
	if (give_init(ret, e) == -1)
		return -1;
	state(arg, "ready");
	if (give_line(ret, STDIN_FILENO, more, INPUT_MS, e) == -1)
		return -1;
	*session = more;
	return 0;
}

static int
unlock(const struct give_opts *o, const char *id)
{
	struct bootline l = { .kind = BOOTLINE_VERDICT };
	struct give_end end;

	give_run(o, id, &end);
	snprintf(l.word, sizeof(l.word), "%s", end.word);
	snprintf(l.text, sizeof(l.text), "%.*s", (int)sizeof(l.text) - 1,
	    end.why);
	say(&l);
	return err_exit(end.code);
}

/* The command that the client asked for; sshd runs us instead of it. */
static int
wanted(struct bootcmd *ret, struct err *e)
{
	const char *asked = getenv("SSH_ORIGINAL_COMMAND");

	if (isatty(STDIN_FILENO) || isatty(STDOUT_FILENO))
		return err_set(e, ERR_REFUSED, "no terminal here");
	return bootcmd_parse(asked != NULL ? asked : "", ret, e);
}

static int
answer(const struct give_opts *o, const struct bootcmd *c, struct err *e)
{
	switch (c->verb) {
	case BOOTCMD_UNLOCK:
		return unlock(o, c->id);
	case BOOTCMD_PEEK:
		return screen_read(screen_line, NULL, e);
	case BOOTCMD_LOG:
		return bootlog_read(log_line, NULL, e);
	case BOOTCMD_LIST:
		break;
	}
	return list(e);
}

/* What a session wants next: 1; 0: nothing; -1: what it may not have. It holds
 * nothing meanwhile that another one needs. */
static int
next(struct bootcmd *ret, struct err *e)
{
	struct lockmem line = { .data = NULL };
	int rc = -1;

	/* What is sent here may be a passphrase by mistake. */
	if (give_init(&line, e) == -1)
		return -1;
	if (lockmem_line(&line, STDIN_FILENO, INPUT_MS, e) == -1)
		rc = e->code == ERR_TIMEOUT ? 0 : -1;
	else if (line.len == 0)
		rc = 0;
	else if (bootcmd_line((char *)line.data, line.len, ret, e) == 0)
		rc = 1;
	lockmem_clear(&line);
	return rc;
}

static int
run(struct give_opts *o, struct err *e)
{
	const struct bootline hello = { .kind = BOOTLINE_HELLO };
	const struct bootline end = { .kind = BOOTLINE_END };
	struct bootcmd c;
	int status, more;
	bool session;

	if (lockmem_harden(e) == -1 || wanted(&c, e) == -1)
		return -1;
	if (geteuid() != 0)
		return err_set(e, ERR_UNSAFE, "not root");
	session = c.verb == BOOTCMD_LIST;
	o->arg = &session;
	say(&hello);
	do {
		status = answer(o, &c, e);
		if (status == -1)
			return -1;
		say(&end);
		more = session ? next(&c, e) : 0;
	} while (more == 1);
	return more == 0 ? status : -1;
}

static int
options(int argc, char **argv, struct give_opts *o, struct err *e)
{
	uint64_t n;
	int c;

	opterr = 0;
	while ((c = getopt(argc, argv, "w:t:")) != -1) {
		if ((c != 'w' && c != 't') || num_u64(optarg, c == 'w' ? "-w" :
		    "-t", 1, c == 'w' ? 3600 : RATE_MAX, &n, e) == -1)
			return -1;
		*(c == 'w' ? &o->wait_s : &o->most) = (unsigned)n;
	}
	return optind == argc ? 0 : -1;
}

/* Where one of the three is closed, a file of ours would be in its place. What
 * is begun has to be waited for, whoever began us. */
static void
make_sane(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd != -1 && fd <= STDERR_FILENO);
	if (fd != -1)
		close(fd);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
}

int
main(int argc, char **argv)
{
	struct give_opts o = { .wait_s = GIVE_WAIT_S, .most = GIVE_MOST,
	    .by = "agent", .read = read_input, .state = state };
	struct err e = ERR_INIT;
	int status;

	make_sane();
	if (argc > 0 && console_named(argv[0]))
		return console_run(argc, argv);
	if (options(argc, argv, &o, &e) == -1) {
		(void)say_bytes(STDERR_FILENO, usage, sizeof(usage) - 1);
		return err_exit(ERR_USAGE);
	}
	status = run(&o, &e);
	return status != -1 ? status : say_err("postern-boot-agent", &e);
}
