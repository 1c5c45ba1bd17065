/* SPDX-License-Identifier: ISC */
#include "asker.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "askargv.h"
#include "base/num.h"
#include "procfile.h"
#include "slurp.h"
#include "sys/clock.h"

#define QUESTIONS	"/run/systemd/ask-password"
#define BLOCK		"/sys/block"
#define BY_UUID		"/dev/disk/by-uuid/"
#define ASKERS_MAX	64
#define ENV_MAX		16384
#define MEM_MAJOR	1	/* /dev/null and its like */

/* The file at path, as slurp_read(); false: it isn't there, or not for us. */
static bool
read_some(struct buf *b, const char *path)
{
	buf_clear(b);
	return slurp_read(path, b, NULL) == 0;
}

static bool
start_of(pid_t pid, uint64_t *ret)
{
	struct procstat s;
	char path[64];
	struct buf b;
	bool ok;

	buf_init(&b, 4096);
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	ok = read_some(&b, path) &&
	    procfile_stat(b.data, b.len, &s, NULL) == 0 && s.state != 'Z';
	if (ok)
		*ret = s.start;
	buf_clear(&b);
	return ok;
}

/* Only root opens disks: another user's process could say anything. */
static bool
is_root(pid_t pid)
{
	char path[64];
	struct buf b;
	bool root;

	buf_init(&b, 8192);
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	root = read_some(&b, path) && procfile_is_root(b.data, b.len);
	buf_clear(&b);
	return root;
}

static void
copy(char *to, size_t cap, const char *from)
{
	snprintf(to, cap, "%s", from);
}

/* What the disk itself says, and its id. Only files and block devices are
 * opened: what else could stand there might block, or do something. 0, or -1:
 * it can't have an id of its own. */
static int
look_at(struct asker *a)
{
	struct bootline_prompt *p = &a->prompt;
	struct stat st;
	struct buf b;

	buf_init(&b, LUKSHDR_BYTES);
	a->luks = p->device[0] == '/' && stat(p->device, &st) == 0 &&
	    (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode)) &&
	    read_some(&b, p->device) && lukshdr_parse(
	    (const unsigned char *)b.data, b.len, p->uuid, NULL) == 0;
	buf_clear(&b);
	if (!a->luks && strncmp(p->device, BY_UUID, strlen(BY_UUID)) == 0 &&
	    lukshdr_uuid(p->device + strlen(BY_UUID)))
		copy(p->uuid, sizeof(p->uuid), p->device + strlen(BY_UUID));
	return bootline_id(p->uuid, p->device, p->id);
}

/* Takes a, whether it is kept or not. */
static int
add(struct askers *all, struct asker *a, struct err *e)
{
	struct asker *v;

	if (all->n == ASKERS_MAX || look_at(a) == -1) {
		strv_clear(&a->argv);
		return 0;
	}
	v = reallocarray(all->v, all->n + 1, sizeof(*v));
	if (v == NULL) {
		strv_clear(&a->argv);
		return err_set(e, ERR_MEM, "out of memory");
	}
	all->v = v;
	v[all->n++] = *a;
	return 0;
}

static int
question(struct askers *all, const char *name, struct err *e)
{
	struct asker a = { .kind = ASKER_SYSTEMD,
	    .prompt = { .kind = "systemd", .tries = -1 } };
	struct askfile f;
	struct buf b;
	char path[sizeof(QUESTIONS) + NAME_MAX + 1];
	bool ok;

	buf_init(&b, ASKFILE_MAX);
	snprintf(path, sizeof(path), QUESTIONS "/%s", name);
	ok = read_some(&b, path) && askfile_parse(b.data, b.len, &f,
	    NULL) == 0 && askfile_device(&f) != NULL &&
	    is_root(f.pid) && start_of(f.pid, &a.start) &&
	    (f.not_after_us == 0 || f.not_after_us / 1000 > clock_ms());
	buf_clear(&b);
	if (!ok)
		return 0;
	a.pid = f.pid;
	copy(a.file, sizeof(a.file), name);
	copy(a.socket, sizeof(a.socket), f.socket);
	copy(a.prompt.device, sizeof(a.prompt.device), askfile_device(&f));
	copy(a.prompt.name, sizeof(a.prompt.name), f.message);
	return add(all, &a, e);
}

static int
questions(struct askers *all, struct err *e)
{
	DIR *d = opendir(QUESTIONS);
	struct dirent *de;
	int rc = 0;

	if (d == NULL)
		return 0;
	while (rc == 0 && (de = readdir(d)) != NULL)
		if (strncmp(de->d_name, "ask.", 4) == 0)
			rc = question(all, de->d_name, e);
	closedir(d);
	return rc;
}

