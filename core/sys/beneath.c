/* SPDX-License-Identifier: ISC */
#include "sys/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NO_LINKS	(RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)
#define ALWAYS		(O_NOFOLLOW | O_CLOEXEC)

static int
open_how(int dirfd, const char *path, int flags, uint64_t resolve)
{
	const struct open_how how = { .flags = (unsigned)flags,
		.resolve = resolve };

	return (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
}

/* Whether fd is on the mount of dirfd. */
static bool
same_mount(int dirfd, int fd)
{
	struct statx a, b;

	return statx(dirfd, "", AT_EMPTY_PATH, STATX_MNT_ID, &a) == 0 &&
	    statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &b) == 0 &&
	    (a.stx_mask & b.stx_mask & STATX_MNT_ID) != 0 &&
	    a.stx_mnt_id == b.stx_mnt_id;
}

/* One part of a path, below the folder at; 0 or what is wrong with it. */
static int
take_part(int at, const char *from, size_t n, char part[static NAME_MAX + 1])
{
	struct stat st;

	if (n > NAME_MAX)
		return ENAMETOOLONG;
	memcpy(part, from, n);
	part[n] = '\0';
	if (strcmp(part, "..") == 0)
		return EXDEV;
	return fstat(at, &st) == 0 && S_ISLNK(st.st_mode) ? ELOOP : 0;
}

static int
by_parts(int dirfd, const char *path, int flags, unsigned more)
{
	size_t n = strlen(path);
	char part[NAME_MAX + 1];
	int at, next, why;

	if (n > 0 && path[n - 1] == '/')
		flags |= O_DIRECTORY;
	at = openat(dirfd, ".", n == 0 ? flags : O_PATH | ALWAYS);
	for (; at != -1 && *path != '\0'; at = next) {
		n = strcspn(path, "/");
		why = take_part(at, path, n, part);
		path += n + strspn(path + n, "/");
		next = why != 0 ? -1 : openat(at, part,
		    *path == '\0' ? flags : O_PATH | ALWAYS);
		if (why == 0)
			why = errno;
		close(at);
		if (next != -1 && (more & RESOLVE_NO_XDEV) != 0 &&
		    !same_mount(dirfd, next)) {
			close(next);
			next = -1;
			why = EXDEV;
		}
		errno = why;
	}
	return at;
}

int
beneath_open(int dirfd, const char *path, int flags, unsigned more)
{
	int fd;

	path += strspn(path, "/");
	flags |= ALWAYS;
	fd = open_how(dirfd, *path != '\0' ? path : ".", flags,
	    RESOLVE_BENEATH | NO_LINKS | more);
	if (fd == -1 && (errno == ENAMETOOLONG || errno == ENOSYS ||
	    errno == EPERM))
		fd = by_parts(dirfd, path, flags, more);
	return fd;
}

int
nolinks_open(const char *path, int flags)
{
	return open_how(AT_FDCWD, path, flags | O_CLOEXEC, NO_LINKS);
}
