/* SPDX-License-Identifier: ISC */
/*
 * check: what is unsafe in a csync2 configuration that holds a privileged
 * group, and how to cure it. Pure: configurations and facts that
 * remote/probe.sh told (or our own stat() of this host) go in, findings come
 * out. What no fact tells is assumed to be as bad as csync2's defaults.
 *
 * A privileged group is one that was chosen, or whose key a fact calls a
 * FIFO; every other one is an ordinary group: its key lies in a file, and
 * whoever reads that file is root on each host whose daemon serves it.
 */
#ifndef POSTERN_CHECK_H
#define POSTERN_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strv.h"
#include "csync2/cfg.h"

enum check_level {
	CHECK_NOTE,	/* good to know */
	CHECK_WARN,	/* something will fail, or is weaker than it could be */
	CHECK_RISK,	/* stops --fifo and shared windows */
};

struct check_finding {
	const char *id;		/* static; what tests and --json name it by */
	enum check_level level;
	char *host;		/* owned; NULL: no certain host */
	struct cfg_at at;	/* borrowed from the configuration; file NULL:
				 * no place */
	char *text;		/* owned; what is unsafe, and why it matters */
	char *cure;		/* owned; what to do, a sentence */
	uint32_t hash;		/* of host and text: the same are kept once */
};

struct check_list {
	struct check_finding *v;
	size_t n, cap;
};

/* What one host told: its csync2 name, and "KEY VALUE" strings. */
struct check_host {
	char *name;		/* owned */
	struct strv facts;
};

enum check_mode { CHECK_PIPE, CHECK_FIFO, CHECK_SHARED };

struct check_input {
	/* All borrowed. cfgs[0] holds the chosen groups; the others are what
	 * else lies in the system directory (csync2.cfg, csync2_NAME.cfg). */
	const struct cfg *const *cfgs;
	size_t ncfgs;
	const struct strv *chosen;	/* names of groups */
	const char *pusher;		/* csync2 name of the pushing host */
	const char *sysdir;		/* NULL: /etc */
	const struct check_host *hosts;
	size_t nhosts;
	enum check_mode mode;
	bool key_file;			/* the key comes from a file here */
};

/*
 * check_fact_add(): a line "KEY VALUE" of probe.sh, without "postern fact ".
 * It comes from a peer: control characters and lines over 4096 bytes are
 * refused, at most 1000 are kept.
 * 0, or -1: ERR_PEER, ERR_MEM.
 */
int check_fact_add(struct check_host *h, const char *line, struct err *e);
void check_host_clear(struct check_host *h);

/* check_fact(): the value of h's nth fact called key, or NULL. */
const char *check_fact(const struct check_host *h, const char *key, size_t n);

/*
 * check_run(): walks the table of rules. *ret is zeroed by the caller, and
 * sorted when done: the worst first. check_list_clear() afterwards, also on
 * failure. 0, or -1: ERR_MEM, ERR_CONFIG (a prefix that a host lacks).
 */
int check_run(const struct check_input *in, struct check_list *ret,
	struct err *e);
void check_list_clear(struct check_list *l);

/* check_worst(): the highest level in l; CHECK_NOTE when it is empty. */
enum check_level check_worst(const struct check_list *l);

#endif
