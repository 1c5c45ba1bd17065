/* SPDX-License-Identifier: ISC */
#include "exhaust_unit.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "asklist.h"
#include "askproc.h"
#include "askunit.h"
#include "execute.h"
#include "proc/child.h"

#define UNITS		"/run/systemd/generator"
#define BEGIN		"systemd-cryptsetup@"
#define END		".service"
#define SYSTEMCTL	"/bin/systemctl"	/* /usr/bin's, where both are */
#define SYSTEMCTL_MS	20000u

static bool
is_unit(const char *name)
{
	size_t n = strlen(name);

	return strncmp(name, BEGIN, strlen(BEGIN)) == 0 && n > strlen(END) &&
	    strcmp(name + n - strlen(END), END) == 0;
}

static bool
read_unit(const char *file, struct askunit *ret)
{
	char path[sizeof(UNITS) + NAME_MAX + 1];
	struct buf b;
	bool ok;

	buf_init(&b, ASKUNIT_MAX);
	snprintf(path, sizeof(path), UNITS "/%s", file);
	ok = asklist_read(&b, path) && askunit_parse(b.data, b.len, ret,
	    NULL) == 0;
	buf_clear(&b);
	return ok;
}

/* To ask systemd takes its time, and we look ten times a second: not while the
 * unit's own program runs. */
static bool
failed(const char *file, const char *name)
{
	char *argv[] = { "systemctl", "--quiet", "is-failed", "--",
	    (char *)file, NULL };
	int status;

	return !askproc_attaches(name) && execute_run(SYSTEMCTL, argv, NULL,
	    SYSTEMCTL_MS, &status, NULL) == 0 && WIFEXITED(status) &&
	    WEXITSTATUS(status) == 0;
}

/* Whether the last of *all is its disk's only one, and that isn't open. */
static bool
counts(const struct askers *all)
{
	const struct asker *last = &all->v[all->n - 1];

	return askers_get(all, last->prompt.id) == last &&
	    (last->prompt.uuid[0] == '\0' ||
	    !asker_is_open(last->prompt.uuid));
}

static int
unit(struct askers *all, const char *file, struct err *e)
{
	struct asker a = { .kind = ASKER_UNIT,
	    .prompt = { .kind = "exhausted", .tries = -1 } };
	size_t before = all->n;
	struct askunit u;
	struct stat st;

	if (!read_unit(file, &u) || stat(u.device, &st) == -1 ||
	    (!S_ISBLK(st.st_mode) && !S_ISREG(st.st_mode)))
		return 0;
	asklist_copy(a.file, sizeof(a.file), file);
	asklist_copy(a.prompt.device, sizeof(a.prompt.device), u.device);
	asklist_copy(a.prompt.name, sizeof(a.prompt.name), u.name);
	if (asklist_add(all, &a, e) == -1)
		return -1;
	if (all->n > before && (!counts(all) || !failed(file, u.name)))
		all->n = before;	/* it owns nothing */
	return 0;
}

int
exhaust_unit_find(struct askers *all, struct err *e)
{
	DIR *d = opendir(UNITS);
	struct dirent *de;
	int rc = 0;

	if (d == NULL)
		return 0;
	while (rc == 0 && (de = readdir(d)) != NULL)
		if (is_unit(de->d_name))
			rc = unit(all, de->d_name, e);
	closedir(d);
	return rc;
}

int
exhaust_unit_restart(const char *file, struct err *e)
{
	char *argv[] = { "systemctl", "--quiet", "--no-block", "restart", "--",
	    (char *)file, NULL };
	char why[64];
	int status;

	if (execute_run(SYSTEMCTL, argv, NULL, SYSTEMCTL_MS, &status,
	    e) == -1)
		return -1;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	child_why(status, why, sizeof(why));
	return err_set(e, ERR_PEER, "systemctl restart %s: %s", file, why);
}
