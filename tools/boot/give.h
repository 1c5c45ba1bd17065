/* SPDX-License-Identifier: ISC */
/*
 * give: one passphrase to who waits for it, the only way that there is: for
 * the agent's unlock and for console_auth(1) alike. Read first, then under a
 * lock: so many a minute, tested against the header, delivered to an asker that
 * was found and is still the same (asker.h), watched, and written down
 * (bootlog.h). Never to a terminal: what reads there may be a shell. Libc only.
 */
#ifndef BOOT_GIVE_H
#define BOOT_GIVE_H

#include <stdbool.h>

#include "base/err.h"
#include "bootline.h"
#include "sys/lockmem.h"

#define GIVE_DIR "/run/postern-boot"	/* the lock, the tries, the log */
#define GIVE_WAIT_S 30		/* the defaults */
#define GIVE_MOST 10
#define GIVE_WHY (3 * ERR_MSG_MAX)

/* Who gives it, and how long and how often. */
struct give_opts {
	unsigned wait_s;	/* for the disk to be open after a delivery */
	unsigned most;		/* passphrases a minute, of all who give one:
				 * at most RATE_MAX */
	const char *by;		/* "agent" or "console", in the log */
	/* Into *ret, which is zeroed: give_line() or the like. Called once,
	 * when somebody waits. 0, or -1; ret is the caller's in any case. */
	int (*read)(void *arg, struct lockmem *ret, struct err *e);
	/* bootline.h's. Others wait meanwhile: it must not block. */
	void (*state)(void *arg, const char *word);
	/* Whether to wait no longer for what was delivered; NULL: never. */
	bool (*stop)(void *arg);
	void *arg;
};

struct give_end {
	const char *word;	/* a verdict of bootline.h's */
	enum err_code code;	/* ERR_NONE: accepted */
	char why[GIVE_WHY];	/* "" or a text; not escaped */
};

/* give_run(): a passphrase to who waits for id, to the end. */
void give_run(const struct give_opts *o, const char *id,
	struct give_end *ret);

/* give_wanted(): whether somebody waits for id, or will in a moment; if not,
 * *ret is what give_run() would say. */
bool give_wanted(const char *id, struct give_end *ret);

/*
 * give_line(): into *ret (give_init()ed), from fd until its end, or, with more,
 * until its next newline: one line with that, which is taken off. give_check():
 * whether one can be a passphrase. 0, or -1: ERR_REFUSED, ERR_CONFIG (not one),
 * ERR_TIMEOUT, ERR_SYS.
 */
int give_init(struct lockmem *ret, struct err *e);
int give_line(struct lockmem *ret, int fd, bool more, unsigned timeout_ms,
	struct err *e);
int give_check(const struct lockmem *pass, struct err *e);

#endif
