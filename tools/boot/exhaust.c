/* SPDX-License-Identifier: ISC */
#include "exhaust.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "asklist.h"
#include "rdluks.h"

#define MARKS		"/tmp"
#define MARK		"cryptroot-asked-"
#define BY_UUID		"/dev/disk/by-uuid/"
#define CMDLINE_MAX	16384
#define CRYPTTAB_MAX	65536

static int
add_argv(struct asker *a, const char *cmdline)
{
	if (strv_add(&a->argv, "cryptsetup") == -1 ||
	    strv_add(&a->argv, "luksOpen") == -1 ||
	    (rdluks_discards(cmdline, a->prompt.uuid) &&
	    strv_add(&a->argv, "--allow-discards") == -1) ||
	    strv_add(&a->argv, a->prompt.device) == -1)
		return -1;
	return strv_add(&a->argv, a->prompt.name);
}

/* Of which disk a mark is, by what the kernel line or crypttab calls it. */
static int
uuid_of(const char *cmdline, const char *name, char ret[LUKSHDR_UUID])
{
	struct buf tab;
	int rc = rdluks_uuid(cmdline, name, ret);

	if (rc == 0)
		return 0;
	buf_init(&tab, CRYPTTAB_MAX);
	if (asklist_read(&tab, "/etc/crypttab"))
		rc = rdluks_crypttab(tab.data, name, ret);
	buf_clear(&tab);
	return rc;
}

static int
mark(struct askers *all, const char *cmdline, const char *file, struct err *e)
{
	struct asker a = { .kind = ASKER_EXHAUSTED,
	    .prompt = { .kind = "exhausted", .tries = -1 } };
	struct bootline_prompt *p = &a.prompt;
	const char *name = file + strlen(MARK);
	char path[sizeof(MARKS) + NAME_MAX + 1];
	struct stat st;

	snprintf(path, sizeof(path), MARKS "/%s", file);
	/* Anybody may write there, in a real system. */
	if (lstat(path, &st) == -1 || !S_ISREG(st.st_mode) || st.st_uid != 0 ||
	    strlen(name) >= sizeof(p->name) ||
	    uuid_of(cmdline, name, p->uuid) == -1 ||
	    asker_is_open(p->uuid))
		return 0;
	asklist_copy(a.file, sizeof(a.file), file);
	asklist_copy(p->name, sizeof(p->name), name);
	snprintf(p->device, sizeof(p->device), BY_UUID "%s", p->uuid);
	if (stat(p->device, &st) == -1 || !S_ISBLK(st.st_mode))
		return 0;
	if (add_argv(&a, cmdline) == -1) {
		strv_clear(&a.argv);
		return err_set(e, ERR_MEM, "out of memory");
	}
	return asklist_add(all, &a, e);
}

int
exhaust_find(struct askers *all, struct err *e)
{
	DIR *d = opendir(MARKS);
	struct dirent *de;
	struct buf cmdline;
	int rc = 0;

	if (d == NULL)
		return 0;
	buf_init(&cmdline, CMDLINE_MAX);
	if (!asklist_read(&cmdline, "/proc/cmdline"))
		goto out;
	while (rc == 0 && (de = readdir(d)) != NULL)
		if (strncmp(de->d_name, MARK, strlen(MARK)) == 0)
			rc = mark(all, cmdline.data, de->d_name, e);
out:
	buf_clear(&cmdline);
	closedir(d);
	return rc;
}
