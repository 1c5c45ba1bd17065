/* SPDX-License-Identifier: ISC */
#include "scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX "postern-backup."

const char *
scratch_base(void)
{
	const char *run = getenv("XDG_RUNTIME_DIR");

	if (run != NULL && *run == '/' && access(run, W_OK | X_OK) == 0)
		return run;
	return geteuid() == 0 && access("/run", W_OK) == 0 ? "/run" : "/tmp";
}

/* There are no folders in it. */
static void
remove_at(int base, const char *name)
{
	struct dirent *de;
	DIR *d = NULL;
	int fd;

	fd = openat(base, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
	    O_CLOEXEC);
	if (fd != -1 && (d = fdopendir(fd)) == NULL)
		close(fd);
	while (d != NULL && (de = readdir(d)) != NULL)
		(void)unlinkat(fd, de->d_name, 0);
	if (d != NULL)
		closedir(d);
	(void)unlinkat(base, name, AT_REMOVEDIR);
}

void
scratch_remove(char *dir)
{
	if (dir != NULL)
		remove_at(AT_FDCWD, dir);
	free(dir);
}

static void
sweep(const char *base)
{
	DIR *d = opendir(base);
	struct dirent *de;
	struct stat st;
	long pid;

	while (d != NULL && (de = readdir(d)) != NULL) {
		if (strncmp(de->d_name, PREFIX, sizeof(PREFIX) - 1) != 0)
			continue;
		pid = strtol(de->d_name + sizeof(PREFIX) - 1, NULL, 10);
		if (pid <= 0 || kill((pid_t)pid, 0) == 0 || errno == EPERM)
			continue;
		if (fstatat(dirfd(d), de->d_name, &st, AT_SYMLINK_NOFOLLOW) ==
		    0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid())
			remove_at(dirfd(d), de->d_name);
	}
	if (d != NULL)
		closedir(d);
}

/* Also where another run's lay, one by cron or from a login. */
static void
sweep_all(const char *base)
{
	char user[32];

	snprintf(user, sizeof(user), "/run/user/%u", (unsigned)geteuid());
	sweep(base);
	sweep(user);
	sweep("/run");
	sweep("/tmp");
}

char *
scratch_make(const char *base, struct err *e)
{
	char *dir;

	sweep_all(base);
	if (asprintf(&dir, "%s/" PREFIX "%ld.XXXXXX", base,
	    (long)getpid()) == -1) {
		err_set(e, ERR_MEM, "out of memory");
		return NULL;
	}
	if (mkdtemp(dir) == NULL) {
		err_sys(e, "%s", dir);
		free(dir);
		return NULL;
	}
	return dir;
}

int
scratch_put(const char *path, const char *data, size_t len, struct err *e)
{
	FILE *f = NULL;
	int fd, rc;

	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
	    0600);
	if (fd != -1 && (f = fdopen(fd, "w")) == NULL)
		close(fd);
	if (f == NULL)
		return err_sys(e, "%s", path);
	rc = len == 0 || fwrite(data, len, 1, f) == 1 ? 0 : -1;
	if (fclose(f) != 0 || rc == -1)
		return err_sys(e, "%s", path);
	return 0;
}

int
scratch_get(const char *path, struct buf *out, struct err *e)
{
	FILE *f = fopen(path, "re");
	char part[8192];
	size_t n;
	int rc = 0;

	if (f == NULL)
		return err_sys(e, "%s", path);
	while (rc == 0 && (n = fread(part, 1, sizeof(part), f)) > 0)
		rc = buf_add(out, part, n);
	if (rc == -1)
		err_set(e, ERR_MEM, "%s: out of memory, or too long", path);
	else if (ferror(f))
		rc = err_sys(e, "%s", path);
	fclose(f);
	return rc;
}
