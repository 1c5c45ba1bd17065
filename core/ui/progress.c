/* SPDX-License-Identifier: ISC */
#include "ui/progress.h"

#include <errno.h>
#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/esc.h"
#include "sys/tty.h"
#include "ui/columns.h"

/* What is kept of a name, a state or a detail. */
#define TEXT_BYTES_MAX 400
#define FRAME_BYTES_MAX (8u << 20)
#define FRAME_EVERY_MS 100

struct item {
	char *name;		/* owned, escaped; NULL: not heard of yet */
	char *state;		/* owned, escaped */
	char *detail;		/* owned, escaped; kept only when live */
	uint64_t since_ms;
	enum progress_kind kind;
};

struct progress {
	int fd;
	bool live, quiet, colour, utf8;
	bool dirty, hidden, shown, ticked;
	size_t n, drawn;	/* items; lines on the screen now */
	uint64_t now_ms, drawn_ms;
	struct item *items;
};

static const char erase_line[] = "\033[2K";

static const struct {
	const char *colour, *word;
} kinds[] = {
	[PROGRESS_WAIT] = { "", "waiting" },
	[PROGRESS_RUN] = { "\033[36m", "running" },
	[PROGRESS_GOOD] = { "\033[32m", "done" },
	[PROGRESS_WARN] = { "\033[33m", "warned" },
	[PROGRESS_BAD] = { "\033[31m", "failed" },
};

/* Who gets a line when there are too few. */
static const enum progress_kind order[] = { PROGRESS_BAD, PROGRESS_RUN,
	PROGRESS_WARN, PROGRESS_WAIT, PROGRESS_GOOD };
#define KINDS (sizeof(order) / sizeof(order[0]))

struct progress *
progress_new(int fd, size_t n, bool quiet, struct err *e)
{
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");
	struct progress *p = calloc(1, sizeof(*p));

	if (p != NULL)
		p->items = calloc(n > 0 ? n : 1, sizeof(*p->items));
	if (p == NULL || p->items == NULL) {
		free(p);
		err_set(e, ERR_MEM, "out of memory for %zu lines", n);
		return NULL;
	}
	p->fd = fd;
	p->n = n;
	p->quiet = quiet;
	p->live = !quiet && isatty(fd) && term != NULL && *term != '\0' &&
	    strcmp(term, "dumb") != 0;
	p->colour = no == NULL || *no == '\0';
	p->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	return p;
}

/* All of it in one call, as long as the kernel takes it so. */
static void
send(const struct progress *p, const struct buf *b)
{
	size_t done = 0;
	ssize_t n;

	while (done < b->len) {
		n = write(p->fd, b->data + done, b->len - done);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		done += (size_t)n;
	}
}

/* s (NULL: "") escaped, owned; NULL when out of memory. */
static char *
escaped(const char *s)
{
	size_t len = s != NULL ? strnlen(s, TEXT_BYTES_MAX + 1) : 0;
	struct buf b;

	if (len > TEXT_BYTES_MAX) {
		len = TEXT_BYTES_MAX;
		while (len > 0 && ((unsigned char)s[len] & 0xc0) == 0x80)
			len--;
	}
	buf_init(&b, TEXT_BYTES_MAX * 4);
	if (len > 0)
		(void)esc_text(&b, s, len);
	return buf_steal(&b);
}

/* Puts s (taken) into *to; whether that is something else. */
static bool
replace(char **to, char *s)
{
	bool same = *to != NULL && s != NULL && strcmp(*to, s) == 0;

	if (same || s == NULL) {
		free(s);
		return false;
	}
	free(*to);
	*to = s;
	return true;
}

static void
print_event(const struct progress *p, const struct item *it,
	const char *detail)
{
	struct buf b;

	if (it->name == NULL || it->state == NULL)
		return;
	buf_init(&b, TEXT_BYTES_MAX * 16);
	(void)buf_addf(&b, "%s: %s", it->name, it->state);
	if (detail != NULL && *detail != '\0')
		(void)buf_addf(&b, " %s", detail);
	(void)buf_addc(&b, '\n');
	send(p, &b);
	buf_clear(&b);
}

