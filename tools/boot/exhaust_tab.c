/* SPDX-License-Identifier: ISC */
#include "exhaust_tab.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "asklist.h"
#include "asktab.h"
#include "exhaust_shell.h"
#include "procfile.h"
#include "proc/spawn.h"

#define TAB	"/cryptroot/crypttab"
#define SCRIPT	"/scripts/local-top/cryptroot"
#define CONSOLE	"/dev/console"
#define WORDS_MAX	16384

static int
disk(struct askers *all, const struct asktab *t, struct err *e)
{
	struct asker a = { .kind = ASKER_TAB,
	    .prompt = { .kind = "exhausted", .tries = -1 } };
	size_t before = all->n;
	const struct asker *last;
	struct stat st;

	if (stat(t->device, &st) == -1 ||
	    (!S_ISBLK(st.st_mode) && !S_ISREG(st.st_mode)))
		return 0;
	asklist_copy(a.prompt.device, sizeof(a.prompt.device), t->device);
	asklist_copy(a.prompt.name, sizeof(a.prompt.name), t->name);
	if (asklist_add(all, &a, e) == -1)
		return -1;
	if (all->n == before)
		return 0;
	last = &all->v[before];
	/* What isn't LUKS can't be told open from closed. */
	if (!last->luks || askers_get(all, last->prompt.id) != last ||
	    asker_is_open(last->prompt.uuid))
		all->n = before;	/* it owns nothing */
	return 0;
}

int
exhaust_tab_find(struct askers *all, struct err *e)
{
	const char *line, *end, *nl;
	struct asktab t;
	struct buf b;
	int rc = 0;

	if (access(SCRIPT, X_OK) == -1 || !exhaust_shell_panic())
		return 0;
	buf_init(&b, ASKTAB_MAX);
	if (asklist_read(&b, TAB)) {
		end = b.data + b.len;
		for (line = b.data; rc == 0 && line < end; line = nl + 1) {
			nl = memchr(line, '\n', (size_t)(end - line));
			if (nl == NULL)
				nl = end;
			if (asktab_parse(line, (size_t)(nl - line), &t,
			    NULL) == 0)
				rc = disk(all, &t, e);
			if (nl == end)
				break;
		}
	}
	buf_clear(&b);
	return rc;
}

/* Whether the script runs, begun by us or typed by somebody: two of them would
 * ask through one FIFO. */
static bool
running(void)
{
	char path[sizeof("/proc//cmdline") + NAME_MAX];
	DIR *d = opendir("/proc");
	struct dirent *de;
	struct strv words;
	bool is = false;
	struct buf b;

	if (d == NULL)
		return false;
	buf_init(&b, WORDS_MAX);
	while (!is && (de = readdir(d)) != NULL) {
		if (de->d_name[0] < '1' || de->d_name[0] > '9')
			continue;
		words = (struct strv){ .n = 0 };
		snprintf(path, sizeof(path), "/proc/%s/cmdline", de->d_name);
		is = asklist_read(&b, path) && procfile_argv(b.data, b.len,
		    &words, NULL) == 0 && words.n == 2 &&
		    strcmp(words.v[1], SCRIPT) == 0;
		strv_clear(&words);
	}
	buf_clear(&b);
	closedir(d);
	return is;
}

/* askpass wants a terminal for its input: else it would take the console for
 * its output as well, which is cryptsetup's input. */
int
exhaust_tab_begin(struct err *e)
{
	static char *const argv[] = { "cryptroot", NULL };
	static char *const envp[] = {
		"PATH=/sbin:/usr/sbin:/bin:/usr/bin",
		"CRYPTROOT_STAGE=local-block",
		"POSTERN_BOOT_BEGUN=1",	/* for postern-boot-sshd stop */
		NULL
	};
	struct spawn s = { .path = SCRIPT, .argv = argv, .envp = envp,
	    .own_group = true, .keep_on_death = true };
	sigset_t reset;
	pid_t pid;
	int fd, rc;

	if (running())
		return 0;
	fd = open(CONSOLE, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd == -1)
		return err_sys(e, CONSOLE);
	sigemptyset(&reset);
	sigaddset(&reset, SIGPIPE);
	s.reset = &reset;
	s.fd[0] = s.fd[1] = s.fd[2] = fd;
	rc = spawn_run(&s, &pid, e);
	close(fd);
	return rc;
}
