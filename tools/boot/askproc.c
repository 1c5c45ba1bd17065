/* SPDX-License-Identifier: ISC */
#include "askproc.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "askargv.h"
#include "asklist.h"
#include "base/num.h"
#include "procfile.h"

#define ENV_MAX		16384
#define MEM_MAJOR	1	/* /dev/null and its like */

/* Only what is one process from the first look to the last. */
static int
add(struct askers *all, struct asker *a, struct err *e)
{
	if (asker_alive(a))
		return asklist_add(all, a, e);
	strv_clear(&a->argv);
	return 0;
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
	if (!asklist_read(&b, path))
		goto out;
	name = procfile_env(b.data, b.len, "CRYPTTAB_NAME");
	source = procfile_env(b.data, b.len, "CRYPTTAB_SOURCE");
	tried = procfile_env(b.data, b.len, "CRYPTTAB_TRIED");
	if (source == NULL || source[0] != '/' ||
	    strlen(source) >= sizeof(p->device))
		goto out;
	a->kind = ASKER_ASKPASS;
	asklist_copy(p->kind, sizeof(p->kind), "askpass");
	asklist_copy(p->device, sizeof(p->device), source);
	asklist_copy(p->name, sizeof(p->name), name != NULL ? name : "");
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

/* plymouth's client runs a cryptsetup with each answer: its words stand for
 * those of one that waits. 0, or -1. */
static int
plymouth(struct asker *a)
{
	struct strv words = { .n = 0 };
	int rc = askargv_plymouth(&a->argv, &words, NULL);

	strv_clear(&a->argv);
	a->argv = words;
	return rc;
}

static int
cryptsetup(struct askers *all, struct asker *a, bool by_plymouth,
    struct err *e)
{
	struct bootline_prompt *p = &a->prompt;
	struct askargv w;
	char path[64];
	struct buf b;
	int rc = 0;

	buf_init(&b, ENV_MAX);
	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)a->pid);
	if ((!by_plymouth && !on_console(a->pid)) || !asklist_read(&b, path) ||
	    procfile_argv(b.data, b.len, &a->argv, NULL) == -1 ||
	    (by_plymouth && plymouth(a) == -1) ||
	    askargv_parse(&a->argv, &w, NULL) == -1 ||
	    strlen(w.device) >= sizeof(p->device)) {
		strv_clear(&a->argv);
		goto out;
	}
	a->kind = ASKER_CRYPTSETUP;
	asklist_copy(p->kind, sizeof(p->kind), by_plymouth ? "plymouth" :
	    "cryptsetup");
	asklist_copy(p->device, sizeof(p->device), w.device);
	asklist_copy(p->name, sizeof(p->name), w.name);
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
	if (!asklist_start(a.pid, &a.start))
		return 0;
	n = readlink(path, exe, sizeof(exe) - 1);
	if (n <= 0 || !asklist_root(a.pid))
		return 0;
	exe[n] = '\0';
	if (ends(exe, "/cryptsetup/askpass"))
		return askpass(all, &a, e);
	if (ends(exe, "/plymouth"))
		return cryptsetup(all, &a, true, e);
	return ends(exe, "/cryptsetup") ? cryptsetup(all, &a, false, e) : 0;
}

int
askproc_find(struct askers *all, struct err *e)
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

/* Whether the process of that number is systemd's, and about that disk; name
 * NULL: about any, or cryptsetup itself. */
static bool
attaches(const char *number, const char *name)
{
	char path[64], exe[PATH_MAX];
	struct strv words = { .n = 0 };
	struct buf b;
	ssize_t n;
	bool is;

	snprintf(path, sizeof(path), "/proc/%.20s/exe", number);
	n = readlink(path, exe, sizeof(exe) - 1);
	if (n <= 0)
		return false;
	exe[n] = '\0';
	if (name == NULL && ends(exe, "/cryptsetup"))
		return true;
	if (!ends(exe, "/systemd-cryptsetup"))
		return false;
	buf_init(&b, ENV_MAX);
	snprintf(path, sizeof(path), "/proc/%.20s/cmdline", number);
	is = asklist_read(&b, path) && procfile_argv(b.data, b.len, &words,
	    NULL) == 0 && words.n > 2 && (name == NULL ||
	    strcmp(words.v[2], name) == 0);
	strv_clear(&words);
	buf_clear(&b);
	return is;
}

bool
askproc_attaches(const char *name)
{
	DIR *d = opendir("/proc");
	struct dirent *de;
	bool is = false;

	if (d == NULL)
		return false;
	while (!is && (de = readdir(d)) != NULL)
		is = de->d_name[0] >= '1' && de->d_name[0] <= '9' &&
		    attaches(de->d_name, name);
	closedir(d);
	return is;
}
