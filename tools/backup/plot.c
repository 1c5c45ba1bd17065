/* SPDX-License-Identifier: ISC */
#include "plot.h"

#include <stdio.h>

#include "size.h"

/* In units of the picture. */
#define WIDTH	720
#define HEIGHT	190
#define LEFT	76
#define RIGHT	12
#define TOP	10
#define BOTTOM	26

struct axes {
	int64_t from, to;		/* seconds */
	uint64_t step;			/* bytes between two lines */
	unsigned lines;			/* above that of 0 */
};

static double
at_x(const struct axes *a, int64_t time_s)
{
	return LEFT + (double)(time_s - a->from) * (WIDTH - LEFT - RIGHT) /
	    (double)(a->to - a->from);
}

static double
at_y(const struct axes *a, uint64_t bytes)
{
	/* As double: at the upper edge may be more than a uint64_t has. */
	return HEIGHT - BOTTOM - (double)bytes * (HEIGHT - TOP - BOTTOM) /
	    ((double)a->step * a->lines);
}

uint64_t
plot_step(uint64_t max)
{
	uint64_t step = 1;

	while (max / step >= 5 && step < UINT64_C(1) << 62)
		step *= 2;
	return step;
}

static void
num(char out[32], double v)
{
	snprintf(out, 32, "%.1f", v);
}

static void
rule(struct html *h, const char *class, double x1, double y1, double x2,
    double y2)
{
	char t[4][32];

	num(t[0], x1);
	num(t[1], y1);
	num(t[2], x2);
	num(t[3], y2);
	html_void(h, "line", "class", class, "x1", t[0], "y1", t[1], "x2",
	    t[2], "y2", t[3], NULL);
}

static void
label(struct html *h, double x, double y, const char *anchor,
    const char *text)
{
	char t[2][32];

	num(t[0], x);
	num(t[1], y);
	html_open(h, "text", "x", t[0], "y", t[1], "text-anchor", anchor,
	    NULL);
	html_text(h, text);
	html_close(h);
}

static void
grid(struct html *h, const struct axes *a)
{
	char text[SIZE_TIME];
	unsigned i;

	for (i = 0; i <= a->lines; i++) {
		uint64_t y = i <= UINT64_MAX / a->step ? i * a->step :
		    UINT64_MAX;

		rule(h, "grid", LEFT, at_y(a, y), WIDTH - RIGHT, at_y(a, y));
		size_text(y, text);
		label(h, LEFT - 6, at_y(a, y) + 4, "end", text);
	}
	size_date(a->from, text);
	label(h, LEFT, HEIGHT - 8, "start", text);
	size_date(a->to, text);
	label(h, WIDTH - RIGHT, HEIGHT - 8, "end", text);
}

/* Which of n points is the i-th of the shown ones; the last is always. */
static size_t
pick(size_t i, size_t shown, size_t n)
{
	return shown < 2 ? n - 1 : i * (n - 1) / (shown - 1);
}

static void
point(struct html *h, const struct axes *a, const struct plot_point *p)
{
	char bytes[SIZE_TEXT], added[SIZE_TEXT], date[SIZE_TIME], x[32], y[32];

	size_text(p->bytes, bytes);
	size_text(p->added, added);
	size_date(p->time_s, date);
	num(x, at_x(a, p->time_s));
	num(y, at_y(a, p->bytes));
	html_open(h, "circle", "cx", x, "cy", y, "r", "2.5", NULL);
	html_open(h, "title", NULL);
	html_textf(h, "%s: %s, %s added", date, bytes, added);
	html_close(h);
	html_close(h);
}

void
plot_svg(struct html *h, const struct plot_point *v, size_t n)
{
	size_t i, shown = n < PLOT_POINTS ? n : PLOT_POINTS;
	struct axes a;
	uint64_t max = 1;
	const struct plot_point *p;

	if (n == 0) {
		html_elem(h, "p", "none", "No snapshots.");
		return;
	}
	for (i = 0; i < n; i++) {
		max = v[i].bytes > max ? v[i].bytes : max;
		max = v[i].added > max ? v[i].added : max;
	}
	a = (struct axes){ .from = v[0].time_s, .to = v[n - 1].time_s,
		.step = plot_step(max) };
	a.lines = (unsigned)(max / a.step + (max % a.step != 0));
	if (a.to <= a.from) {	/* one moment has a day around it */
		a.to = a.from + 43200;
		a.from -= 43200;
	}
	html_open(h, "svg", "class", "plot", "viewBox", "0 0 720 190",
	    "role", "img", "aria-label", "sizes over time", NULL);
	grid(h, &a);
	for (i = 0; i < shown; i++) {
		p = &v[pick(i, shown, n)];
		rule(h, "added", at_x(&a, p->time_s), at_y(&a, 0),
		    at_x(&a, p->time_s), at_y(&a, p->added));
	}
	for (i = 1; i < shown; i++) {
		p = &v[pick(i - 1, shown, n)];
		rule(h, "bytes", at_x(&a, p->time_s), at_y(&a, p->bytes),
		    at_x(&a, v[pick(i, shown, n)].time_s),
		    at_y(&a, v[pick(i, shown, n)].bytes));
	}
	for (i = 0; i < shown; i++)
		point(h, &a, &v[pick(i, shown, n)]);
	html_close(h);
}