static int
askpass(struct askers *all, struct asker *a, struct err *e)
{
	struct bootline_prompt *p = &a->prompt;
	const char *name, *source, *tried;
	struct stat st;
	char path[64];
	uint64_t n;
	struct buf b;
	int rc = 0;

	if (lstat(ASKER_FIFO, &st) == -1 || !S_ISFIFO(st.st_mode))
		return 0;
	buf_init(&b, ENV_MAX);
	snprintf(path, sizeof(path), "/proc/%d/environ", (int)a->pid);
	if (!read_some(&b, path))
		goto out;
	name = procfile_env(b.data, b.len, "CRYPTTAB_NAME");
	source = procfile_env(b.data, b.len, "CRYPTTAB_SOURCE");
	tried = procfile_env(b.data, b.len, "CRYPTTAB_TRIED");
	if (source == NULL || source[0] != '/' ||
	    strlen(source) >= sizeof(p->device))
		goto out;
	a->kind = ASKER_ASKPASS;
	copy(p->kind, sizeof(p->kind), "askpass");
	copy(p->device, sizeof(p->device), source);
	copy(p->name, sizeof(p->name), name != NULL ? name : "");
	if (tried != NULL && num_u64(tried, "tries", 0, INT32_MAX, &n,
	    NULL) == 0)
		p->tries = (int64_t)n;
	rc = add(all, a, e);
out:
	buf_clear(&b);
	return rc;
}

/* A console is a terminal, or what stands for one: not /dev/null. */
static bool
on_console(pid_t pid)
{
	struct stat st;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd/0", (int)pid);
	return stat(path, &st) == 0 && S_ISCHR(st.st_mode) &&
	    major(st.st_rdev) != MEM_MAJOR;
}

static int
cryptsetup(struct askers *all, struct asker *a, struct err *e)
{
	struct bootline_prompt *p = &a->prompt;
	struct askargv w;
	char path[64];
	struct buf b;
	int rc = 0;

	buf_init(&b, ENV_MAX);
	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)a->pid);
	if (!on_console(a->pid) || !read_some(&b, path) ||
	    procfile_argv(b.data, b.len, &a->argv, NULL) == -1 ||
	    askargv_parse(&a->argv, &w, NULL) == -1 ||
	    strlen(w.device) >= sizeof(p->device)) {
		strv_clear(&a->argv);
		goto out;
	}
	a->kind = ASKER_CRYPTSETUP;
	copy(p->kind, sizeof(p->kind), "cryptsetup");
	copy(p->device, sizeof(p->device), w.device);
	copy(p->name, sizeof(p->name), w.name);
	rc = add(all, a, e);
out:
	buf_clear(&b);
	return rc;
}

static bool
ends(const char *s, const char *with)
{
	size_t n = strlen(s), m = strlen(with);

	return n >= m && strcmp(s + n - m, with) == 0;
}

static int
process(struct askers *all, const char *name, struct err *e)
{
	struct asker a = { .prompt = { .tries = -1 } };
	char path[64], exe[PATH_MAX];
	uint64_t pid;
	ssize_t n;

	if (num_u64(name, "pid", 2, INT_MAX, &pid, NULL) == -1)
		return 0;
	a.pid = (pid_t)pid;
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)a.pid);
	n = readlink(path, exe, sizeof(exe) - 1);
	if (n <= 0 || !is_root(a.pid) || !start_of(a.pid, &a.start))
		return 0;
	exe[n] = '\0';
	if (ends(exe, "/cryptsetup/askpass"))
		return askpass(all, &a, e);
	return ends(exe, "/cryptsetup") ? cryptsetup(all, &a, e) : 0;
}

static int
processes(struct askers *all, struct err *e)
{
	DIR *d = opendir("/proc");
	struct dirent *de;
	int rc = 0;

	if (d == NULL)
		return err_sys(e, "/proc");
	while (rc == 0 && (de = readdir(d)) != NULL)
		rc = process(all, de->d_name, e);
	closedir(d);
	return rc;
}

int
askers_find(struct askers *ret, struct err *e)
{
	struct askers all = { .n = 0 };

	if (questions(&all, e) == -1 || processes(&all, e) == -1) {
		askers_clear(&all);
		return -1;
	}
	*ret = all;
	return 0;
}

void
askers_clear(struct askers *a)
{
	size_t i;

	for (i = 0; i < a->n; i++)
		strv_clear(&a->v[i].argv);
	free(a->v);
	*a = (struct askers){ .n = 0 };
}

const struct asker *
askers_get(const struct askers *a, const char *id)
{
	size_t i;

	for (i = 0; i < a->n; i++)
		if (strcmp(a->v[i].prompt.id, id) == 0)
			return &a->v[i];
	return NULL;
}

bool
asker_same(const struct asker *a, const struct asker *b)
{
	return a->kind == b->kind && a->pid == b->pid &&
	    a->start == b->start && strcmp(a->file, b->file) == 0;
}

bool
asker_alive(const struct asker *a)
{
	uint64_t start;

	return start_of(a->pid, &start) && start == a->start;
}

bool
asker_is_open(const char *uuid)
{
	DIR *d = opendir(BLOCK);
	struct dirent *de;
	struct buf b;
	char path[sizeof(BLOCK) + NAME_MAX + 16];
	bool open = false;

	if (d == NULL)
		return false;
	buf_init(&b, 256);
	while (!open && (de = readdir(d)) != NULL) {
		if (strncmp(de->d_name, "dm-", 3) != 0)
			continue;
		snprintf(path, sizeof(path), BLOCK "/%s/dm/uuid", de->d_name);
		open = read_some(&b, path) && lukshdr_is_open(b.data, uuid);
	}
	buf_clear(&b);
	closedir(d);
	return open;
}
