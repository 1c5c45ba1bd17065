/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gitprog.h"
#include "setup_both.h"
#include "setup_units.h"

#define UNITS	"/etc/systemd/system/"

/* What an earlier set-up installed may have been stopped, or kept from coming
 * up with the host. What systemd starts again by itself is left to it. */
static int
revive(struct setup *s, const char *name, struct err *e)
{
	const char *show[] = { "systemctl", "show", "-p", "ActiveState", "-p",
		"UnitFileState", name, NULL };
	const char *enable[] = { "systemctl", "-q", "enable", "--now", name,
		NULL };
	struct buf said;
	bool off;
	int rc;

	buf_init(&said, 4096);
	rc = step_run(show, &said, e);
	off = rc == 0 && (strstr(said.data, "ActiveState=inactive") != NULL ||
	    strstr(said.data, "ActiveState=deactivating") != NULL ||
	    strstr(said.data, "ActiveState=failed") != NULL ||
	    strstr(said.data, "UnitFileState=disabled") != NULL ||
	    strstr(said.data, "UnitFileState=masked") != NULL);
	buf_clear(&said);
	if (off && !s->o->dry_run)
		rc = step_run(enable, NULL, e);
	if (rc == 0)
		step_say(&s->step, off, "%s runs, and comes up with the host",
		    name);
	return rc;
}

int
setup_unit(struct setup *s, const char *name, bool start, struct err *e)
{
	const char *reload[] = { "systemctl", "daemon-reload", NULL };
	const char *enable[] = { "systemctl", "-q", "enable", "--now", name,
		NULL };
	const char *again[] = { "systemctl", "try-restart", name, NULL };
	unsigned before = s->step.changed;
	struct buf program, text;
	char path[256];
	int rc = -1;

	snprintf(path, sizeof(path), UNITS "%s", name);
	buf_init(&program, 4200);
	buf_init(&text, 8192);
	if (gitprog_path("postern-git", &program, e) == 0 &&
	    setup_units_text(name, s->user.data, program.data, &text,
	    e) == 0)
		rc = step_file(&s->step, path, text.data, text.len, 0644, 0,
		    e);
	buf_clear(&program);
	buf_clear(&text);
	if (rc == 0 && start && s->step.changed == before)
		return revive(s, name, e);
	if (rc == -1 || s->o->dry_run || s->step.changed == before)
		return rc;
	if (step_run(reload, NULL, e) == -1)
		return -1;
	return !start ? 0 : step_run(enable, NULL, e) == -1 ? -1 :
	    step_run(again, NULL, e);
}

int
setup_unit_off(struct setup *s, const char *name, struct err *e)
{
	const char *active[] = { "systemctl", "-q", "is-active", name, NULL };
	const char *enabled[] = { "systemctl", "-q", "is-enabled", name,
		NULL };
	const char *off[] = { "systemctl", "-q", "disable", "--now", name,
		NULL };
	char path[256];
	bool on;

	snprintf(path, sizeof(path), UNITS "%s", name);
	if (access(path, F_OK) == -1)
		return errno == ENOENT ? 0 : err_sys(e, "%s", path);
	on = step_run(active, NULL, NULL) == 0 ||
	    step_run(enabled, NULL, NULL) == 0;
	if (on && !s->o->dry_run && step_run(off, NULL, e) == -1)
		return -1;
	step_say(&s->step, on, "%s, which nothing asks here, is off", name);
	return 0;
}
