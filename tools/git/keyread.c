/* SPDX-License-Identifier: ISC */
#include "keyread.h"

#include <errno.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/esc.h"
#include "keysig.h"
#include "proc/child.h"
#include "proc/loop.h"
#include "secret/memfile.h"

#define CHUNK	65536
#define QUEUE	((size_t)1 << 20)	/* bytes that wait for ssh-keygen */
#define SAID	200			/* bytes of what ssh-keygen says */

struct run {
	const struct keyread *conf;
	struct loop *loop;
	struct loop_fd *watch;
	struct loop_timer *timer;
	struct child *verify;		/* NULL: not begun */
	struct keypush *push;
	struct memfile sig;
	struct buf head;		/* what came before the signature was
					 * whole */
	char said[SAID];
	struct err failed;
	int status;			/* ssh-keygen's, as of waitpid(2) */
	bool ended;			/* it is over */
};

/* What is in r->failed ends it all. */
static void
stop(struct run *r)
{
	child_free(r->verify);
	r->verify = NULL;
	loop_fd_free(r->watch);
	r->watch = NULL;
	loop_stop(r->loop);
}

static void
on_line(void *arg, enum child_stream s, const char *line, size_t len,
    bool cut)
{
	struct run *r = arg;

	(void)cut;
	if (s == CHILD_STDERR && len > 0)
		snprintf(r->said, sizeof(r->said), "%s", line);
}

static void
on_drain(void *arg)
{
	struct run *r = arg;

	if (r->watch != NULL)
		loop_fd_pause(r->watch, 0);
}

static void
on_end(void *arg, const struct child_end *end)
{
	struct run *r = arg;

	r->status = end->status;
	r->ended = true;
	/* Before the end of our input: it has seen enough of it. */
	stop(r);
}

static int
start_verify(struct run *r, struct err *e)
{
	const struct keyread *c = r->conf;
	char *argv[] = { "ssh-keygen", "-Y", "verify", "-f",
		(char *)(uintptr_t)c->allowed_signers, "-I",
		(char *)(uintptr_t)c->server, "-n", KEYREAD_NAMESPACE, "-s",
		r->sig.path, NULL };
	struct child_spec spec = {
		.argv = argv,
		.io = { CHILD_PIPE, CHILD_PIPE, CHILD_PIPE },
		.out_max = QUEUE + 2 * CHUNK,
		.on_line = on_line,
		.on_drain = on_drain,
		.on_end = on_end,
		.arg = r,
	};

	r->verify = child_start(r->loop, &spec, e);
	return r->verify != NULL ? 0 : -1;
}

/* Bytes of the signed text. */
static int
text_came(struct run *r, const char *data, size_t len, struct err *e)
{
	struct err gone = ERR_INIT;

	if (len == 0)
		return 0;
	if (keypush_feed(r->push, data, len, e) == -1)
		return -1;
	/* Without its stdin it has an opinion, which on_end() hears. */
	if (child_send(r->verify, data, len, &gone) == -1 &&
	    gone.code != ERR_PEER) {
		*e = gone;
		return -1;
	}
	if (child_queued(r->verify) > QUEUE)
		loop_fd_pause(r->watch, 1);
	return 0;
}

static int
head_came(struct run *r, const char *data, size_t len, struct err *e)
{
	size_t n = 0;
	int rc;

	if (buf_add(&r->head, data, len) == -1)
		return err_set(e, ERR_MEM, "out of memory");
	if (keysig_find(r->head.data, r->head.len, &n, e) == -1)
		return -1;
	if (n == 0)
		return 0;
	if (memfile_init(&r->sig, r->head.data, n, e) == -1 ||
	    start_verify(r, e) == -1)
		return -1;
	rc = text_came(r, r->head.data + n, r->head.len - n, e);
	buf_clear(&r->head);
	return rc;
}

static int
all_came(struct run *r, struct err *e)
{
	loop_fd_free(r->watch);
	r->watch = NULL;
	if (r->verify == NULL)
		return err_set(e, ERR_PEER, r->head.len == 0 ?
		    "nothing came" : "the signature is cut off");
	child_close_stdin(r->verify);
	return 0;
}

static void
on_input(void *arg, int fd, short revents)
{
	struct run *r = arg;
	char chunk[CHUNK];
	ssize_t n;
	int rc;

	(void)revents;
	n = read(fd, chunk, sizeof(chunk));
	if (n == -1 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n == -1)
		rc = err_sys(&r->failed, "reading keys");
	else if (n == 0)
		rc = all_came(r, &r->failed);
	else if (r->verify == NULL)
		rc = head_came(r, chunk, (size_t)n, &r->failed);
	else
		rc = text_came(r, chunk, (size_t)n, &r->failed);
	if (rc == -1)
		stop(r);
}

static void
on_late(void *arg)
{
	struct run *r = arg;

	err_set(&r->failed, ERR_TIMEOUT, "the keys did not come within %u s",
	    (r->conf->timeout_ms + 999) / 1000);
	stop(r);
}

/* What ssh-keygen says of the signature. */
static int
verdict(const struct run *r, struct err *e)
{
	struct buf said;

	if (r->ended && WIFEXITED(r->status) && WEXITSTATUS(r->status) == 0)
		return 0;
	buf_init(&said, 4 * SAID);
	if (esc_text(&said, r->said, strlen(r->said)) == -1)
		buf_clear(&said);
	err_set(e, ERR_PEER, "the signature is not good, or not that of '%s' "
	    "in %s%s%s", r->conf->server, r->conf->allowed_signers,
	    said.len > 0 ? ": " : "", said.data);
	buf_clear(&said);
	return -1;
}

static int
result(struct run *r, struct keypush_head *ret_head,
    struct keylist *ret_keys, struct err *e)
{
	struct keylist keys = { 0 };
	struct keypush_head head;

	if (r->failed.code != ERR_NONE) {
		*e = r->failed;
		return -1;
	}
	/* What is not whole is told before what is not signed. */
	if (keypush_finish(r->push, &head, &keys, e) == -1)
		return -1;
	if (verdict(r, e) == -1) {
		keylist_clear(&keys);
		return -1;
	}
	if (strcmp(head.server, r->conf->server) != 0) {
		keylist_clear(&keys);
		return err_set(e, ERR_REFUSED, "these are keys of '%s', and "
		    "'%s' is the git server here", head.server,
		    r->conf->server);
	}
	*ret_head = head;
	*ret_keys = keys;
	return 0;
}

int
keyread_run(const struct keyread *conf, struct keypush_head *ret_head,
    struct keylist *ret_keys, struct err *e)
{
	struct run r = { .conf = conf };
	struct err ignored;
	int rc = -1;

	if (e == NULL)
		e = &ignored;
	buf_init(&r.head, KEYSIG_MAX + CHUNK);
	r.loop = loop_new(e);
	if (r.loop == NULL)
		return -1;
	r.push = keypush_new(conf->limits, conf->on_bad, conf->arg, e);
	if (r.push == NULL)
		goto out;
	r.watch = loop_fd_new(r.loop, conf->fd, POLLIN, on_input, &r, e);
	r.timer = loop_timer_new(r.loop, conf->timeout_ms, 0, on_late, &r, e);
	if (r.watch == NULL || r.timer == NULL ||
	    loop_run(r.loop, e) == -1)
		goto out;
	rc = result(&r, ret_head, ret_keys, e);
out:
	child_free(r.verify);
	keypush_free(r.push);
	loop_free(r.loop);
	memfile_clear(&r.sig);
	buf_clear(&r.head);
	return rc;
}
