/* SPDX-License-Identifier: ISC */
#include "send_grants.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "expand.h"
#include "grants.h"
#include "sys/beneath.h"

struct allow {
	struct sandbox *s;
	struct expand x;
};

/* expand_calls.list */
static int
list(void *arg, const char *path, expand_entry_fn *entry, void *ctx,
    struct err *e)
{
	enum expand_kind kind;
	struct dirent *de;
	struct stat st;
	DIR *d = NULL;
	int fd, rc = 0;

	fd = nolinks_open(path, O_RDONLY | O_DIRECTORY);
	/* Gone, another thing by now, or nothing that we may list: rsync will
	 * see the same. */
	if (fd == -1)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ||
		    errno == EACCES ? 0 : err_sys(e, "%s", path);
	if ((d = fdopendir(fd)) == NULL) {
		err_sys(e, "%s", path);
		close(fd);
		return -1;
	}
	while (rc == 0 && (errno = 0, de = readdir(d)) != NULL) {
		if (strcmp(de->d_name, ".") == 0 ||
		    strcmp(de->d_name, "..") == 0 ||
		    fstatat(fd, de->d_name, &st, AT_SYMLINK_NOFOLLOW) == -1)
			continue;
		kind = S_ISDIR(st.st_mode) ? EXPAND_FOLDER :
		    S_ISREG(st.st_mode) ? EXPAND_FILE : EXPAND_OTHER;
		rc = entry(ctx, de->d_name, kind, e);
	}
	if (rc == 0 && errno != 0)
		rc = err_sys(e, "%s", path);
	closedir(d);
	return rc;
}

static int
allow(struct sandbox *s, const char *path, unsigned what, struct err *e)
{
	return sandbox_allow(s, path, what | SANDBOX_STRICT |
	    SANDBOX_OPTIONAL, e) == -1 ? -1 : 0;
}

/* expand_calls.grant */
static int
grant(void *arg, const char *path, struct err *e)
{
	struct allow *a = arg;

	return allow(a->s, path, SANDBOX_READ | SANDBOX_LIST, e);
}

/* rsync walks from "/" and would not miss a root that is not on its way. */
static int
check_root(const char *path, struct err *e)
{
	int fd = nolinks_open(path, O_PATH | O_NOFOLLOW);

	if (fd != -1) {
		close(fd);
		return 0;
	}
	if (errno == ELOOP)
		return err_set(e, ERR_CONFIG, "root %s: leads through a "
		    "symbolic link: name the folder itself", path);
	return err_sys(e, "root %s", path);
}

/* A grants_fn. */
static int
take(void *arg, char letter, const char *path, struct err *e)
{
	struct allow *a = arg;

	if (letter == 'r' && check_root(path, e) == -1)
		return -1;
	return letter == 'l' ? allow(a->s, path, SANDBOX_LIST, e) :
	    expand_add(&a->x, letter, path, e);
}

int
send_grants_allow(const struct buf *text, struct sandbox *s, struct err *e)
{
	struct allow a = { .s = s };
	const struct expand_calls calls = { list, grant, &a };
	int rc = grants_parse(text->data, text->len, take, &a, e);

	if (rc == 0)
		rc = expand_run(&a.x, &calls, e);
	expand_clear(&a.x);
	return rc;
}

/* A grants_fn. */
static int
look(void *arg, char letter, const char *path, struct err *e)
{
	int fd = nolinks_open(path, O_PATH | O_NOFOLLOW), rc;
	struct stat st;

	/* A link, or no folder any more, on the way: rsync's list was made
	 * before that. */
	if (fd == -1 && (errno == ENOENT || errno == ENOTDIR ||
	    errno == ELOOP))
		return 0;
	rc = fd == -1 ? -1 : fstat(fd, &st);
	if (rc == 0 && S_ISREG(st.st_mode))
		rc = faccessat(fd, "", R_OK, AT_EMPTY_PATH | AT_EACCESS);
	if (rc == -1)
		err_set(e, ERR_REFUSED, "%s: %s", path, strerror(errno));
	if (fd != -1)
		close(fd);
	return rc;
}

int
send_grants_readable(const struct buf *text, struct err *e)
{
	return grants_parse(text->data, text->len, look, NULL, e);
}
