/* SPDX-License-Identifier: ISC */
#include "bootprog.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/esc.h"
#include "proc/child.h"
#include "proc/loop.h"

#define OUT_MAX 65536

struct run {
	const struct bootprog *p;
	struct loop *loop;
	struct buf *out;
	struct child_end end;
	bool stopped;			/* by a signal */
};

/* Between fork and exec. */
static int
enter(void *arg)
{
	const struct bootprog *p = ((const struct run *)arg)->p;

	if (p->root != NULL && (chroot(p->root) == -1 || chdir("/") == -1))
		return errno;
	return p->dir != NULL && chdir(p->dir) == -1 ? errno : 0;
}

static void
on_line(void *arg, enum child_stream s, const char *line, size_t len,
    bool cut)
{
	struct run *r = arg;

	(void)s;
	(void)len;
	(void)cut;
	if (r->out != NULL)
		(void)buf_addf(r->out, "%s\n", line);
}

static void
on_end(void *arg, const struct child_end *end)
{
	struct run *r = arg;

	r->end = *end;
	loop_stop(r->loop);
}

/* It stays pending for the caller, who held it back; and ends what he would run
 * next. */
static void
on_signal(void *arg, int signo)
{
	struct run *r = arg;

	r->stopped = true;
	raise(signo);
	loop_stop(r->loop);
}

static int
watch(struct run *r, struct err *e)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	sigset_t held;
	size_t i;

	if (sigprocmask(SIG_SETMASK, NULL, &held) == -1)
		return err_sys(e, "sigprocmask");
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (sigismember(&held, signals[i]) == 1 &&
		    loop_signal(r->loop, signals[i], on_signal, r, e) == -1)
			return -1;
	return 0;
}

int
bootprog_run(const struct bootprog *p, struct buf *out, int *ret_status,
    struct err *e)
{
	const enum child_io io = p->loud ? CHILD_INHERIT : CHILD_PIPE;
	struct run r = { .p = p, .out = out };
	struct child_spec spec = { .argv = p->argv,
	    .io = { CHILD_NULL, io, io }, .own_group = !p->loud,
	    .timeout_ms = p->timeout_ms, .on_line = on_line,
	    .on_end = on_end, .arg = &r };
	struct child *c = NULL;
	int rc = -1;

	spec.before_exec = p->root != NULL || p->dir != NULL ? enter : NULL;
	r.loop = loop_new(e);
	if (r.loop == NULL)
		return -1;
	if (watch(&r, e) == -1)
		goto out;
	c = child_start(r.loop, &spec, e);
	if (c == NULL || loop_run(r.loop, e) == -1)
		goto out;
	if (r.stopped) {
		err_set(e, ERR_REFUSED, "%s: interrupted", p->argv[0]);
		goto out;
	}
	if (r.end.timed_out) {
		err_set(e, ERR_TIMEOUT, "%s: didn't end in time", p->argv[0]);
		goto out;
	}
	*ret_status = r.end.status;
	rc = 0;
out:
	child_free(c);
	loop_free(r.loop);
	return rc;
}

int
bootprog_ok(const struct bootprog *p, struct err *e)
{
	struct buf out, line;
	char why[64], *nl;
	int status, rc = -1;

	buf_init(&out, OUT_MAX);
	buf_init(&line, 512);
	if (bootprog_run(p, &out, &status, e) == -1)
		goto out;
	if (status == 0) {
		rc = 0;
		goto out;
	}
	while (out.len > 0 && out.data[out.len - 1] == '\n')
		out.data[--out.len] = '\0';
	nl = strrchr(out.data, '\n');
	nl = nl != NULL ? nl + 1 : out.data;
	child_why(status, why, sizeof(why));
	(void)esc_text(&line, nl, strnlen(nl, 300));
	err_set(e, ERR_PEER, "%s: %s%s%s", p->argv[0], why,
	    line.len > 0 ? ": " : "", line.data);
out:
	buf_clear(&out);
	buf_clear(&line);
	return rc;
}

bool
bootprog_have(const char *name, struct buf *out)
{
	static const char *const at[] = { "/usr/local/sbin", "/usr/local/bin",
	    "/usr/sbin", "/usr/bin", "/sbin", "/bin" };
	bool found = false;
	struct buf own;
	size_t i;

	buf_init(&own, 4096);
	if (out == NULL)
		out = &own;
	for (i = 0; i < sizeof(at) / sizeof(at[0]) && !found; i++) {
		buf_clear(out);
		found = buf_addf(out, "%s/%s", at[i], name) == 0 &&
		    access(out->data, X_OK) == 0;
	}
	if (!found)
		buf_clear(out);
	buf_clear(&own);
	return found;
}
