/* SPDX-License-Identifier: ISC */
#include "exhaust.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "asklist.h"
#include "exhaust_tab.h"
#include "exhaust_unit.h"
#include "give.h"
#include "rdluks.h"
#include "sys/clock.h"
#include "sys/file.h"

#define GIVEN_UP	GIVE_DIR "/given-up"
#define MARKS		"/tmp"
#define MARK		"cryptroot-asked-"
#define BY_UUID		"/dev/disk/by-uuid/"
#define CMDLINE_MAX	16384
#define CRYPTTAB_MAX	65536
#define ASK_MS		20000u	/* for one that was begun again */
#define LOOK_MS		100

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

static int
marks(struct askers *all, struct err *e)
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

/* For exhaust_was(). */
static void
note(void)
{
	int fd = -1;

	if (file_mkdirs(GIVE_DIR, 0700, NULL) == 0)
		fd = open(GIVEN_UP, O_WRONLY | O_CREAT | O_NOFOLLOW |
		    O_CLOEXEC, 0600);
	if (fd != -1)
		close(fd);
}

int
exhaust_find(struct askers *all, struct err *e)
{
	size_t before = all->n;

	if (marks(all, e) == -1 || exhaust_unit_find(all, e) == -1 ||
	    exhaust_tab_find(all, e) == -1)
		return -1;
	if (all->n > before)
		note();
	return 0;
}

bool
exhaust_was(void)
{
	return access(GIVEN_UP, F_OK) == 0;
}

void
exhaust_forget(void)
{
	(void)unlink(GIVEN_UP);
}

bool
exhaust_is(const struct asker *a)
{
	return a->kind == ASKER_EXHAUSTED || a->kind == ASKER_UNIT ||
	    a->kind == ASKER_TAB;
}

static int
begin(const struct asker *a, struct err *e)
{
	return a->kind == ASKER_UNIT ? exhaust_unit_restart(a->file, e) :
	    exhaust_tab_begin(e);
}

/* initramfs-tools' script asks for one disk after another: whether it is at one
 * that isn't id's; then *e. */
static bool
other_first(const struct askers *all, const char *id, struct err *e)
{
	const struct bootline_prompt *p;
	size_t i;

	for (i = 0; i < all->n; i++) {
		p = &all->v[i].prompt;
		if (all->v[i].kind == ASKER_ASKPASS && strcmp(p->id, id) != 0 &&
		    !(p->uuid[0] != '\0' && asker_is_open(p->uuid))) {
			err_set(e, ERR_BUSY, "%s is asked for first", p->id);
			return true;
		}
	}
	return false;
}

const struct asker *
exhaust_ask(const struct asker *was, struct askers *all, struct err *e)
{
	const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000L };
	uint64_t end = clock_ms() + ASK_MS;
	struct bootline_prompt p = was->prompt;
	bool tab = was->kind == ASKER_TAB;
	const struct asker *a;

	if (was->kind == ASKER_EXHAUSTED)
		return was;
	if ((tab && other_first(all, p.id, e)) || begin(was, e) == -1)
		return NULL;
	do {
		nanosleep(&pause, NULL);
		askers_clear(all);
		if (askers_find(all, e) == -1)
			return NULL;
		a = askers_get(all, p.id);
		if (a != NULL && !exhaust_is(a))
			return a;
		/* Another disk's passphrase may have opened it. */
		if ((p.uuid[0] != '\0' && asker_is_open(p.uuid)) ||
		    (tab && other_first(all, p.id, e)))
			return NULL;
	} while (clock_ms() < end);
	if (tab)
		err_set(e, ERR_BUSY, "the script that asks is not at this "
		    "disk yet");
	else
		err_set(e, ERR_TIMEOUT, "it was begun again, but doesn't "
		    "ask");
	return NULL;
}
