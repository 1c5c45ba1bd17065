/* SPDX-License-Identifier: ISC */
#include "status_server.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "asuser.h"
#include "base/esc.h"
#include "gitadmins.h"
#include "keycmds.h"
#include "keyserial.h"
#include "pushnote.h"
#include "setup_plain.h"
#include "ui/emit.h"

#define PATH	4096

struct server {
	const struct gitconf_server *conf;
	struct pushnote last;
	uint64_t taken;			/* the last sequence, also of a push
					 * that never arrived */
	struct keyreply there;		/* what the gateway has */
	struct err why;			/* of a gateway that was not asked */
	bool asked, agree;
	bool late;			/* who administers gitolite now */
};

/* What the question takes and gives, in a process of its own. */
static int
ask(void *arg, void *ret, struct err *e)
{
	const struct gitconf_server *c = arg;
	struct keysend send = keycmds_send(c);
	struct gitreach reach;

	return keysend_ask(&send, (unsigned)c->push_ms, ret, &reach, e);
}

/* The state folder's, or NULL. */
static const struct passwd *
owner(const struct gitconf_server *c, struct err *e)
{
	const struct passwd *pw = NULL;
	struct stat st;

	if (stat(c->state_dir, &st) == -1)
		err_sys(e, "%s", c->state_dir);
	else if ((pw = getpwuid(st.st_uid)) == NULL)
		err_set(e, ERR_CONFIG, "%s belongs to no user", c->state_dir);
	return pw;
}

/* As the owner, whose push key it is: ssh takes it from nobody else. */
static int
ask_as_owner(struct server *s)
{
	const struct gitconf_server *c = s->conf;
	const struct passwd *pw;

	if (geteuid() != 0)
		return ask((void *)(uintptr_t)c, &s->there, &s->why);
	pw = owner(c, &s->why);
	return pw == NULL ? -1 : asuser_run(pw, ask, (void *)(uintptr_t)c,
	    &s->there, sizeof(s->there), &s->why);
}

/* What is looked at is a time; it need not be looked at as that user. */
static bool
late(const struct gitconf_server *c)
{
	const struct passwd *pw = owner(c, NULL);

	return c->deny_admins != 0 && pw != NULL &&
	    !setup_plain(c, pw->pw_dir) && gitadmins_late(c, pw->pw_dir);
}

static int64_t
ago(uint64_t when)
{
	return (int64_t)time(NULL) - (int64_t)when;
}

static void
look(struct server *s)
{
	char path[PATH];

	pushnote_read(s->conf->state_dir, &s->last);
	s->asked = ask_as_owner(s) == 0;
	s->late = late(s->conf);
	/* A later push than the one that is noted may just have arrived: its
	 * sequence was taken before it did, so this comes after the
	 * question. */
	if (snprintf(path, PATH, "%s/sequence", s->conf->state_dir) < PATH)
		s->taken = keyserial_last(path);
	s->agree = s->asked && s->last.time_s != 0 &&
	    s->there.sequence >= s->last.sequence &&
	    s->there.sequence <= s->taken;
}

static int
say_json(const struct server *s)
{
	const struct pushnote *l = &s->last;
	struct emit j;

	emit_begin(&j);
	emit_str(&j, "side", "server");
	emit_str(&j, "gateway", s->conf->gateway);
	emit_num(&j, "sequence", (int64_t)l->sequence);
	emit_num(&j, "keys", (int64_t)l->keys);
	emit_num(&j, "pushed", (int64_t)l->time_s);
	emit_bool(&j, "ok", l->ok);
	emit_str(&j, "why", l->ok || l->time_s == 0 ? NULL : l->why);
	if (s->asked) {
		emit_num(&j, "gateway-sequence", (int64_t)s->there.sequence);
		emit_num(&j, "gateway-keys", (int64_t)s->there.keys);
		emit_bool(&j, "agree", s->agree);
	} else {
		emit_str(&j, "gateway-sequence", NULL);
		emit_str(&j, "gateway-keys", NULL);
		emit_str(&j, "agree", NULL);
	}
	emit_bool(&j, "admins-late", s->late);
	emit_str(&j, "not-asked", s->asked ? NULL : s->why.msg);
	return emit_end(&j, stdout);
}

static int
say_push(const struct pushnote *l)
{
	struct buf why;
	int rc;

	if (l->time_s == 0)
		return printf("  last push    none yet\n");
	if (l->ok)
		return printf("  last push    sequence %" PRIu64 ", %" PRIu64
		    " keys, %" PRId64 " s ago: in force\n", l->sequence,
		    l->keys, ago(l->time_s));
	/* What git wrote, on root's terminal; what was escaped before stays
	 * so. */
	buf_init(&why, 4 * ERR_MSG_MAX);
	if (esc_again(&why, l->why, strlen(l->why)) == -1)
		buf_clear(&why);
	rc = printf("  last push    %ssequence %" PRIu64 ", %" PRId64
	    " s ago: FAILED, the gateway has older keys\n"
	    "               %s\n", l->none ? "without one of its own after " :
	    "", l->sequence, ago(l->time_s), why.data);
	buf_clear(&why);
	return rc;
}

/* What the gateway says is digits and printable text: keyreply.h. */
static int
say_there(const struct server *s)
{
	const struct keyreply *r = &s->there;

	if (!s->asked)
		return printf("  gateway      could not be asked: %s\n",
		    s->why.msg);
	if (s->agree)
		return printf("  gateway      sequence %" PRIu64 ", %" PRIu64
		    " keys: the same\n", r->sequence, r->keys);
	if (s->last.time_s == 0)
		return printf("  gateway      sequence %" PRIu64 ", %" PRIu64
		    " keys: not compared, nothing was pushed from here yet\n",
		    r->sequence, r->keys);
	return printf("  gateway      sequence %" PRIu64 ", %" PRIu64 " keys: "
	    "DRIFT, they are not this server's\n%s%s%s", r->sequence, r->keys,
	    r->why[0] != '\0' ? "               " : "", r->why,
	    r->why[0] != '\0' ? "\n" : "");
}

static int
say_text(const struct server *s)
{
	return printf("git server of %s\n", s->conf->gateway) > 0 &&
	    say_push(&s->last) > 0 && say_there(s) > 0 && (!s->late ||
	    printf("  admins       NOT those of gitolite's last compile: who "
	    "is one since then\n               is not denied to the gateway; "
	    "the next push asks again\n") > 0) ? 0 : -1;
}

int
status_server(const struct gitconf_server *c, bool json, struct err *e)
{
	struct server s = { .conf = c, .why = ERR_INIT };

	look(&s);
	if ((json ? say_json(&s) : say_text(&s)) == -1)
		return err_sys(e, "standard output");
	if (!s.last.ok || s.late || (s.asked && !s.agree))
		return 1;
	return s.asked ? 0 : 2;
}
