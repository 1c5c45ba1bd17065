/* SPDX-License-Identifier: ISC */
#include "gitask.h"

#include <string.h>

#include "gitadmins.h"
#include "gitkeydir.h"
#include "gitproto.h"

static int
no_mem(struct err *e)
{
	return err_set(e, ERR_MEM, "out of memory");
}

void
gitask_init(struct gitask *a)
{
	*a = (struct gitask){ 0 };
	buf_init(&a->canon, GITWIRE_MAX);
	buf_init(&a->line, GITWIRE_MAX);
}

void
gitask_clear(struct gitask *a)
{
	gitcmd_clear(&a->cmd);
	buf_clear(&a->canon);
	buf_clear(&a->line);
}

int
gitask_gateway(const struct gitconf_gateway *c, const char *id,
    const char *command, const char *gitproto, struct gitask *a,
    struct err *e)
{
	struct gitcmd_policy policy = gitconf_policy(&c->side);
	size_t len = strlen(id);

	if (gitid_check(id, len, e) == -1)
		return -1;
	memcpy(a->w.id, id, len + 1);
	/* What it may ask says the server: gitprobe.h. */
	if (strcmp(id, GITID_CHECK) == 0)
		policy = (struct gitcmd_policy){ 0 };
	if (gitcmd_parse(command, command != NULL ? strlen(command) : 0,
	    &policy, &a->cmd, e) == -1 ||
	    gitproto_filter(gitproto, a->w.gitproto, e) == -1)
		return -1;
	if (gitcmd_emit(&a->cmd, &a->canon) == -1)
		return no_mem(e);
	a->w.command = a->canon.data;
	a->w.command_len = a->canon.len;
	return gitwire_emit(&a->w, &a->line, e);
}

static int
check_id(const struct gitconf_server *c, const struct gitwire *w,
    const char *home, struct err *e)
{
	const char *id = w->id;
	struct buf path;
	int has;

	if (gitid_denied(NULL, id) || (c->deny_ids.n > 0 &&
	    gitid_denied(&c->deny_ids, id)))
		return err_set(e, ERR_REFUSED, "'%s' may not come through a "
		    "gateway", id);
	if (gitadmins_asked(c, home, e) == -1)
		return -1;
	has = c->deny_admins != 0 ? gitadmins_has(c, id, e) : 0;
	if (has != 0)
		return has == -1 ? -1 : err_set(e, ERR_REFUSED, "'%s' may not "
		    "come through a gateway: by gitolite-admin it rules all "
		    "repositories", id);
	buf_init(&path, 4096);
	if (c->keydir != NULL ? buf_adds(&path, c->keydir) == -1 :
	    buf_addf(&path, "%s/.gitolite/keydir", home) == -1) {
		buf_clear(&path);
		return err_set(e, ERR_MEM, "%s: too long", home);
	}
	has = gitkeydir_has(path.data, id, e);
	buf_clear(&path);
	if (has == 0)
		return err_set(e, ERR_REFUSED, "gitolite has no user '%s'",
		    id);
	return has == -1 ? -1 : 0;
}

/* Who is no user of gitolite's, and needs no rights of one. */
static int
probe(struct gitask *a, struct err *e)
{
	if (gitprobe_parse(&a->w, &a->probe, e) == -1)
		return -1;
	a->cmd.verb = gitprobe_verb(a->probe);
	return buf_adds(&a->canon, a->probe == GITPROBE_GIT ? GITPROBE_REPO :
	    a->cmd.verb) == -1 ? no_mem(e) : 0;
}

int
gitask_server(const struct gitconf_server *c, const char *home,
    const char *line, struct gitask *a, struct err *e)
{
	struct gitcmd_policy policy = gitconf_policy(&c->side);

	if (line == NULL)
		return err_set(e, ERR_PEER, "this key is for a gateway's "
		    "sessions: there is no command");
	if (gitwire_parse(line, strlen(line), &a->w, e) == -1)
		return -1;
	if (strcmp(a->w.id, GITID_CHECK) == 0)
		return probe(a, e);
	if (check_id(c, &a->w, home, e) == -1 || gitcmd_parse(a->w.command,
	    a->w.command_len, &policy, &a->cmd, e) == -1)
		return -1;
	return gitcmd_emit(&a->cmd, &a->canon) == -1 ? no_mem(e) : 0;
}

int
gitask_env(const struct gitask *a, const struct passwd *pw, struct strv *v,
    struct err *e)
{
	const char *ip = strcmp(a->w.ip, "-") == 0 ? "UNKNOWN" : a->w.ip;
	int bad = 0;

	bad |= strv_add(v, "PATH=/usr/local/bin:/usr/bin:/bin");
	bad |= strv_add(v, "LANG=C.UTF-8");
	bad |= strv_addf(v, "HOME=%s", pw->pw_dir);
	bad |= strv_addf(v, "USER=%s", pw->pw_name);
	bad |= strv_addf(v, "LOGNAME=%s", pw->pw_name);
	/* gitolite wants its first word, for its log. */
	bad |= strv_addf(v, "SSH_CONNECTION=%s 0 0.0.0.0 0", ip);
	bad |= strv_addf(v, "SSH_ORIGINAL_COMMAND=%s", a->canon.data);
	if (a->w.gitproto[0] != '\0')
		bad |= strv_addf(v, "GIT_PROTOCOL=%s", a->w.gitproto);
	bad |= strv_addf(v, "POSTERN_SID=%s", a->w.sid);
	/* Nobody reads what is in there: serve_probe.c.
	 * Source: gitolite-shell, main(). */
	if (a->probe == GITPROBE_GIT)
		bad |= strv_add(v, "GL_BYPASS_ACCESS_CHECKS=1");
	return bad != 0 ? no_mem(e) : 0;
}
