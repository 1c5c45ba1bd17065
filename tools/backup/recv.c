/* SPDX-License-Identifier: ISC */
/*
 * postern-backup-recv --dir DIR [--relay-fd 3] [--privileged]
 *	[--user UID:GID] -- ARGUMENT…
 *
 * The half that writes: becomes an rsync that receives into DIR. It can read,
 * make, link and remove what is below DIR, execute rsync and our relay, and
 * connect to nothing; as root, and with --fake-super, it sees nothing else
 * (view.h). The arguments go to rsync when recvargs.h lets them,
 * behind --rsh=RELAY, where RELAY is postern-backup-relay beside this program;
 * relay.c says what happens at descriptor 3.
 *
 * --privileged keeps the capabilities that a restore of owners, devices and
 * file capabilities needs. A device that was made could be opened: not through
 * the mount without devices that DIR is seen through.
 *
 * --user, for root: rsync runs as this uid and gid, in no other group.
 *
 * Exit status: rsync's; 120 when rsync was not started, 64 usage.
 */
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/num.h"
#include "base/strv.h"
#include "jail.h"
#include "jail/cap.h"
#include "recvargs.h"
#include "sys/beneath.h"
#include "view.h"

#define NAME "postern-backup-recv"

struct recv_opts {
	const char *dir;
	bool relay, privileged;
	uid_t uid;		/* 0: as we are */
	gid_t gid;
	char *const *args;
};

/* UID:GID, neither of them root's. */
static int
parse_user(const char *s, struct recv_opts *o, struct err *e)
{
	const char *colon = strchrnul(s, ':');
	char text[16];
	uint64_t n;

	snprintf(text, sizeof(text), "%.*s", (int)(colon - s), s);
	if (num_u64(text, "--user", 1, UINT32_MAX - 1, &n, e) == -1)
		return -1;
	o->uid = (uid_t)n;
	if (num_u64(*colon != '\0' ? colon + 1 : "", "--user", 1,
	    UINT32_MAX - 1, &n, e) == -1)
		return -1;
	o->gid = (gid_t)n;
	return 0;
}

static int
parse(char *const *argv, struct recv_opts *o, struct err *e)
{
	for (; *argv != NULL && strcmp(*argv, "--") != 0; argv++) {
		if (strcmp(*argv, "--dir") == 0 && argv[1] != NULL &&
		    o->dir == NULL)
			o->dir = *++argv;
		else if (strcmp(*argv, "--relay-fd") == 0 &&
		    argv[1] != NULL && strcmp(argv[1], "3") == 0)
			o->relay = *++argv != NULL;
		else if (strcmp(*argv, "--privileged") == 0)
			o->privileged = true;
		else if (strcmp(*argv, "--user") == 0 && argv[1] != NULL) {
			if (parse_user(*++argv, o, e) == -1)
				return -1;
		} else
			return err_set(e, ERR_USAGE, "argument '%s'", *argv);
	}
	if (o->dir == NULL || *argv == NULL)
		return err_set(e, ERR_USAGE,
		    "--dir DIR and -- ARGUMENT… are needed");
	if (o->uid != 0 && o->privileged)
		return err_set(e, ERR_USAGE, "--privileged is root's");
	/* rsync changes the mode of a device through /proc, which it does not
	 * see then: it has to be right from the start. */
	if (o->privileged)
		umask(0);
	o->args = argv + 1;
	return recvargs_check(o->args, e);
}

/* The relay lies beside this program. rsync cuts --rsh at spaces. */
static int
find_relay(char *out, size_t cap, struct err *e)
{
	static const char name[] = "/postern-backup-relay";
	char *slash;
	ssize_t n = readlink("/proc/self/exe", out, cap);

	if (n <= 0 || (size_t)n + sizeof(name) > cap)
		return err_sys(e, "/proc/self/exe");
	out[n] = '\0';
	slash = strrchr(out, '/');
	memcpy(slash, name, sizeof(name));
	if (strpbrk(out, " \t'\"\\") != NULL)
		return err_set(e, ERR_UNSAFE,
		    "%s: rsync can't run a path with spaces or quotes", out);
	return 0;
}

static bool
is_fake_super(char *const *args)
{
	for (; *args != NULL; args++)
		if (strcmp(*args, "--fake-super") == 0)
			return true;
	return false;
}

