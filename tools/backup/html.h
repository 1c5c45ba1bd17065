/* SPDX-License-Identifier: ISC */
/*
 * html: elements, attributes and text of a page that is HTML and well-formed
 * XML at once. Pure. Names of elements and attributes are ours; values and
 * text may be anything (a client's name and an error text are a peer's word)
 * and are escaped: what doesn't print is written as esc_text() does, and
 * & < > " ' as entities. A page with a mistake of ours in it (left open,
 * closed too often, too deep) or that is too long fails at html_end().
 *
 *	html_begin(&h, &out);
 *	html_open(&h, "p", "class", name, NULL);
 *	html_text(&h, why); html_close(&h);
 *	if (html_end(&h, e) == -1) …
 */
#ifndef BACKUP_HTML_H
#define BACKUP_HTML_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

#define HTML_DEPTH	24

struct html {
	struct buf *out;		/* borrowed */
	const char *open[HTML_DEPTH];
	unsigned depth;
	bool failed;
};

void html_begin(struct html *h, struct buf *out);
/* html_open(), html_void(): an element, one that stays empty; pairs of an
 * attribute's name and its value, NULL-ended. */
void html_open(struct html *h, const char *tag, ...)
	__attribute__((sentinel));
void html_void(struct html *h, const char *tag, ...)
	__attribute__((sentinel));
void html_close(struct html *h);
void html_text(struct html *h, const char *text);
void html_textf(struct html *h, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* html_raw(): as it stands: for our own style sheet alone. */
void html_raw(struct html *h, const char *text);
/* html_elem(): open, text, close; class NULL: none. */
void html_elem(struct html *h, const char *tag, const char *class,
	const char *text);
/* html_end(): 0, or -1 ERR_MEM. */
int html_end(struct html *h, struct err *e);

#endif
