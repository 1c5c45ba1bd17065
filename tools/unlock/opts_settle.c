/* SPDX-License-Identifier: ISC */
#include "opts_settle.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What goes together, once everything is known. */
static int
check_opts(struct unlock_opts *o, struct err *e)
{
	bool window = o->action == UNLOCK_HOLD;

	if (o->command.n > 0) {
		if (o->action != UNLOCK_PUSH)
			return err_set(e, ERR_USAGE, "a COMMAND opens a "
			    "window of its own: not with --hold, --check, "
			    "--setup or --cage");
		o->action = UNLOCK_COMMAND;
		window = true;
	}
	if (window) {
		if (o->way == UNLOCK_FIFO)
			return err_set(e, ERR_USAGE, "a window that others "
			    "use has one key for all: not with --fifo");
		if (o->from != NULL)
			return err_set(e, ERR_USAGE, "--from names who "
			    "pushes, and in a window that is up to you: use "
			    "it without --hold and COMMAND");
		o->way = UNLOCK_SHARED;
	}
	if (o->groups.n == 0 && o->action != UNLOCK_CHECK &&
	    o->action != UNLOCK_CAGE)
		return err_set(e, ERR_USAGE,
		    "which group? (postern unlock GROUP…, or --help)");
	if (o->test && o->action != UNLOCK_CAGE)
		return err_set(e, ERR_USAGE, "--test goes with --cage");
	if (o->hosts && o->action != UNLOCK_CHECK &&
	    o->action != UNLOCK_CAGE)
		return err_set(e, ERR_USAGE,
		    "--hosts goes with --check or --cage");
	if (o->verify && o->action == UNLOCK_HOLD)
		return err_set(e, ERR_USAGE, "--verify needs a push or a "
		    "COMMAND to come after");
	if (o->strict && o->accept_risk)
		return err_set(e, ERR_USAGE,
		    "either --strict or --accept-risk");
	return 0;
}

static int
set_default(char **s, const char *value, struct err *e)
{
	if (*s != NULL)
		return 0;
	*s = strdup(value);
	return *s != NULL ? 0 : err_set(e, ERR_MEM, "out of memory");
}

static int
fill_in(struct unlock_opts *o, struct err *e)
{
	const char *sysdir = getenv("CSYNC2_SYSTEM_DIR");
	char name[256] = "";
	char *p;

	o->sysdir_set = sysdir != NULL && *sysdir != '\0';
	if (o->self == NULL && gethostname(name, sizeof(name) - 1) == -1)
		return err_sys(e, "gethostname");
	if (set_default(&o->self, name, e) == -1 ||
	    set_default(&o->sysdir, o->sysdir_set ? sysdir : "/etc", e) == -1 ||
	    set_default(&o->key, "random", e) == -1 ||
	    set_default(&o->state_dir, "/var/lib/postern/unlock", e) == -1)
		return -1;
	for (p = o->self; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	if (o->jobs == 0)
		o->jobs = 16;
	if (o->connect_ms == 0)
		o->connect_ms = 10000;
	if (o->host_ms == 0)
		o->host_ms = 60000;
	if (o->scan_ms == 0)
		o->scan_ms = 1800000;
	return 0;
}

/*
 * With --fifo and --shared csync2 itself reads the configuration, and that
 * by name: on FILE's word alone it would push what another one says, and all
 * would look well. So FILE is taken for the name that csync2 has for it.
 */
static int
name_file(struct unlock_opts *o, struct err *e)
{
	size_t dir = strlen(o->sysdir), len;
	const char *p = o->cfg_file, *name;

	if (p == NULL || o->action != UNLOCK_PUSH || o->way == UNLOCK_PIPE)
		return 0;
	while (dir > 1 && o->sysdir[dir - 1] == '/')
		dir--;
	if (strncmp(p, o->sysdir, dir) != 0 || p[dir] != '/' ||
	    strncmp(p + dir + 1, "csync2", 6) != 0)
		goto no;
	name = p + dir + 7;
	len = strlen(name);
	if (len < 4 || strcmp(name + len - 4, ".cfg") != 0)
		goto no;
	len -= 4;
	if (len == 0 && o->cfg_name == NULL)
		return 0;
	if (len < 2 || *name != '_' || (o->cfg_name != NULL &&
	    (strlen(o->cfg_name) != len - 1 ||
	    strncmp(o->cfg_name, name + 1, len - 1) != 0)))
		goto no;
	free(o->cfg_name);
	o->cfg_name = strndup(name + 1, len - 1);
	if (o->cfg_name == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	/* Now it is read, and refused, by its name. */
	free(o->cfg_file);
	o->cfg_file = NULL;
	return 0;
no:
	return err_set(e, ERR_USAGE, "-c %s: with --fifo and --shared csync2 "
	    "itself reads the configuration, %s/csync2.cfg or, with -C NAME, "
	    "%s/csync2_NAME.cfg", p, o->sysdir, o->sysdir);
}

int
opts_settle(struct unlock_opts *o, struct err *e)
{
	if (check_opts(o, e) == -1 || fill_in(o, e) == -1)
		return -1;
	return name_file(o, e);
}
