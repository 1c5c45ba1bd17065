/* SPDX-License-Identifier: ISC */
#include "exhaust_shell.h"

#include <dirent.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "asklist.h"
#include "askproc.h"
#include "base/num.h"
#include "execute.h"
#include "procfile.h"
#include "sys/clock.h"

#define SYSTEMCTL	"/bin/systemctl"
#define SYSTEMCTL_MS	20000u
#define WAIT_MS		12000u	/* for others to end */
#define LOOK_MS		100
#define WORDS_MAX	4096
#define ENVIRON_MAX	65536

enum found { NONE, SHELL, PANIC, SULOGIN };

/* Of init's own children: no session has these words and that parent. */
static bool
is_child_of_init(pid_t pid)
{
	struct procstat s = { .ppid = 0 };
	char path[64];
	struct buf b;
	bool is;

	buf_init(&b, WORDS_MAX);
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	is = asklist_read(&b, path) && procfile_stat(b.data, b.len, &s,
	    NULL) == 0 && s.ppid == 1;
	buf_clear(&b);
	return is;
}

/* Whether initramfs-tools' shell is there because a disk isn't: by the words of
 * its panic(), which begins one for a broken file system as well. */
static bool
lacks_disk(pid_t pid)
{
	static const char reason[] = "REASON=";
	char path[64];
	const char *p;
	struct buf b;
	bool is = false;

	buf_init(&b, ENVIRON_MAX);
	snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
	if (asklist_read(&b, path) && b.len > 0)
		for (p = b.data; !is && p < b.data + b.len;
		    p += strlen(p) + 1)
			is = strncmp(p, reason, sizeof(reason) - 1) == 0 &&
			    strstr(p, " does not exist") != NULL;
	buf_clear(&b);
	return is;
}

/* By its words: dracut's, or initramfs-tools'. */
static enum found
shell(pid_t pid)
{
	static const char dracut[] = "/bin/sh\0-i\0-l", panic[] = "sh\0-i";
	enum found f = NONE;
	char path[64];
	struct buf b;

	buf_init(&b, WORDS_MAX);
	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	if (!asklist_read(&b, path))
		goto out;
	if (b.len == sizeof(dracut) && memcmp(b.data, dracut, b.len) == 0)
		f = SHELL;
	else if (b.len == sizeof(panic) &&
	    memcmp(b.data, panic, b.len) == 0 && lacks_disk(pid))
		f = PANIC;
out:
	buf_clear(&b);
	return f != NONE && is_child_of_init(pid) ? f : NONE;
}

static enum found
look(pid_t pid)
{
	static const char sulogin[] = "/sulogin";
	char path[64], exe[PATH_MAX];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	n = readlink(path, exe, sizeof(exe) - 1);
	if (n <= 0 || !asklist_root(pid))
		return NONE;
	exe[n] = '\0';
	if ((size_t)n >= sizeof(sulogin) - 1 && strcmp(exe + n -
	    (sizeof(sulogin) - 1), sulogin) == 0)
		return SULOGIN;
	return shell(pid);
}

/* The most that was found; where that is to be, each shell is hung up. One that
 * reads commands takes no TERM. */
static enum found
find(bool hang_up)
{
	enum found f, all = NONE;
	DIR *d = opendir("/proc");
	struct dirent *de;
	uint64_t pid;

	if (d == NULL)
		return NONE;
	while ((de = readdir(d)) != NULL) {
		if (num_u64(de->d_name, "pid", 2, INT_MAX, &pid, NULL) == -1)
			continue;
		f = look((pid_t)pid);
		if (hang_up && (f == SHELL || f == PANIC))
			kill((pid_t)pid, SIGHUP);
		if (f > all)
			all = f;
	}
	closedir(d);
	return all;
}

/* Both units that dracut has: all that they began. */
static void
signal_units(char *option)
{
	char *argv[] = { "systemctl", "kill", option,
	    "dracut-emergency.service", "emergency.service", NULL };
	int status;

	(void)execute_run(SYSTEMCTL, argv, NULL, SYSTEMCTL_MS, &status, NULL);
}

/* A disk that is open doesn't count: who asked for it may ask on. */
static bool
any_left(void)
{
	struct askers left = { .n = 0 };
	bool any = askers_find(&left, NULL) == -1;
	size_t i;

	for (i = 0; i < left.n && !any; i++)
		any = left.v[i].prompt.uuid[0] == '\0' ||
		    !asker_is_open(left.v[i].prompt.uuid);
	askers_clear(&left);
	return any;
}

/* Until it is no more so, or long enough. */
static void
wait_while(bool (*is)(void))
{
	const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000L };
	uint64_t end = clock_ms() + WAIT_MS;

	while (is() && clock_ms() < end)
		nanosleep(&pause, NULL);
}

static bool
opening(void)
{
	return askproc_attaches(NULL);
}

static bool
is_sulogin(void)
{
	return find(true) == SULOGIN;
}

bool
exhaust_shell_end(void)
{
	enum found all;

	if (any_left())
		return false;
	/* Too soon, and the boot would not find the root yet, and begin
	 * another shell. */
	wait_while(opening);
	all = find(true);
	if (all != SULOGIN)
		return all != NONE;
	/* The shell below it ends by that; it itself takes none while it asks
	 * for root's password. */
	signal_units("--signal=HUP");
	wait_while(is_sulogin);
	if (is_sulogin())
		signal_units("--signal=KILL");
	return true;
}

bool
exhaust_shell_panic(void)
{
	return find(false) == PANIC;
}