/* Links are not followed: what lies on the way may be somebody else's, who
 * swaps one in after our caller has looked. */
static int
enter(const char *dir, struct err *e)
{
	int fd = nolinks_open(dir, O_PATH | O_DIRECTORY);
	int rc = fd;

	if (fd != -1)
		rc = fchdir(fd);
	if (rc == -1)
		err_sys(e, "%s", dir);
	if (fd != -1)
		close(fd);
	return rc;
}

/* Where no namespace can be had, Landlock has to do; but not with the right to
 * make devices. */
static int
narrow_view(const struct recv_opts *o, const char *relay, struct err *e)
{
	const char *paths[JAIL_PATHS];
	int rc;

	jail_paths(relay, paths);
	/* In a namespace of users there is no other uid to become. */
	rc = view_enter(".", paths, !o->privileged && o->uid == 0 &&
	    is_fake_super(o->args), !o->privileged && o->uid == 0 &&
	    geteuid() == 0 && !is_fake_super(o->args), e);
	if (rc == 1 && o->privileged)
		return err_set(e, ERR_REFUSED, "--privileged takes the "
		    "capabilities of root");
	return rc == -1 ? -1 : 0;
}

/* For good, and before anything of a peer is read. */
static int
become(const struct recv_opts *o, struct err *e)
{
	pid_t parent = getppid();

	if (o->uid == 0)
		return 0;
	if (setgroups(0, NULL) == -1 ||
	    setresgid(o->gid, o->gid, o->gid) == -1 ||
	    setresuid(o->uid, o->uid, o->uid) == -1)
		return err_sys(e, "becoming uid %u", o->uid);
	/* A change of uid takes that away, which jail_start() did. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1)
		return err_sys(e, "PR_SET_PDEATHSIG");
	return getppid() == parent ? 0 : err_set(e, ERR_REFUSED, "who started "
	    "us is gone");
}

static int
confine(const struct recv_opts *o, const char *relay, struct err *e)
{
	unsigned all = SANDBOX_READ | SANDBOX_LIST | SANDBOX_WRITE;
	struct sandbox *s = NULL;
	bool has;
	int rc = -1;

	if (sandbox_abi() == 1)
		return err_set(e, ERR_REFUSED, "this kernel's Landlock can't "
		    "let hard links be made: Linux 5.19 or later is needed");
	if (o->privileged)
		all |= SANDBOX_DEVICES;
	if (narrow_view(o, relay, e) == -1 || become(o, e) == -1)
		return -1;
	if (cap_keep(o->privileged ? CAP_KEEP_RESTORE : CAP_KEEP_NONE, &has,
	    e) == -1)
		return -1;
	if (!has)
		return err_set(e, ERR_REFUSED, "--privileged takes the "
		    "capabilities of root");
	s = sandbox_new(0, e);
	if (s != NULL && jail_programs(s, e) == 0 &&
	    sandbox_allow(s, relay, SANDBOX_READ | SANDBOX_EXEC, e) != -1 &&
	    sandbox_allow(s, ".", all, e) != -1)
		rc = sandbox_enter(s, SANDBOX_PAIRS | SANDBOX_META, e);
	sandbox_free(s);
	return rc;
}

int
main(int argc, char **argv)
{
	struct recv_opts o = { 0 };
	struct err e = ERR_INIT;
	struct strv rsync = { 0 };
	char relay[PATH_MAX];

	if (argc < 1 || parse(argv + 1, &o, &e) == -1 ||
	    jail_start(o.relay ? JAIL_RELAY_FD + 1 : 3, &e) == -1 ||
	    find_relay(relay, sizeof(relay), &e) == -1)
		return jail_fail(NAME, &e);
	if (strv_add(&rsync, JAIL_RSYNC) == -1 ||
	    strv_addf(&rsync, "--rsh=%s", relay) == -1 ||
	    strv_addv(&rsync, o.args) == -1)
		err_set(&e, ERR_MEM, "out of memory");
	else if (enter(o.dir, &e) == 0 && confine(&o, relay, &e) == 0)
		jail_exec(rsync.v, &e);
	strv_clear(&rsync);
	return jail_fail(NAME, &e);
}
