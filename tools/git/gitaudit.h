/* SPDX-License-Identifier: ISC */
/*
 * gitaudit: a line for each begin, end and refusal of a session, on both
 * hosts, which the sid joins:
 *
 *	begin sid=S id=I ip=A fp=F verb=V repo="R"
 *	end sid=S id=I ip=A fp=F verb=V repo="R" ms=N exit=N [in=N
 *		out=N] [via="HOST"]
 *	refused sid=S id=I ip=A fp=F why="TEXT"
 *
 * or the same as a JSON object. To syslog as it is; to a file with the time
 * in front (JSON: "time"), by one write of one line to its end. What is not
 * known is "-" (JSON: null). What came from a peer is escaped, and cut: it ends
 * in "..." then.
 */
#ifndef GIT_GITAUDIT_H
#define GIT_GITAUDIT_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/buf.h"
#include "base/err.h"
#include "gitconf.h"

#define GITAUDIT_LINE	2048	/* bytes of a line */

enum gitaudit_event { GITAUDIT_BEGIN, GITAUDIT_END, GITAUDIT_REFUSED };

/* All borrowed; NULL or "-": not known. */
struct gitaudit {
	enum gitaudit_event event;
	const char *sid, *id, *ip, *fp, *verb, *repo;
	const char *why;		/* of a refusal, or of an end */
	const char *via;		/* the mirror that answered */
	uint64_t ms;			/* of an end: how long it took */
	int exit;			/* of an end */
	bool counted;			/* of an end: in and out are known */
	int64_t in, out;		/* bytes from the client, and to it */
};

/* gitaudit_emit(): the line without a line feed, appended to out. now: 0 for
 * syslog, which has the time itself. Pure. 0, or -1: out's cap is reached. */
int gitaudit_emit(const struct gitaudit *a, bool json, time_t now,
	struct buf *out);

/* gitaudit_write(): to where s says. A file that can't be written is said on
 * syslog and to the caller, whose session goes on. 0, or -1: ERR_SYS,
 * ERR_MEM. */
int gitaudit_write(const struct gitconf_side *s, const struct gitaudit *a,
	struct err *e);

#endif
