/* SPDX-License-Identifier: ISC */
/*
 * setup_both: the steps that a gateway and a git server have in common, and
 * the state that all of them share. Only for setup_*.c.
 * Which steps in which order is each side's own.
 */
#ifndef GIT_SETUP_BOTH_H
#define GIT_SETUP_BOTH_H

#include <pwd.h>
#include <stdint.h>

#include "base/strv.h"
#include "setup.h"
#include "setup_plain.h"
#include "setup_prove.h"
#include "setup_step.h"
#include "ssh/authkeys.h"

/* Root's own file for sshd: the other side's key, and whatever root adds. */
#define SETUP_KEYS	SETUP_ETC "/authorized_keys"

struct setup {
	const struct setup_opts *o;
	struct step step;
	struct gitconf conf;	/* what stands in git.conf, or the defaults */
	struct buf here;	/* o->here, or what it is without it */
	struct buf user;	/* whose logins are set up */
	uid_t uid;		/* its; in a dry run without it, root's */
	gid_t gid;
	struct buf home;
	struct buf public;	/* our key, "TYPE BASE64"; empty in a dry run
				 * that would make it */
	struct buf key, host_key;	/* the other's, the same; or empty */
	bool missing;		/* something of the other side */
	bool original;		/* a gateway's user has its keys still */
	bool pinned;		/* the other's host key, just now */
};

struct setup_side {
	int (*steps)(struct setup *s, struct err *e);
	const char *other;	/* "git server" */
	const char *command;	/* to be run there: "setup-server --gateway" */
	bool gives_key, gives_host_key;	/* of this host's, in that command */
	int (*prove)(const struct setup_prove *p, struct err *e);
				/* NULL: it is the other side that tries */
};

/* setup_run(): root, peer, here, user's name, the keys that were given, and
 * git.conf; then the steps, and what is to be run on the other side: the
 * command itself goes to stdout. What setup.h says of both sides' set-ups. */
int setup_run(const struct setup_opts *o, const struct setup_side *side,
	struct err *e);

/* setup_other_side(): -1 ERR_REFUSED: git.conf says that this host is what
 * already. Both sides have their key, their folder and the drop-in of sshd in
 * the same places. */
int setup_other_side(const char *what, struct err *e);

/* setup_mirror(): setup_gateway()'s for o->mirror. */
int setup_mirror(const struct setup_opts *o, struct err *e);

/* setup_user(): uid, gid and home of the user; whether there is one. */
bool setup_user(struct setup *s);

/*
 * setup_account(): the user, where there is one, can be held to forced
 * commands: not root; with a shell that runs commands, as sshd has it run
 * ours; not locked, since sshd without PAM lets no locked user in.
 * ours  NULL, or the user's keys are ours from now on: no file by which sshd
 *       lets in as it now has anything in it, but those whose path begins so.
 * 0, or -1: ERR_UNSAFE (root; keys of its own), ERR_CONFIG (its shell), and
 * what step_run() gives.
 */
int setup_account(struct setup *s, const char *ours, struct err *e);

/* By which an account is known that a set-up made. */
#define SETUP_GECOS	"postern git"

/*
 * setup_home(): the gateway's: the user's home is root's, and its shell reads
 * no file for a session: so that nothing which a session did can change the
 * next one. A home that was the user's is put aside, where it is root's alone,
 * also when a run before this one was ended in the middle of that.
 * setup_home_look(): before anything is done: whether that may be done to this
 * account: it is ours, or the original's (original), or so already.
 * 0, or -1: ERR_UNSAFE (somebody's home), ERR_CONFIG (its shell), ERR_SYS,
 * and what step_run() gives.
 */
int setup_home_look(struct setup *s, bool original, struct err *e);
int setup_home(struct setup *s, struct err *e);

/* setup_reads_nothing(): whether shell reads no file for `sh -c`. Pure. */
bool setup_reads_nothing(const char *shell);

/*
 * setup_lend(): path, a file of root's, can be read by uid, too, and by nobody
 * else, uid's group neither; and is not uid's to change. Where the file system
 * has no access control lists it becomes uid's own, which alone may read it.
 * 0, or -1 ERR_SYS. setup_lent(): whether that is so.
 * Source: acl(5), linux/posix_acl_xattr.h; OpenSSH's authfile.c: the mode
 * counts where the key is the caller's own file.
 */
int setup_lend(const char *path, uid_t uid, gid_t gid, struct err *e);
bool setup_lent(const char *path, uid_t uid);

/* setup_read(): the file at path appended to out, read by the user with the
 * user's rights: it lies where the user may put a link to root's files. What
 * is in it is the user's word. 0, or -1 as file_read(), asuser_run(). */
