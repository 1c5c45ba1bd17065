/* SPDX-License-Identifier: ISC */
#include "table.h"

#include <stdint.h>
#include <string.h>

#include "base/esc.h"
#include "ui/columns.h"

#define GAP		2	/* columns between two of ours */
#define NARROW		8	/* nothing is cut below that */
#define CELLS_MAX	4000000
#define CELL_MAX	65536

void
table_init(struct table *t, const struct table_col *cols, size_t ncols)
{
	*t = (struct table){ .cols = cols, .ncols = ncols,
		.cells = { .max = CELLS_MAX } };
}

void
table_clear(struct table *t)
{
	strv_clear(&t->cells);
	*t = (struct table){ .ncols = 0 };
}

void
table_row(struct table *t, const char *const *cells)
{
	struct buf b;
	size_t i;

	for (i = 0; i < t->ncols && !t->failed; i++) {
		buf_init(&b, CELL_MAX);
		if (esc_text(&b, cells[i], strlen(cells[i])) == -1 ||
		    strv_add(&t->cells, b.data) == -1)
			t->failed = true;
		buf_clear(&b);
	}
}

static size_t
sum(const struct table *t, const size_t *w)
{
	size_t i, n = (t->ncols - 1) * GAP;

	for (i = 0; i < t->ncols; i++)
		n += w[i];
	return n;
}

/* Narrow what may be cut, the widest first, until a line fits. */
static void
narrow(const struct table *t, size_t width, size_t *w)
{
	size_t i, widest;

	while (sum(t, w) > width) {
		widest = t->ncols;
		for (i = 0; i < t->ncols; i++)
			if (t->cols[i].cut && w[i] > NARROW &&
			    (widest == t->ncols || w[i] > w[widest]))
				widest = i;
		if (widest == t->ncols)
			return;
		w[widest]--;
	}
}

/* Room for a line: what columns.h appends can't fail then. */
static int
reserve(const struct table *t, char *const *cells, const size_t *w,
    struct buf *out)
{
	static const char blank[256];
	size_t i, n = sum(t, w) + 1, start = out->len;
	int rc = 0;

	for (i = 0; i < t->ncols; i++)
		n += 4 * strlen(cells[i]);
	for (; n > 0 && rc == 0; n -= n < sizeof(blank) ? n : sizeof(blank))
		rc = buf_add(out, blank, n < sizeof(blank) ? n :
		    sizeof(blank));
	out->len = start;
	if (out->cap > 0)
		out->data[start] = '\0';
	return rc;
}

static int
line(const struct table *t, char *const *cells, const size_t *w, size_t width,
    bool utf8, struct buf *out)
{
	struct columns c = { .out = out, .utf8 = utf8,
		.left = width > 0 ? width : SIZE_MAX };
	size_t i, len, at = 0;

	if (reserve(t, cells, w, out) == -1)
		return -1;
	for (i = 0; i < t->ncols; i++) {
		len = columns_of(cells[i], utf8);
		if (t->cols[i].right && len < w[i])
			columns_pad(&c, at + w[i] - len);
		columns_add(&c, cells[i], w[i]);
		at += w[i] + GAP;
		/* No blanks at the end of a line. */
		if (i + 1 < t->ncols)
			columns_pad(&c, at);
	}
	while (out->len > 0 && out->data[out->len - 1] == ' ')
		out->data[--out->len] = '\0';
	return buf_addc(out, '\n');
}

int
table_emit(const struct table *t, size_t width, bool utf8, struct buf *out,
    struct err *e)
{
	size_t w[TABLE_COLS], i, len;
	char *titles[TABLE_COLS];
	int rc = t->failed ? -1 : 0;

	for (i = 0; i < t->ncols; i++) {
		titles[i] = (char *)t->cols[i].title;
		w[i] = strlen(titles[i]);
	}
	for (i = 0; i < t->cells.n; i++) {
		len = columns_of(t->cells.v[i], utf8);
		if (len > w[i % t->ncols])
			w[i % t->ncols] = len;
	}
	if (width > 0)
		narrow(t, width, w);
	if (rc == 0)
		rc = line(t, titles, w, width, utf8, out);
	for (i = 0; i + t->ncols <= t->cells.n && rc == 0; i += t->ncols)
		rc = line(t, t->cells.v + i, w, width, utf8, out);
	return rc == 0 ? 0 : err_set(e, ERR_MEM, "out of memory");
}