void
progress_set(struct progress *p, size_t i, const char *name,
	enum progress_kind kind, const char *state, const char *detail)
{
	struct item *it;
	bool fresh;
	char *text;

	if (i >= p->n)
		return;
	it = &p->items[i];
	fresh = it->state == NULL || kind != it->kind;
	it->kind = kind;
	p->dirty |= replace(&it->name, escaped(name));
	fresh |= replace(&it->state, escaped(state));
	if (fresh)
		it->since_ms = p->now_ms;
	text = escaped(detail);
	if (p->live) {
		p->dirty |= replace(&it->detail, text) | fresh;
		return;
	}
	if (fresh && (!p->quiet || kind == PROGRESS_BAD))
		print_event(p, it, text);
	free(text);
}

/* One item's line, over whatever stood there. */
static void
draw_item(const struct progress *p, struct buf *b, const struct item *it,
	size_t width, size_t name_width)
{
	struct columns c = { .out = b, .left = width, .utf8 = p->utf8 };
	const char *on = p->colour ? kinds[it->kind].colour : "";
	uint64_t s = (p->now_ms - it->since_ms) / 1000;
	char elapsed[32];

	(void)buf_adds(b, erase_line);
	columns_add(&c, it->name, name_width);
	columns_pad(&c, name_width);
	columns_add(&c, "  ", 2);
	(void)buf_adds(b, on);
	/* NULL when memory was out for it. */
	columns_add(&c, it->state != NULL ? it->state : "", SIZE_MAX);
	if (*on != '\0')
		(void)buf_adds(b, "\033[0m");
	if (it->detail != NULL && *it->detail != '\0') {
		columns_add(&c, "  ", 2);
		columns_add(&c, it->detail, SIZE_MAX);
	}
	if (it->kind == PROGRESS_RUN && s > 0) {
		snprintf(elapsed, sizeof(elapsed), "  %llus",
		    (unsigned long long)s);
		columns_add(&c, elapsed, SIZE_MAX);
	}
	(void)buf_addc(b, '\n');
}

/* "... and 78 more: 3 running, 75 done" */
static void
draw_rest(const struct progress *p, struct buf *b, const size_t *rest,
	size_t width)
{
	struct columns c = { .out = b, .left = width, .utf8 = p->utf8 };
	const char *between = ": ";
	char text[256];
	size_t k, sum = 0, len;

	for (k = 0; k < KINDS; k++)
		sum += rest[k];
	snprintf(text, sizeof(text), "... and %zu more", sum);
	for (k = 0; k < KINDS; k++) {
		if (rest[order[k]] == 0)
			continue;
		len = strlen(text);
		snprintf(text + len, sizeof(text) - len, "%s%zu %s", between,
		    rest[order[k]], kinds[order[k]].word);
		between = ", ";
	}
	(void)buf_adds(b, erase_line);
	columns_add(&c, text, SIZE_MAX);
	(void)buf_addc(b, '\n');
}

/* Columns for names: the longest, but at most a third of the line. */
static size_t
name_width_of(const struct progress *p, size_t width)
{
	size_t i, w, max = 0;

	for (i = 0; i < p->n && max < width / 3; i++) {
		if (p->items[i].name == NULL)
			continue;
		w = columns_of(p->items[i].name, p->utf8);
		max = w > max ? w : max;
	}
	return max < width / 3 ? max : width / 3;
}

/*
 * The lines of a frame, at most lines of them (or more: with all, no item
 * that is bad or warns is left out). Returns how many.
 */
