/* SPDX-License-Identifier: ISC */
#include "late.h"

#include <stdio.h>
#include <string.h>

#include "base/esc.h"
#include "ui/log.h"

#define ROOM 64		/* for " and 1000 more (-v names them)" */

struct kind {
	const char *head;	/* in front of the names */
	const char *each;	/* behind each, in the log */
	const struct strv *names;
	size_t n;		/* of all */
};

/* The names of one kind behind what out has. How many it had no room for. */
static size_t
add(struct buf *out, const struct kind *k, bool raw)
{
	size_t i, len = out->len;

	if (k->n == 0 || buf_addf(out, "%s%s:", len > 0 ? "; " : "",
	    k->head) == -1)
		return k->n;
	for (i = 0; i < k->names->n; i++) {
		const char *name = k->names->v[i];

		len = out->len;
		if (buf_adds(out, i == 0 ? " " : ", ") == -1 ||
		    (raw ? buf_adds(out, name) : esc_text(out, name,
		    strlen(name))) == -1) {
			out->len = len;
			break;
		}
	}
	return k->n - i;
}

static void
say(const struct unread *u, char *said, size_t cap, bool raw)
{
	const struct kind kinds[] = {
		{ "left to the next run", "came after the run had begun, or "
		    "took the place of what was there", &u->files,
		    u->files.n },
		{ "vanished", "vanished while all was read", &u->vanished,
		    u->n_vanished },
		{ "changed while they were read", "became shorter while it "
		    "was read", &u->changed, u->n_changed },
	};
	size_t i, n, more = 0;
	struct buf b;

	buf_init(&b, cap - ROOM);
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		for (n = 0; !raw && n < kinds[i].names->n; n++)
			log_debug("%s: %s", kinds[i].names->v[n],
			    kinds[i].each);
		more += add(&b, &kinds[i], raw);
	}
	if (b.len > 0)
		snprintf(said, cap, "%.*s", (int)b.len, b.data);
	if (more > 0)
		snprintf(said + b.len, cap - b.len, " and %zu more (-v names "
		    "them)", more);
	buf_clear(&b);
}

void
late_name(const struct unread *u, char *said, size_t cap)
{
	say(u, said, cap, false);
}

void
late_raw(const struct unread *u, char *said, size_t cap)
{
	say(u, said, cap, true);
}
