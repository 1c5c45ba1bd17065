/* SPDX-License-Identifier: ISC */
/*
 * What check*.c share: a table of things that have to be so for each side,
 * looked at in its order.
 */
#ifndef GIT_CHECK_PRIV_H
#define GIT_CHECK_PRIV_H

#include <pwd.h>
#include <stdbool.h>

#include "base/err.h"
#include "check.h"
#include "check_canary.h"
#include "gitconf.h"
#include "gitprobe.h"

/* A look that came to nothing, since one before it failed. */
#define CHECK_NOT_TRIED	1

struct check {
	const struct gitconf *conf;
	struct passwd user;	/* whose logins they are; strings are pw's */
	const struct check_opts *o;
	bool plain;		/* another program than gitolite serves here */
	unsigned wrong, tried;
	uint64_t until;		/* clock_ms(): what only starts has till then */
	char note[ERR_MSG_MAX];	/* what is well, and could be better; of the
				 * look that is under way */
	struct canary canary;
	struct buf said;	/* what its session said */
	struct gitprobe_way way;	/* where that came through */
	/* Of the server's rows: */
	uint64_t sequence;	/* of its push */
	bool pushed, in;
	/* Of those that go the whole way from the gateway: */
	struct buf dest;	/* its own sshd */
	bool arrived;		/* in, and at the git server */
	/* Of the look that is under way: */
	bool refused;		/* somebody said no, who may count that */
};

/* One thing that has to be so. 0, -1, or CHECK_NOT_TRIED. */
struct check_row {
	const char *what;
	int (*look)(struct check *c, struct err *e);
	const char *cure;
	bool gitolite;		/* where another program serves it is not
				 * looked for */
	bool again;		/* may be well a moment later, after a set-up;
				 * what was refused is so but once more */
};

/* Each ends with a row without what. */
extern const struct check_row check_gateway_rows[];
extern const struct check_row check_server_rows[], check_mirror_rows[];

/* The gateway's that go through its own sshd. */
extern const struct check_row check_here_rows[];

/* check_came(): c->way has all that a session should bring along. */
int check_came(struct check *c, struct err *e);

/* check_version2(): a login for git itself. A look of a row. */
int check_version2(struct check *c, struct err *e);

/* check_admins(): the server's: says who may write to gitolite-admin and isn't
 * kept from coming through the gateway. A look of a row. */
int check_admins(struct check *c, struct err *e);

/* check_certs(): a look of the gateway's: no certificate is a login but by the
 * principals that came with the keys. check_certs_note(): the server's part of
 * one: a note where certificates are logins as the user. 0, or -1 as
 * check_sshd_says(). */
int check_certs(struct check *c, struct err *e);
int check_certs_note(struct check *c, struct err *e);

/* check_rights(): the gateway's: the git user can change nothing but the keys
 * and what sessions need; nor can a file of its own change what runs for one.
 * A look of a row. */
int check_rights(struct check *c, struct err *e);

/* check_jail_*(): each side's programs can be confined here (gitjail.h); what
 * this kernel does not enforce is a note. Looks of rows. */
int check_jail_gateway(struct check *c, struct err *e);
int check_jail_server(struct check *c, struct err *e);

/* check_note(): for people who do what they like; "": nothing. */
void check_note(struct check *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* check_sshd_has(), check_sshd_is(): what sshd's configuration says of word
 * for the user has want in it; is want. 0, or -1: ERR_CONFIG, ERR_PEER. */
int check_sshd_has(struct check *c, const char *word, const char *want,
	struct err *e);
int check_sshd_is(struct check *c, const char *word, const char *want,
	struct err *e);

/* check_sshd_says(): the same, appended to out. */
int check_sshd_says(struct check *c, const char *word, struct buf *out,
	struct err *e);

/* check_as_user(): a program as the user. As step_run(). */
int check_as_user(struct check *c, const char *const *words, struct buf *out,
	struct err *e);

/* check_mirrors(): the gateway's: each of them, of which there may be none, or
 * which nothing asks. A look of a row. */
int check_mirrors(struct check *c, struct err *e);

#endif
