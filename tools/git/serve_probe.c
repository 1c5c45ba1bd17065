/* SPDX-License-Identifier: ISC */
#include "serve_probe.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gitadmins.h"
#include "keycmds.h"
#include "keyproc.h"
#include "keyserial.h"
#include "pushnote.h"
#include "setup_plain.h"
#include "sys/lock.h"

#define GITOLITE_MS	20000	/* whoever asks waits somewhat longer */
#define SAID_MAX	((size_t)16 << 20)	/* "info" of many repos */
#define FLUSH		"0000"	/* to git: that was all. gitprotocol-v2(5) */

static int
say(const char *line, struct err *e)
{
	return printf("%s\n", line) > 0 && fflush(stdout) == 0 ? 0 :
	    err_sys(e, "standard output");
}

/* What gitolite says to this command, of which no more than one line is
 * anybody's business. */
static int
gitolite(const struct gitconf_server *c, const struct gitask *a,
    const struct strv *env, struct buf *said, struct err *e)
{
	char *argv[] = { c->shell, (char *)(uintptr_t)a->w.id, NULL };
	struct keyproc p = { .argv = argv, .envp = env->v, .in = FLUSH,
		.in_len = strlen(FLUSH), .timeout_ms = GITOLITE_MS };
	struct keyproc_end end;

	return keyproc_run(&p, said, &end, e) == -1 ? -1 :
	    keyproc_why(&end, c->shell, e);
}

/* The first line that begins so, up to its end. */
static int
pass_on(struct buf *said, const char *head, const char *as, struct err *e)
{
	char *p = said->data;
	size_t n = strlen(head);

	while (*p != '\0' && strncmp(p, head, n) != 0) {
		p = strchrnul(p, '\n');
		p += *p != '\0';
	}
	if (*p == '\0')
		return err_set(e, ERR_PEER, "gitolite answers, but not with "
		    "'%s'", head);
	*strchrnul(p, '\n') = '\0';
	return say(as != NULL ? as : p, e);
}

static int
answer(const struct gitconf_server *c, const struct gitask *a,
    const struct strv *env, struct err *e)
{
	struct buf said;
	int rc;

	buf_init(&said, SAID_MAX);
	rc = gitolite(c, a, env, &said, e);
	if (rc == 0)
		rc = a->probe == GITPROBE_INFO ? pass_on(&said,
		    GITPROBE_GREETS, NULL, e) : pass_on(&said,
		    "000eversion 2", GITPROBE_V2, e);
	buf_clear(&said);
	return rc;
}

static int
in_state(const struct gitconf_server *c, const char *name, char ret[4200],
    struct err *e)
{
	int n = snprintf(ret, 4200, "%s/%s", c->state_dir, name);

	return n > 0 && n < 4200 ? 0 : err_set(e, ERR_CONFIG, "%s: too long",
	    c->state_dir);
}

static int
status(const struct gitconf_server *c, struct err *e)
{
	struct pushnote last;
	char path[4200], line[200];

	if (in_state(c, "sequence", path, e) == -1)
		return -1;
	pushnote_read(c->state_dir, &last);
	snprintf(line, sizeof(line), GITPROBE_WORD "sequence=%" PRIu64
	    " keys=%" PRIu64 " pushed=%" PRIu64 " taken=%" PRIu64 " ok=%s",
	    last.sequence, last.keys, last.time_s, keyserial_last(path),
	    last.ok ? "yes" : "no");
	return say(line, e);
}

/* One at a time: that is all a gateway can make us do by asking often. */
static int
push(const struct gitconf_server *c, struct err *e)
{
	struct pushkeys_result r;
	char path[4200], line[200];
	int fd, rc;

	if (in_state(c, "asked.lock", path, e) == -1 ||
	    lock_take(path, 0, &fd, e) == -1)
		return -1;
	rc = keycmds_try(c, NULL, &r, e);
	close(fd);
	/* Where nobody was reached somebody may be the next time: exit 75. */
	if (rc == -1 && e->code == ERR_PEER && r.again)
		e->code = ERR_BUSY;
	if (rc == -1)
		return err_wrap(e, "the keys did not reach the gateway");
	snprintf(line, sizeof(line), GITPROBE_WORD "pushed=%" PRIu64
	    " keys=%zu left-out=%zu", r.sequence, r.keys, r.bad + r.twice);
	return say(line, e);
}

int
serve_probe(const struct gitconf_server *c, const char *home,
    const struct gitask *a, const struct strv *env, struct err *e)
{
	const struct gitwire *w = &a->w;
	char line[400];

	snprintf(line, sizeof(line), GITPROBE_WORD "ip=%s fp=%s gitproto=%s "
	    "serves=%s", w->ip, w->fp, w->gitproto, setup_plain(c, home) ?
	    "another" : "gitolite");
	if (say(line, e) == -1)
		return -1;
	switch (a->probe) {
	case GITPROBE_INFO:
	case GITPROBE_GIT:
		/* As it would be for anybody. */
		return gitadmins_asked(c, home, e) == -1 ? -1 :
		    answer(c, a, env, e);
	case GITPROBE_STATUS:
		return status(c, e);
	case GITPROBE_PUSH:
		return push(c, e);
	case GITPROBE_NONE:
		break;
	}
	return err_set(e, ERR_REFUSED, "nothing was asked");
}