int setup_read(struct setup *s, const char *path, struct buf *out,
	struct err *e);

/* setup_folders(): /etc/postern/git and the state folder, which is the
 * user's (own) or root's. */
int setup_folders(struct setup *s, bool own, struct err *e);

/* setup_key(): makes our key, which the user may read (setup_lend()). */
int setup_key(struct setup *s, struct err *e);

/* setup_keys_plain(): a public key as "TYPE BASE64", appended. name: of what
 * gave it, for messages. */
int setup_keys_plain(const char *name, const char *text, size_t len,
	struct buf *out, struct err *e);

struct setup_allow {
	const char *program;	/* of ours, that the key may run */
	const char *argument;	/* " --auth-update", or "" */
	const char *comment;	/* by which the line is known again */
	const char *whose, *what;	/* "git server", "public key" */
	/* What else stands in a file that is not there yet, appended to out;
	 * k: the other's key. NULL: nothing. */
	int (*first)(struct setup *s, const struct authkeys_line *k,
		struct buf *out, struct err *e);
};

/* setup_allow(): the other's key in SETUP_KEYS, held to one program; or says
 * that it is missing. */
int setup_allow(struct setup *s, const struct setup_allow *a, struct err *e);

/* What an installation of the original has, below the user's home. */
#define SETUP_BASE	".ssh/authorized_keys.base"

/* Behind the name of a home: what was in it before it was root's. */
#define SETUP_ASIDE	".before-postern"

/* setup_import(): a setup_allow's first: the lines of that file which hold
 * their key to a command; what is left out is named. Where the home was put
 * aside already, the file is looked for there. 0, or -1 as setup_read(),
 * file_read_below(), ERR_MEM. */
int setup_import(struct setup *s, const struct authkeys_line *push,
	struct buf *out, struct err *e);

/* setup_pin(): the other's host key, as it was given, into known_hosts. */
int setup_pin(struct setup *s, struct err *e);

enum setup_conf_how {
	SETUP_CONF_ONLY,	/* another value is somebody's: ERR_CONFIG */
	SETUP_CONF_DEFAULT,	/* another value stays */
	SETUP_CONF_SET,		/* another value is replaced */
};

struct setup_conf {
	const char *key, *value;
	enum setup_conf_how how;
};

/* setup_conf(): git.conf has these keys in section, up to one without a key;
 * one without a value is left as it is. */
int setup_conf(struct setup *s, const char *section,
	const struct setup_conf *rows, struct err *e);

/* setup_admins(): the gateway is denied who may write to gitolite-admin, unless
 * git.conf has deny-admins = no. 0, or -1 as gitadmins_note(). */
int setup_admins(struct setup *s, struct err *e);

/* setup_unit(): a unit of setup_units.h, and with start what systemctl is to
 * do with it: when it was not there in this form, `enable --now`, and a restart
 * if it runs; when it was and was stopped since or disabled, `enable --now`. */
int setup_unit(struct setup *s, const char *name, bool start,
	struct err *e);

/* setup_unit_off(): a unit that an earlier set-up installed neither runs nor
 * comes up with the host. */
int setup_unit_off(struct setup *s, const char *name, struct err *e);

/* What sshd is to do for the user; lines is initialised by the caller. */
struct setup_sshd {
	struct buf lines;	/* as they are written */
	struct strv want;	/* as `sshd -T` says them */
};

/* setup_sshd_add(): one setting more. 0, or -1 ERR_MEM. */
int setup_sshd_add(struct setup_sshd *d, const char *word, const char *value,
	struct err *e);
void setup_sshd_clear(struct setup_sshd *d);

/* setup_sshd(): the drop-in of sshd for the user, put into force only when
 * sshd takes it and then says each setting of the user; put back otherwise. */
int setup_sshd(struct setup *s, const struct setup_sshd *d, struct err *e);

/* setup_sshd_may_run(): whether sshd will run program, an
 * AuthorizedKeysCommand: it and each folder above it can be changed by root
 * alone. It is not before a login that sshd looks. 0, or -1: ERR_UNSAFE,
 * ERR_SYS. Source: sshd_config(5), AuthorizedKeysCommand; misc.c of OpenSSH,
 * safe_path(). */
int setup_sshd_may_run(const char *program, struct err *e);

/* setup_sshd_says(): what follows word in `sshd -T` for the user, appended to
 * out; nothing when it says nothing. */
int setup_sshd_says(struct setup *s, const char *word, struct buf *out,
	struct err *e);

#endif
