/* SPDX-License-Identifier: ISC */
/*
 * setup_both: the steps that a gateway and a git server have in common, and
 * the state that all of them share. Only for setup_*.c.
 *
 *	setup_begin → steps … → setup_end
 */
#ifndef GIT_SETUP_BOTH_H
#define GIT_SETUP_BOTH_H

#include <pwd.h>
#include <stdint.h>

#include "setup.h"
#include "setup_step.h"

struct setup {
	const struct setup_opts *o;
	struct step step;
	struct gitconf conf;	/* what stands in git.conf, or the defaults */
	bool have_conf;
	struct buf here;	/* o->here, or what it is without it */
	struct buf user;	/* whose logins are set up */
	uid_t uid;		/* its; in a dry run without it, root's */
	gid_t gid;
	struct buf home;
	struct buf public;	/* our key, "TYPE BASE64"; empty in a dry run
				 * that would make it */
	struct buf key, host_key;	/* the other's, the same; or empty */
	bool missing;		/* something of the other side */
};

/* setup_begin(): root, peer, here, user's name, the keys that were given, and
 * git.conf. setup_end() then in any case. 0, or -1. */
int setup_begin(struct setup *s, const struct setup_opts *o, struct err *e);
void setup_end(struct setup *s);

/* setup_user(): uid, gid and home of the user; whether there is one. */
bool setup_user(struct setup *s);

/* setup_folders(): /etc/postern/git and the state folder. */
int setup_folders(struct setup *s, struct err *e);

/* setup_key(): makes our key, which the user may read and not replace. */
int setup_key(struct setup *s, struct err *e);

/* setup_pin(): the other's host key, as it was given, into known_hosts. */
int setup_pin(struct setup *s, struct err *e);

/* setup_conf(): git.conf has, or gets, section with key = value. now: the
 * value that it has, or NULL. more: further lines of a new section. */
int setup_conf(struct setup *s, const char *section, const char *key,
	const char *value, const char *now, const char *more, struct err *e);

/* setup_unit(): a unit file, and what systemctl is to do with it when it was
 * not there in this form: `enable --now`, and a restart if it runs. */
int setup_unit(struct setup *s, const char *name, const char *text,
	bool start, struct err *e);

/* setup_paste(): says what is to be run on the other side; the command itself
 * goes to stdout. command: "setup-server --gateway". */
int setup_paste(struct setup *s, const char *where, const char *command,
	struct err *e);

/* setup_sshd(): the drop-in of sshd for the user: lines, put into force only
 * when sshd takes them and then says each of want (NULL-ended, as `sshd -T`
 * writes them) of the user; put back otherwise. */
int setup_sshd(struct setup *s, const char *lines, const char *const *want,
	struct err *e);

/* setup_sshd_says(): what follows word in `sshd -T` for the user, appended to
 * out; nothing when it says nothing. */
int setup_sshd_says(struct setup *s, const char *word, struct buf *out,
	struct err *e);

#endif
