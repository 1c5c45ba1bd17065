/* SPDX-License-Identifier: ISC */
#include "backup.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "allow.h"
#include "base/num.h"
#include "opts_table.h"
#include "settings_keys.h"
#include "ui/opt.h"

/* What the walk over argv collects beside the options themselves. */
struct walk {
	struct backup_opts *o;
	int answer;		/* OPT_HELP and the like, or 0 */
};

static int
no_mem(struct err *e)
{
	return err_set(e, ERR_MEM, "out of memory");
}

static int
set_str(char **at, const char *value, struct err *e)
{
	char *copy = strdup(value);

	if (copy == NULL)
		return no_mem(e);
	free(*at);
	*at = copy;
	return 0;
}

/* The value of option p into its place. */
static int
set_place(struct backup_opts *o, const struct opts_place *p, const char *v,
    struct err *e)
{
	void *at = (char *)o + p->at;
	char what[40];

	snprintf(what, sizeof(what), "--%s", p->name);
	switch (p->kind) {
	case OPTS_FLAG:
		*(bool *)at = true;
		return 0;
	case OPTS_LIST:
		return strv_add(at, v) == 0 ? 0 : no_mem(e);
	case OPTS_TIME:
		if (num_duration_ms(v, what, at, e) == -1)
			return -1;
		return *(uint64_t *)at > 0 ? 0 : err_set(e, ERR_USAGE,
		    "%s: must be more than 0", what);
	case OPTS_SIZE:
		return num_size(v, what, at, e);
	case OPTS_NUM:
		return num_u64(v, what, p->min, p->max, at, e);
	case OPTS_ALLOW:
		return allow_parse(v, at, e) == 0 ? 0 :
		    err_wrap(e, "%s", what);
	case OPTS_NAME:
		if (settings_name(v, what, e) == -1)
			return -1;
		break;
	case OPTS_PATH:
		if (settings_path(v, what, e) == -1)
			return -1;
		break;
	case OPTS_STR:
		if (*v == '\0')
			return err_set(e, ERR_USAGE, "%s: is empty", what);
		break;
	}
	return set_str(at, v, e);
}

static int
set_opt(void *arg, int id, const char *v, struct err *e)
{
	const struct opts_place *p;
	struct walk *w = arg;

	if (id < 0) {		/* OPT_HELP and the like */
		w->answer = id;
		return 0;
	}
	p = opts_place(id);
	if (id == O_QUOTA)
		w->o->quota_set = true;
	return set_place(w->o, p, v, e);
}

/* The operands: as many as the table says. */
static int
take_args(struct backup_opts *o, const struct opts_command *c, char **argv,
    int n, struct err *e)
{
	int i;

	if (n < c->min_args)
		return err_set(e, ERR_USAGE, "%s: %s is missing (%s)",
		    o->name, c->min_args - n == 1 && n == 0 ? "an operand" :
		    "another operand", c->cmd->usage[0]);
	if (c->max_args >= 0 && n > c->max_args) {
		if (c->max_args == 0)
			return err_set(e, ERR_USAGE, "%s takes no operands "
			    "(%s)", o->name, c->cmd->usage[0]);
		return err_set(e, ERR_USAGE, "%s: too many operands (%s)",
		    o->name, c->cmd->usage[0]);
	}
	for (i = 0; i < n; i++)
		if (strv_add(&o->args, argv[i]) == -1)
			return no_mem(e);
	return 0;
}

/* What goes together, whatever the file says. */
static int
check_opts(const struct backup_opts *o, struct err *e)
{
	if (o->mode != NULL && strcmp(o->mode, "channel") != 0 &&
	    strcmp(o->mode, "direct") != 0)
		return err_set(e, ERR_USAGE, "--mode: channel or direct");
	if (o->exact && o->prefix)
		return err_set(e, ERR_USAGE, "either --exact or --prefix");
	if ((o->cmd == BACKUP_ACCEPT || o->cmd == BACKUP_RECEIVE) &&
	    o->client == NULL)
		return err_set(e, ERR_USAGE, "%s: whom? --client NAME",
		    o->name);
	if (o->cmd == BACKUP_ACCEPT && !o->remove && o->key == NULL)
		return err_set(e, ERR_USAGE, "accept: which key? --key FILE, "
		    "--key - or --key 'ssh-ed25519 ...'");
	if (o->cmd == BACKUP_ACCEPT && o->remove && (o->key != NULL ||
	    o->allow != 0 || o->quota_set))
		return err_set(e, ERR_USAGE, "accept: --remove goes with "
		    "--client, --user and --dry-run alone");
	return 0;
}

/* Once backup.conf is known: whose side this is, and where the store is. */
static int
fill_in(struct backup_opts *o, const struct opts_command *c, struct err *e)
{
	const struct settings *s = &o->conf;

	o->side = c->side == OPTS_STORE ? SIDE_STORE : SIDE_CLIENT;
	if (c->side == OPTS_EITHER && (o->store != NULL ||
	    o->client != NULL || (s->store.there && s->njobs == 0)))
		o->side = SIDE_STORE;
	if (o->side == SIDE_STORE && c->side == OPTS_EITHER &&
	    o->job != NULL)
		return err_set(e, ERR_USAGE, "--job is for the machine that "
		    "is backed up; here it is --client");
	if (o->side == SIDE_STORE && o->store == NULL && s->store.there &&
	    set_str(&o->store, s->store.dir, e) == -1)
		return -1;
	if (o->side == SIDE_STORE && o->store == NULL && c->needs_store)
		return err_set(e, ERR_CONFIG, "where is the store? --store "
		    "DIR, or [store] with 'dir = ...' in backup.conf");
	if (o->lines == 0)
		o->lines = 30;
	if (o->depth == 0)
		o->depth = 2;
	return 0;
}

