/* SPDX-License-Identifier: ISC */
#include "place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "restoreargs.h"
#include "sys/beneath.h"
#include "sys/file.h"

static int
no_mem(struct err *e)
{
	return err_set(e, ERR_MEM, "out of memory");
}

enum { FULL, EMPTY, MISSING };

/* Or -1 ERR_SYS, ERR_UNSAFE: its name can be guessed, and whoever owns it, or
 * made a link of that name, could read and replace what comes. */
static int
look(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd != -1 ? fdopendir(fd) : NULL;
	struct dirent *de;
	struct stat st;
	int empty = EMPTY;

	if (d == NULL && fd != -1)
		close(fd);
	if (d == NULL)
		return errno == ENOENT ? MISSING : err_sys(e, "./%s", path);
	if (fstat(dirfd(d), &st) == -1 || st.st_uid != geteuid()) {
		closedir(d);
		return err_set(e, ERR_UNSAFE, "./%s: belongs to somebody else; "
		    "--to DIR says where else", path);
	}
	while (empty == EMPTY && (de = readdir(d)) != NULL)
		if (strcmp(de->d_name, ".") != 0 &&
		    strcmp(de->d_name, "..") != 0)
			empty = FULL;
	closedir(d);
	return empty;
}

/* What is there of the base below to. */
static void
shorten(const char *to, char *base)
{
	int top = open(to, O_PATH | O_DIRECTORY | O_CLOEXEC), fd;

	while (base[1] != '\0') {
		fd = beneath_open(top, base, O_PATH | O_DIRECTORY, 0);
		if (fd != -1) {
			close(fd);
			break;
		}
		*(strrchr(base, '/') == base ? base + 1 :
		    strrchr(base, '/')) = '\0';
	}
	if (top != -1)
		close(top);
}

/* missing: nobody else may have made it meanwhile. */
static int
make(struct place *p, const char *want, bool missing, bool dry,
    struct err *e)
{
	char temp[] = "/tmp/postern-restore.XXXXXX";

	if (!missing && access(want, F_OK) == 0) {
		p->to = realpath(want, NULL);
	} else if (dry) {
		if (mkdtemp(temp) == NULL)
			return err_sys(e, "%s", temp);
		p->made = true;
		p->to = strdup(temp);
	} else {
		/* Nobody's business but ours while it fills. */
		if (missing && mkdir(want, 0700) == -1)
			return err_sys(e, "./%s", want);
		if (!missing && file_mkdirs(want, 0700, e) == -1)
			return -1;
		p->made = true;
		p->to = realpath(want, NULL);
	}
	return p->to != NULL ? 0 : err_sys(e, "%s", want);
}

int
place_open(const char *to, const char *snapshot, const struct strv *paths,
    bool dry, struct place *ret, struct err *e)
{
	struct place p = { 0 };
	char *want = NULL;
	int rc = -1, there = EMPTY;

	if (asprintf(&want, "%s%s", to != NULL ? to : "restored-",
	    to != NULL ? "" : snapshot) == -1)
		return no_mem(e);
	if (to == NULL)
		there = look(want, e);
	if (there == FULL)
		err_set(e, ERR_REFUSED, "./%s is not empty; --to DIR says "
		    "where else, or that it may be", want);
	if (there == FULL || there == -1 ||
	    make(&p, want, there == MISSING, dry, e) == -1)
		goto out;
	restoreargs_base(paths, p.base);
	shorten(p.to, p.base);
	if (asprintf(&p.dir, "%s%s", place_original(&p) ? "" : p.to,
	    p.base) == -1) {
		p.dir = NULL;
		no_mem(e);
		goto out;
	}
	*ret = p;
	rc = 0;
out:
	if (rc == -1)
		place_close(&p, false);
	free(want);
	return rc;
}

void
place_close(struct place *p, bool restored)
{
	if (p->made && !restored && p->to != NULL)
		rmdir(p->to);
	free(p->to);
	free(p->dir);
	*p = (struct place){ 0 };
}

int
place_stat(const struct place *p, const char *name, struct stat *ret)
{
	int top = open(p->dir, O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -1;
	int rc = -1;

	if (top != -1 && *name != '\0' && *name != '/')
		fd = beneath_open(top, name, O_PATH, 0);
	if (fd != -1)
		rc = fstat(fd, ret);
	if (fd != -1)
		close(fd);
	if (top != -1)
		close(top);
	return rc;
}

bool
place_original(const struct place *p)
{
	return strcmp(p->to, "/") == 0;
}
