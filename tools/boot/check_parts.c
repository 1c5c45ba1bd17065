/* SPDX-License-Identifier: ISC */
#include "check.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "bootprog.h"
#include "serverkeys.h"

#define PROG_MS 30000u

static bool
program(const struct check *c, const char *path)
{
	struct stat st;

	return imgtree_stat(&c->tree, path, &st) == 0 &&
	    S_ISREG(st.st_mode) && (st.st_mode & 0111) != 0;
}

/* Whether a program of the image runs in it: its libraries, its users, its
 * configuration. */
static void
runs(struct check *c, const char *id, char *const *argv, const char *what)
{
	struct bootprog p = { .argv = argv, .root = c->tree.root,
	    .timeout_ms = PROG_MS };
	struct err why = ERR_INIT;

	if (bootprog_ok(&p, &why) == -1)
		check_say(c, CHECK_ERROR, id, "%s doesn't run in the image "
		    "(%s): install what it lacks, then %s", what, why.msg,
		    c->build);
}

/* What the boot mounts or makes before sshd looks for it. */
static void
make_place(const struct check *c)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/run", c->tree.root);
	(void)mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/run/sshd", c->tree.root);
	(void)mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/dev", c->tree.root);
	(void)mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/dev/null", c->tree.root);
	(void)mknod(path, S_IFCHR | 0666, makedev(1, 3));
}

static void
openssh(struct check *c)
{
	static const char *const helpers[] = { "sshd-session", "sshd-auth" };
	/* As the modules copy them. */
	static const char *const at[] = { "/usr/lib/openssh", "/usr/lib/ssh",
	    "/usr/libexec", "/usr/libexec/openssh", "/usr/libexec/ssh" };
	char *const argv[] = { "/usr/sbin/sshd", "-t", "-f",
	    "/etc/postern-boot/sshd_config", NULL };
	char path[128];
	size_t i, k;

	if (!program(c, "/usr/sbin/sshd")) {
		check_say(c, CHECK_ERROR, "sshd", "there is no sshd in the "
		    "image: install openssh-server, then %s", c->build);
		return;
	}
	for (i = 0; i < 2; i++) {
		for (k = 0; k < sizeof(at) / sizeof(at[0]); k++) {
			snprintf(path, sizeof(path), "%s/%s", at[k],
			    helpers[i]);
			if (access(path, X_OK) == 0 && !program(c, path))
				check_say(c, CHECK_ERROR, "sshd-helper", "%s "
				    "isn't in the image, without which sshd "
				    "takes no login: %s", path, c->build);
		}
	}
	make_place(c);
	runs(c, "sshd-runs", argv, "sshd");
}

static void
dropbear(struct check *c)
{
	char *const argv[] = { "/usr/sbin/dropbear", "-V", NULL };

	if (!program(c, argv[0]))
		check_say(c, CHECK_ERROR, "sshd", "there is no dropbear in "
		    "the image: install dropbear-bin, then %s", c->build);
	else
		runs(c, "sshd-runs", argv, "dropbear");
}

/* Who starts the sshd, and who ends it. */
static void
hooks(struct check *c)
{
	static const struct {
		const char *path;
		bool dracut, systemd, both;
		const char *what;
	} at[] = {
		{ "/usr/lib/systemd/system/sysinit.target.wants/"
		    "postern-boot.service", true, true, false, "starts" },
		{ "/lib/dracut/hooks/pre-trigger/10-postern-boot-start.sh",
		    true, false, false, "starts" },
		{ "/lib/dracut/hooks/cleanup/20-postern-boot-stop.sh", true,
		    false, true, "ends" },
		{ "/scripts/init-premount/postern-boot", false, false, true,
		    "starts" },
		{ "/scripts/init-bottom/postern-boot", false, false, true,
		    "ends" },
	};
	size_t i;

	for (i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		if (at[i].dracut != c->dracut ||
		    (!at[i].both && at[i].systemd != c->systemd) ||
		    imgtree_has(&c->tree, at[i].path))
			continue;
		check_say(c, CHECK_ERROR, "hook", "%s isn't in the image, so "
		    "that nothing %s the sshd: %s", at[i].path, at[i].what,
		    c->build);
	}
	if (imgtree_has(&c->tree, "/scripts/init-premount/dropbear"))
		check_say(c, CHECK_WARNING, "two-sshds", "dropbear-initramfs "
		    "starts an sshd of its own, with a shell for each of "
		    "our keys: remove that package, then %s", c->build);
}

void
check_parts(struct check *c)
{
	char *const version[] = { "/usr/sbin/cryptsetup", "--version", NULL };
	char *const other[] = { "/sbin/cryptsetup", "--version", NULL };
	bool sbin = program(c, version[0]);

	if (!program(c, SERVERKEYS_AGENT))
		check_say(c, CHECK_ERROR, "agent", SERVERKEYS_AGENT " isn't "
		    "in the image, so that no key can do anything: %s",
		    c->build);
	if (!program(c, "/usr/sbin/postern-boot-sshd"))
		check_say(c, CHECK_ERROR, "script", "/usr/sbin/postern-boot-"
		    "sshd isn't in the image, which starts the sshd: %s",
		    c->build);
	if (!program(c, "/bin/sh"))
		check_say(c, CHECK_ERROR, "shell", "/bin/sh isn't in the "
		    "image, by which the sshd runs the agent: %s", c->build);
	if (!sbin && !program(c, other[0]))
		check_say(c, CHECK_ERROR, "cryptsetup", "there is no "
		    "cryptsetup in the image: %s, then %s", c->dracut ?
		    "install cryptsetup" : "install cryptsetup-initramfs and "
		    "have the disk in /etc/crypttab", c->build);
	else
		runs(c, "cryptsetup-runs", sbin ? version : other,
		    "cryptsetup");
	if (c->dropbear)
		dropbear(c);
	else
		openssh(c);
	hooks(c);
}