static int
walk_args(int argc, char **argv, struct backup_opts *ret,
    const struct opts_command **ret_command, struct err *e)
{
	struct walk w = { .o = ret };
	const struct opt_cmd *cmd = opts_top();
	const struct opt_sub *sub;
	int first, dashes;

	if (opt_parse(cmd, argc, argv, 1, set_opt, &w, &first, &dashes,
	    e) == -1)
		return -1;
	if (w.answer == 0) {
		if (first == argc)
			return err_set(e, ERR_USAGE, "which command? "
			    "(postern backup --help lists them)");
		sub = opt_sub(cmd, argv[first], e);
		if (sub == NULL)
			return -1;
		argc -= first;
		argv += first;
		cmd = sub->cmd;
		ret->cmd = (enum backup_cmd)sub->id;
		ret->name = sub->name;
		if (opt_parse(cmd, argc, argv, 0, set_opt, &w, &first,
		    &dashes, e) == -1)
			return -1;
	}
	if (w.answer != 0) {
		if (opt_answer(cmd, w.answer, POSTERN_VERSION, stdout) == -1)
			return err_sys(e, "standard output");
		return 1;
	}
	*ret_command = opts_command(ret->cmd);
	return take_args(ret, *ret_command, argv + first, argc - first, e);
}

static int
parse(int argc, char **argv, bool file, const char *text,
    struct backup_opts *ret, struct err *e)
{
	const struct opts_command *c = NULL;
	int rc;

	rc = walk_args(argc, argv, ret, &c, e);
	if (rc != 0)
		return rc;
	if (check_opts(ret, e) == -1)
		return -1;
	/* setup writes the file that it was given when it is not there. */
	if (file && (ret->cmd != BACKUP_SETUP || ret->config == NULL ||
	    access(ret->config, F_OK) == 0))
		rc = settings_load(&ret->conf, ret->config, e);
	else if (!file && text != NULL)
		rc = settings_parse(&ret->conf, text, strlen(text),
		    "backup.conf", e);
	if (rc == -1 || settings_check(&ret->conf, e) == -1)
		return -1;
	return fill_in(ret, c, e);
}

int
opts_parse(int argc, char **argv, struct backup_opts *ret, struct err *e)
{
	return parse(argc, argv, true, NULL, ret, e);
}

int
opts_text(int argc, char **argv, const char *text, struct backup_opts *ret,
    struct err *e)
{
	return parse(argc, argv, false, text, ret, e);
}

static int
replace(char **s, const char *value)
{
	char *copy;

	if (value == NULL)
		return 0;
	copy = strdup(value);
	if (copy == NULL)
		return -1;
	free(*s);
	*s = copy;
	return 0;
}

struct settings_job *
opts_job(struct backup_opts *o, const char *name, struct err *e)
{
	struct settings_job *j = settings_job(&o->conf, name != NULL ? name :
	    o->job, e);
	size_t i;
	int rc;

	if (j == NULL || settings_job_fill(j, e) == -1)
		return NULL;
	if (j->destination == NULL && !o->stdio) {
		err_set(e, ERR_CONFIG, "backup.conf: [job %s] has no "
		    "destination", j->section);
		return NULL;
	}
	/* The store has come to us: that is what it is called. */
	rc = j->destination == NULL ? replace(&j->destination, "the store") : 0;
	rc |= replace(&j->ssh, o->ssh);
	rc |= replace(&j->ssh_config, o->ssh_config);
	for (i = 0; i < o->ssh_options.n; i++)
		rc |= strv_add(&j->ssh_options, o->ssh_options.v[i]);
	if (o->mode != NULL)
		j->mode = strcmp(o->mode, "direct") == 0 ? MODE_DIRECT :
		    MODE_CHANNEL;
	if (o->bandwidth > 0)
		j->bandwidth = (int64_t)o->bandwidth;
	if (o->timeout_ms > 0)
		j->timeout = (int64_t)o->timeout_ms;
	if (rc == 0)
		return j;
	err_set(e, ERR_MEM, "out of memory");
	return NULL;
}

void
opts_clear(struct backup_opts *o)
{
	const struct opts_place *p;
	int id;

	for (id = 1; (p = opts_place(id)) != NULL; id++) {
		void *at = (char *)o + p->at;

		switch (p->kind) {
		case OPTS_STR:
		case OPTS_NAME:
		case OPTS_PATH:
			free(*(char **)at);
			break;
		case OPTS_LIST:
			strv_clear(at);
			break;
		default:
			break;
		}
	}
	strv_clear(&o->args);
	settings_clear(&o->conf);
	*o = (struct backup_opts){ 0 };
}