static size_t
draw_lines(const struct progress *p, struct buf *b, size_t lines,
	size_t width, bool all)
{
	size_t rest[KINDS] = { 0 }, name_width = name_width_of(p, width);
	size_t i, k, known = 0, used = 0, room;
	enum progress_kind kind;
	bool must;

	for (i = 0; i < p->n; i++)
		known += p->items[i].name != NULL;
	/* Everything fits: everything keeps its place. */
	if (p->n <= lines || (all && known <= lines)) {
		for (i = 0; i < p->n; i++) {
			if (p->items[i].name == NULL)
				continue;
			draw_item(p, b, &p->items[i], width, name_width);
			used++;
		}
		return used;
	}
	room = lines - 1;
	for (k = 0; k < KINDS; k++) {
		kind = order[k];
		must = all && (kind == PROGRESS_BAD || kind == PROGRESS_WARN);
		for (i = 0; i < p->n; i++) {
			if (p->items[i].kind != kind)
				continue;
			if (p->items[i].name == NULL ||
			    (used >= room && !must)) {
				rest[kind]++;
				continue;
			}
			draw_item(p, b, &p->items[i], width, name_width);
			used++;
		}
	}
	draw_rest(p, b, rest, width);
	return used + 1;
}

/* To the first column of the first line that is on the screen. */
static void
go_up(const struct progress *p, struct buf *b)
{
	(void)buf_addc(b, '\r');
	if (p->drawn > 0)
		(void)buf_addf(b, "\033[%zuA", p->drawn);
}

/*
 * A whole frame in one write. Lines end one column early and automatic
 * wrapping is off meanwhile (DECAWM), so that a character which the terminal
 * thinks wider than we do can't add a line. One row is left for the cursor.
 */
static void
draw(struct progress *p, bool last)
{
	size_t width = tty_width(p->fd), height = tty_height(p->fd);
	struct buf b;

	buf_init(&b, FRAME_BYTES_MAX);
	(void)buf_adds(&b, "\033[?7l");
	go_up(p, &b);
	p->drawn = draw_lines(p, &b, height > 1 ? height - 1 : 1,
	    width > 1 ? width - 1 : 1, last);
	(void)buf_adds(&b, "\033[J\033[?7h");
	send(p, &b);
	buf_clear(&b);
	p->dirty = false;
	p->drawn_ms = p->now_ms;
}

bool
progress_live(const struct progress *p)
{
	return p->live;
}

void
progress_tick(struct progress *p, uint64_t now_ms)
{
	bool second = now_ms / 1000 != p->now_ms / 1000;
	size_t i;

	/* What was set before the clock was known begins now. */
	for (i = 0; !p->ticked && i < p->n; i++)
		p->items[i].since_ms = now_ms;
	p->ticked = true;
	p->now_ms = now_ms;
	p->shown = false;
	p->dirty |= second && p->drawn > 0;
	if (p->live && !p->hidden && p->dirty && (p->drawn == 0 ||
	    now_ms - p->drawn_ms >= FRAME_EVERY_MS))
		draw(p, false);
}

void
progress_hide(void *arg)
{
	struct progress *p = arg;
	struct buf b;

	if (!p->live || p->hidden)
		return;
	p->hidden = true;
	if (p->drawn == 0)
		return;
	buf_init(&b, 64);
	go_up(p, &b);
	(void)buf_adds(&b, "\033[J");
	send(p, &b);
	buf_clear(&b);
	p->drawn = 0;
	p->dirty = true;
}

void
progress_show(void *arg)
{
	struct progress *p = arg;

	if (!p->live || !p->hidden)
		return;
	p->hidden = false;
	/* Many log lines between two ticks: only the first redraws. */
	if (p->dirty && !p->shown)
		draw(p, false);
	p->shown = true;
}

void
progress_free(struct progress *p)
{
	size_t i;

	if (p == NULL)
		return;
	if (p->live)
		draw(p, true);
	for (i = 0; i < p->n; i++) {
		free(p->items[i].name);
		free(p->items[i].state);
		free(p->items[i].detail);
	}
	free(p->items);
	free(p);
}
