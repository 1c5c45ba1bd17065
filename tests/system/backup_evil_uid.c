/* SPDX-License-Identifier: ISC */
/*
 * A hostile program in the receiving rsync's place, for a store where each
 * client's receiver has a uid of its own: what its jail lets it try on the
 * client's own folder, of which .incoming alone is its own. Writes to
 * .incoming/report who it is, "did WHAT" for each thing that worked, and
 * "tried" at the end. The name of a finished snapshot is in
 * .incoming/srv/data/target; or "stay": then it does nothing, for ever, and
 * reads no stream.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static int report;

static void
try(const char *what, long rc)
{
	if (rc >= 0)
		dprintf(report, "did %s\n", what);
	else
		dprintf(report, "not %s: %s\n", what, strerror(errno));
}

static void
identity(void)
{
	uid_t r, e, s;
	gid_t gr, ge, gs;

	getresuid(&r, &e, &s);
	getresgid(&gr, &ge, &gs);
	dprintf(report, "uid %u %u %u\ngid %u %u %u\ngroups %d\n", r, e, s,
	    gr, ge, gs, getgroups(0, NULL));
}

/* What lies beside .incoming. */
static void
beside(void)
{
	DIR *d = opendir(".");

	try("list", d != NULL ? 0 : -1);
	try("make", mkdir("made", 0700));
	try("create", open("created", O_WRONLY | O_CREAT, 0600));
	try("chmod", chmod(".", 0777));
	try("remove acl", removexattr(".", "system.posix_acl_access"));
	try("move incoming", rename(".incoming", "moved"));
	try("other", open("../desktop", O_RDONLY | O_DIRECTORY));
	try("other by its path", open("/srv/store/desktop", O_PATH));
	try("admin", open("/srv/store/.postern", O_PATH));
}

static void
snapshot(const char *name)
{
	struct btrfs_ioctl_vol_args args = { 0 };
	__u64 flags = 0;
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/srv/data/target", name);
	fd = open(path, O_RDONLY);
	dprintf(report, fd != -1 ? "may read it\n" : "can not read it\n");
	try("write", open(path, O_WRONLY));
	try("unlink", unlink(path));
	try("chmod in it", chmod(path, 0777));
	snprintf(path, sizeof(path), "%s/new", name);
	try("create in it", open(path, O_WRONLY | O_CREAT, 0600));
	try("chmod it", chmod(name, 0777));
	try("rename it", rename(name, "gone"));
	try("rmdir it", rmdir(name));
	fd = open(name, O_RDONLY | O_DIRECTORY);
	try("writable", ioctl(fd, BTRFS_IOC_SUBVOL_SETFLAGS, &flags));
	snprintf(args.name, sizeof(args.name), "%s", name);
	try("destroy", ioctl(open(".", O_RDONLY | O_DIRECTORY),
	    BTRFS_IOC_SNAP_DESTROY, &args));
}

int
main(void)
{
	char name[256] = "";
	int fd;

	report = open(".incoming/report", O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (report == -1)
		return 3;
	identity();
	fd = open(".incoming/srv/data/target", O_RDONLY);
	if (fd == -1 || read(fd, name, sizeof(name) - 1) <= 0)
		return 4;
	while (strcmp(name, "stay") == 0)
		pause();
	beside();
	snapshot(name);
	dprintf(report, "tried\n");
	return 5;
}
