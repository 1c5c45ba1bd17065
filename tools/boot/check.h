/* SPDX-License-Identifier: ISC */
/* check: what the rules of `postern boot check` look at, and how they say what
 * they find. Only check*.c include this. */
#ifndef BOOT_CHECK_H
#define BOOT_CHECK_H

#include "builder.h"
#include "imgtree.h"
#include "serverconf.h"

enum check_level { CHECK_ERROR, CHECK_WARNING };

struct check {
	const char *image;
	struct imgtree tree;
	struct serverconf conf;		/* of the machine, now */
	struct builder builder;
	const char *build;		/* "dracut -f", as a way out */
	bool dracut, systemd;		/* what the image is made by, for */
	bool dropbear;			/* its sshd */
	bool hostonly;			/* for this machine alone (dracut) */
	bool json, quiet;
	unsigned errors, warnings;
};

/* check_say(): a finding: a word for it, and a line that ends with what to
 * do. */
void check_say(struct check *c, enum check_level level, const char *id,
	const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* The rules, in the order of a boot. */
void check_parts(struct check *c);	/* ours, and the sshd's */
void check_login(struct check *c);	/* keys, root, host key */
void check_network(struct check *c);	/* drivers, kernel line */

#endif
