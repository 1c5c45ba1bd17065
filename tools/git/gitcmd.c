/* SPDX-License-Identifier: ISC */
#include "gitcmd.h"

#include <stdlib.h>
#include <string.h>

#include "base/esc.h"
#include "gitcmd_table.h"
#include "gitid.h"
#include "gitrepo.h"

#define SHOWN 100	/* bytes of a word that is refused */

static const char *const first_commands[] = { "help", "desc", "info", "perms",
	"writable", NULL };

/* A refusal that shows word, or how it begins. */
static int
refuse(struct err *e, const char *word, const char *why)
{
	size_t n = strnlen(word, SHOWN + 1);
	bool cut = n > SHOWN;
	struct buf shown;

	buf_init(&shown, 1024);
	if (esc_text(&shown, word, cut ? SHOWN : n) == -1)
		buf_clear(&shown);
	err_set(e, ERR_REFUSED, "'%s%s': %s", shown.data, cut ? "..." : "",
	    why);
	buf_clear(&shown);
	return -1;
}

static bool
like_any(const struct strv *patterns, const char *s)
{
	size_t i;

	for (i = 0; patterns != NULL && i < patterns->n; i++)
		if (gitid_like(patterns->v[i], s))
			return true;
	return false;
}

static bool
denied(const struct gitcmd_policy *p, const char *repo)
{
	if (p->deny_repos == NULL)
		return strcmp(repo, "gitolite-admin") == 0;
	return like_any(p->deny_repos, repo);
}

static bool
enabled(const struct gitcmd_policy *p, const char *verb)
{
	size_t i;

	if (p->commands != NULL)
		return strv_has(p->commands, verb);
	for (i = 0; first_commands[i] != NULL; i++)
		if (strcmp(first_commands[i], verb) == 0)
			return true;
	return false;
}

static const struct gitcmd_row *
row_of(const char *verb)
{
	const struct gitcmd_row *r;

	for (r = gitcmd_rows; r->verb != NULL; r++)
		if (strcmp(r->verb, verb) == 0)
			return r;
	return NULL;
}

bool
gitcmd_known(const char *name)
{
	const struct gitcmd_row *r = row_of(name);

	return r != NULL && r->kind == GITCMD_GITOLITE;
}

/* The verb is one that policy lets through. Its first row into *ret. */
static int
check_verb(const struct gitcmd_policy *p, const struct gitword *line,
    const struct gitcmd_row **ret, struct err *e)
{
	const char *verb = line->words.v[0];
	const struct gitcmd_row *r = row_of(verb);
	const struct gitcmd_stranger *s;

	if ((line->quoted & 1) != 0)
		return refuse(e, verb, "a command in quotes");
	for (s = gitcmd_strangers; s->pattern != NULL; s++)
		if (gitid_like(s->pattern, verb))
			return refuse(e, verb, s->why);
	if (r == NULL)
		return refuse(e, verb, "not among the commands that are let "
		    "through");
	if (r->kind == GITCMD_LFS && !p->lfs)
		return refuse(e, verb, "LFS is not let through here");
	if (r->kind == GITCMD_GITOLITE && !enabled(p, verb))
		return refuse(e, verb, "this command of gitolite is not let "
		    "through here");
	*ret = r;
	return 0;
}

/* gitolite splits at blanks and knows no quotes; it dies of "../". */
static int
check_plain(const struct gitword *line, struct err *e)
{
	size_t i;

	if (line->quoted != 0)
		return refuse(e, line->words.v[0], "gitolite's commands take "
		    "no quotes");
	for (i = 1; i < line->words.n; i++)
		if (strstr(line->words.v[i], "../") != NULL)
			return refuse(e, line->words.v[i], "it has '../' in "
			    "it");
	return 0;
}

/* Why the line has none of the shapes from r on. */
static int
misfit(const struct gitcmd_row *r, const struct gitword *line, struct err *e)
{
	const char *verb = r->verb;
	struct buf shapes;
	size_t i;

	if (r->kind != GITCMD_GITOLITE)
		for (i = 1; i < line->words.n; i++)
			if (line->words.v[i][0] == '-')
				return refuse(e, line->words.v[i], "it is an "
				    "option, and none is let through");
	if (line->words.n == 1 && r->kind != GITCMD_GITOLITE)
		return refuse(e, verb, "names no repository");
	if (r->kind == GITCMD_GIT)
		return refuse(e, verb, line->words.n > 2 ?
		    "takes one argument only, the repository" :
		    "the repository has to be in single quotes, as git "
		    "sends it");
	buf_init(&shapes, 400);
	for (; r->verb != NULL && strcmp(r->verb, verb) == 0; r++)
		if (buf_addf(&shapes, "%s%s", shapes.len > 0 ? ", or " : "",
		    r->shape) == -1)
			break;
	err_set(e, ERR_REFUSED, "'%s' takes: %s", verb, shapes.data);
	buf_clear(&shapes);
	return -1;
}

