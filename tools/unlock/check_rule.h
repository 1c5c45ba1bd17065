/* SPDX-License-Identifier: ISC */
/*
 * check_rule: what the rules of check share. A rule is a function that looks
 * at one thing and adds its findings; check.c walks the tables. The same
 * finding at the same place is kept once.
 */
#ifndef POSTERN_CHECK_RULE_H
#define POSTERN_CHECK_RULE_H

#include "check.h"

struct check_rule_at {		/* where a finding belongs */
	const char *host;	/* NULL: none */
	const struct cfg_at *at;	/* NULL: none */
};

struct check_ctx {
	const struct check_input *in;
	const char *sysdir;
	const struct check_host **by_name;	/* in->hosts, sorted */
	struct check_list *list;
	struct err *e;
};

typedef int check_rule(struct check_ctx *x);

/* What the configurations say (check_cfg.c), what the hosts told
 * (check_facts.c); both end in NULL. */
extern check_rule *const check_rules_cfg[];
extern check_rule *const check_rules_facts[];

/* A rule in a file of its own (check_covers.c). */
check_rule check_covers;

/* check_covers_path(): whether g carries path on host, or may carry something
 * in it, for all that its patterns say. */
bool check_covers_path(const struct cfg *cfg, const struct cfg_group *g,
	const char *host, const char *path);

/* check_rule_found(): add a finding; cure is borrowed. 0, or -1 ERR_MEM. */
int check_rule_found(struct check_ctx *x, const char *id,
	enum check_level level, struct check_rule_at where, const char *cure,
	const char *fmt, ...) __attribute__((format(printf, 6, 7)));

/* check_rule_chosen(): whether g of configuration number c was chosen. */
bool check_rule_chosen(const struct check_ctx *x, size_t c,
	const struct cfg_group *g);

/* check_rule_ordinary(): whether g's key is (taken for) a regular file on
 * host, by what host said itself, or the pusher if host was not asked. */
bool check_rule_ordinary(const struct check_ctx *x, size_t c,
	const struct cfg_group *g, const char *host);

/* check_rule_each(): calls f for each group of each configuration until it
 * returns -1, and returns that. */
typedef int check_rule_group(struct check_ctx *x, size_t c,
	const struct cfg_group *g);
int check_rule_each(struct check_ctx *x, check_rule_group *f);

/* check_rule_in_chosen(): whether host is in a group that was chosen. */
bool check_rule_in_chosen(const struct check_ctx *x, const char *host);

/* check_rule_host(): what host name told, or NULL. */
const struct check_host *check_rule_host(const struct check_ctx *x,
	const char *name);

/* check_rule_is(): whether h's first fact called key is value. */
bool check_rule_is(const struct check_host *h, const char *key,
	const char *value);

/* check_rule_uncaged(): h's nth daemon that a cage of ours does not hold, which
 * holds what csync2.socket starts; NULL: no such. Borrowed from h. */
const char *check_rule_uncaged(const struct check_host *h, size_t n);

#endif
