/* SPDX-License-Identifier: ISC */
/*
 * A hostile program in the sending rsync's place, where the root that is
 * backed up is "/" and a capability reads for it: tries to read what is closed
 * all the same. Exit status 42: nothing of that could be opened, and what is
 * backed up could; 43: something could, and stderr says what; 44: not even
 * what is backed up. With --version it is the rsync in /opt/rsync.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *const closed[] = {
	"/dev/disk-of-all", "/dev/null", "/proc/1/environ", "/proc/1/maps",
	"/proc/self/environ", "/proc/1/root/etc/shadow",
	"/sys/kernel/uevent_seqnum", "/run/closed", "/srv/data/private/x",
};
static const char *const given[] = { "/etc/shadow", "/srv/data/open" };

#define COUNT(v) (sizeof(v) / sizeof((v)[0]))

/* By its handle no path is looked at. */
static int
by_handle(const char *path)
{
	struct { unsigned bytes; int type; unsigned char f[128]; } h = { 128,
	    0, { 0 } };
	int mount_id, top = open("/", O_RDONLY | O_DIRECTORY);

	if (syscall(SYS_name_to_handle_at, AT_FDCWD, path, &h, &mount_id,
	    0) == -1)
		return -1;
	return (int)syscall(SYS_open_by_handle_at, top, &h, O_RDONLY |
	    O_NONBLOCK);
}

int
main(int argc, char **argv)
{
	int i, rc = 42;
	size_t n;

	for (i = 1; i < argc; i++)
		if (strcmp(argv[i], "--version") == 0)
			return execv("/opt/rsync", argv);
	for (n = 0; n < COUNT(given); n++)
		if (open(given[n], O_RDONLY) == -1)
			rc = 44;
	for (n = 0; n < COUNT(closed); n++) {
		if (open(closed[n], O_RDONLY | O_NONBLOCK) != -1) {
			dprintf(2, "did open %s\n", closed[n]);
			rc = 43;
		}
		if (by_handle(closed[n]) != -1) {
			dprintf(2, "did open the handle of %s\n", closed[n]);
			rc = 43;
		}
	}
	return rc;
}