/* "r.git3" is r, and has gitolite trace what it does, to the user. */
static bool
traced(const char *arg)
{
	size_t n = strlen(arg);

	return n >= 5 && memcmp(arg + n - 5, ".git", 4) == 0 &&
	    arg[n - 1] >= '0' && arg[n - 1] <= '9';
}

/* Word i, a repository called name, is spelled so that whoever serves it means
 * just that: to a git-shell a '/' in front would be another path, and so a
 * second name, past what is set for the first. */
static int
spell(struct gitword *line, size_t i, const char *name)
{
	char *old = line->words.v[i], *new;

	if (!traced(old) && *old != '/')
		return 0;
	new = strdup(traced(old) ? name : old + 1);
	if (new == NULL)
		return -1;
	line->words.v[i] = new;
	free(old);
	return 0;
}

/* What argument i says of a repository, if it says anything of one. */
static int
check_repo(const struct gitcmd_policy *p, const struct gitcmd_row *r,
    size_t i, struct gitcmd *c, struct err *e)
{
	const char *arg = c->line.words.v[i], *t;
	char name[GITREPO_MAX + 1];
	bool writes = r->write;
	size_t n;

	t = gitcmd_token(r->shape, i, &n);
	if (t == NULL || memmem(t, n, "REPO", 4) == NULL)
		return 0;
	if (memmem(t, n, "|@all", 5) != NULL && strcmp(arg, "@all") == 0)
		return 0;
	if (memmem(t, n, "NEWREPO", 7) != NULL)
		writes = true;
	if (gitrepo_name(arg, name, e) == -1)
		return -1;
	if (denied(p, name))
		return refuse(e, name, "this repository is not reached "
		    "through here");
	if (writes && like_any(p->read_only, name))
		return refuse(e, name, "this repository can only be read "
		    "through here");
	c->write = c->write || writes;
	if (r->kind == GITCMD_GIT && spell(&c->line, i, name) == -1)
		return err_set(e, ERR_MEM, "out of memory");
	if (c->repo == NULL) {
		c->repo = strdup(name);
		if (c->repo == NULL)
			return err_set(e, ERR_MEM, "out of memory");
	}
	return 0;
}

/* The rest of *c, of which the line is there. */
static int
settle(const struct gitcmd_policy *p, struct gitcmd *c, struct err *e)
{
	const struct gitcmd_row *first = NULL, *r;
	size_t i;

	if (check_verb(p, &c->line, &first, e) == -1)
		return -1;
	if (first->kind == GITCMD_GITOLITE && check_plain(&c->line, e) == -1)
		return -1;
	for (r = first; r->verb != NULL; r++)
		if (strcmp(r->verb, first->verb) == 0 &&
		    gitcmd_fits(r->shape, &c->line))
			break;
	if (r->verb == NULL)
		return misfit(first, &c->line, e);
	c->kind = r->kind;
	c->verb = r->verb;
	c->write = r->write;
	for (i = 1; i < c->line.words.n; i++)
		if (check_repo(p, r, i, c, e) == -1)
			return -1;
	return 0;
}

int
gitcmd_parse(const char *cmd, size_t len, const struct gitcmd_policy *policy,
    struct gitcmd *ret, struct err *e)
{
	struct gitcmd c = { 0 };

	if (cmd == NULL || len == 0) {
		if (!policy->login_info)
			return err_set(e, ERR_REFUSED, "no command was "
			    "given: there is no shell here, but 'info' can "
			    "be asked for");
		cmd = "info";
		len = strlen(cmd);
	}
	if (gitword_split(cmd, len, &c.line, e) == -1)
		return -1;
	if (settle(policy, &c, e) == -1) {
		gitcmd_clear(&c);
		return -1;
	}
	*ret = c;
	return 0;
}

void
gitcmd_clear(struct gitcmd *c)
{
	free(c->repo);
	gitword_clear(&c->line);
	*c = (struct gitcmd){ 0 };
}

int
gitcmd_emit(const struct gitcmd *c, struct buf *out)
{
	return gitword_emit(&c->line, out);
}
