/* SPDX-License-Identifier: ISC */
#include <string.h>
#include <sys/stat.h>

#include "setup_both.h"
#include "setup_text.h"

#define TEXT_MAX ((size_t)1 << 20)

/* One more, behind those that are asked before it. Not before its host key is
 * pinned: no session would get through. */
static int
conf(struct setup *s, struct err *e)
{
	const char *dest = s->o->peer;
	bool there = strv_has(&s->conf.gateway.mirrors, dest);
	struct buf old, text;
	int rc = 0;

	if (s->missing)
		return 0;
	step_say(&s->step, !there, GITCONF_PATH ": mirror = %s", dest);
	if (there)
		return 0;
	buf_init(&old, TEXT_MAX);
	buf_init(&text, TEXT_MAX);
	if (step_read(GITCONF_PATH, &old, e) == -1 ||
	    setup_text_conf_add(old.data, old.len, "gateway", "mirror", dest,
	    &text, e) == -1)
		rc = -1;
	else
		rc = step_file(&s->step, GITCONF_PATH, text.data, text.len,
		    0644, 0, e);
	buf_clear(&old);
	buf_clear(&text);
	return rc;
}

/* Whose logins the gateway's are: the key is lent to that user. */
static int
find_user(struct setup *s, struct err *e)
{
	const char *keys = s->conf.gateway.keys_dir;
	struct stat st;

	if (stat(keys, &st) == -1)
		return err_sys(e, "%s", keys);
	if (!setup_user(s) || st.st_uid != s->uid)
		return err_set(e, ERR_CONFIG, "the gateway's logins are not "
		    "%s's: --here says whose, as in setup-gateway --server",
		    s->user.data);
	return 0;
}

static int
steps(struct setup *s, struct err *e)
{
	const char *server = s->conf.gateway.server;

	if (server == NULL)
		return err_set(e, ERR_CONFIG, GITCONF_PATH " has no server in "
		    "[gateway]: postern git setup-gateway --server first");
	if (s->conf.gateway.exec != 0)
		return err_set(e, ERR_CONFIG, GITCONF_PATH " has exec = yes, "
		    "with which no session asks a mirror");
	if (strcmp(server, s->o->peer) == 0)
		return err_set(e, ERR_CONFIG, "%s is the git server itself",
		    server);
	return find_user(s, e) == -1 || setup_key(s, e) == -1 ||
	    setup_pin(s, e) == -1 || conf(s, e) == -1 ? -1 : 0;
}

int
setup_mirror(const struct setup_opts *o, struct err *e)
{
	static const struct setup_side side = { steps, "mirror",
		"setup-server --mirror --gateway", true, false,
		setup_prove_mirror };
	struct setup_opts to = *o;

	to.peer = o->mirror;
	return setup_run(&to, &side, e);
}
