/* SPDX-License-Identifier: ISC */
#include "page.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "html.h"
#include "plot.h"
#include "size.h"

#define DAY_S	86400
#define CELL	12	/* of the calendar, in units of its picture */
#define ALARM_MAX	4096

/* Colours that the colour-blind tell apart, and marks beside them. */
static const char style[] =
	"body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;"
	"max-width:62em;padding:0 1em;color:#222;background:#fff}"
	"table{border-collapse:collapse;width:100%}"
	"th,td{text-align:left;padding:.3em .7em .3em 0;"
	"border-bottom:1px solid #ddd;vertical-align:top}"
	"td.num,th.num{text-align:right}"
	".alarm{color:#a40000;font-weight:600}.none{color:#777}"
	"section{margin-top:2.5em}svg{width:100%;height:auto}"
	"svg text{font-size:11px;fill:#555}"
	".empty{fill:#eee}.missed{fill:#c9c9c9}.failed{fill:#d55e00}"
	".ran{fill:#0a7d5a}.mark{stroke:#fff;stroke-width:1.5}"
	".grid{stroke:#ddd}.bytes{stroke:#0072b2;stroke-width:1.5}"
	".added{stroke:#e69f00;stroke-width:2}circle{fill:#0072b2}"
	"@media(prefers-color-scheme:dark){body{color:#ddd;"
	"background:#161616}th,td{border-color:#444}.alarm{color:#ff8f7a}"
	".empty{fill:#262626}.missed{fill:#555}svg text{fill:#aaa}"
	".grid{stroke:#383838}.mark{stroke:#161616}}";

static const struct {
	const char *class, *word;
} kinds[] = {
	[STATE_DAY_EMPTY] = { "empty", "nothing known" },
	[STATE_DAY_MISSED] = { "missed", "missed" },
	[STATE_DAY_FAILED] = { "failed", "failed" },
	[STATE_DAY_RAN] = { "ran", "ran" },
};

static void
head(struct html *h, const char *store, int64_t now_s)
{
	char when[SIZE_TIME];

	size_time(now_s, when);
	html_open(h, "html", "lang", "en", NULL);
	html_open(h, "head", NULL);
	html_void(h, "meta", "charset", "utf-8", NULL);
	html_void(h, "meta", "http-equiv", "Content-Security-Policy",
	    "content", "default-src 'none'; style-src 'unsafe-inline'", NULL);
	html_void(h, "meta", "name", "viewport", "content",
	    "width=device-width", NULL);
	html_elem(h, "title", NULL, "Backups");
	html_open(h, "style", NULL);
	html_raw(h, style);
	html_close(h);
	html_close(h);
	html_open(h, "body", NULL);
	html_elem(h, "h1", NULL, "Backups");
	html_open(h, "p", NULL);
	html_textf(h, "%.800s, as of %s.", store, when);
	html_close(h);
}

static void
alarms(struct html *h, const struct state *s)
{
	struct buf b;

	buf_init(&b, ALARM_MAX);
	if (state_words(s, &b) == -1)
		h->failed = true;
	html_elem(h, "td", s->alarms != 0 ? "alarm" : NULL, b.data);
	buf_clear(&b);
}

static void
next_text(const struct state *s, char *out, size_t cap)
{
	const struct history_snap *oldest;
	size_t n = state_next(s, &oldest);
	char when[SIZE_TIME];

	if (n == 0) {
		snprintf(out, cap, "none");
		return;
	}
	size_date(oldest->time_s, when);
	if (n == 1)
		snprintf(out, cap, "%s", when);
	else
		snprintf(out, cap, "%zu, from %s on", n, when);
}

static void
verify_text(const struct state *s, char *out, size_t cap)
{
	char when[SIZE_TIME];

	size_time(s->verify.op[0] != '\0' ? s->verify.time_s : 0, when);
	snprintf(out, cap, "%s%s", when, s->verify_bad ? ": see state" : "");
}

static void
row(struct html *h, const struct state *s)
{
	char text[STORE_NAME_MAX + 32], used[SIZE_TEXT], quota[SIZE_TEXT];

	html_open(h, "tr", NULL);
	html_open(h, "td", NULL);
	/* A name has nothing in it that an address would need escaped. */
	snprintf(text, sizeof(text), "#%s", s->name);
	html_open(h, "a", "href", text, NULL);
	html_text(h, s->name);
	html_close(h);
	html_close(h);
	alarms(h, s);
	size_time(s->good_s, text);
	html_elem(h, "td", s->good_s == 0 ? "none" : NULL, text);
	snprintf(text, sizeof(text), "%u", s->failures);
	html_elem(h, "td", "num", text);
	snprintf(text, sizeof(text), "%zu", s->history.n);
	html_elem(h, "td", "num", text);
	size_text(s->used, used);
	size_text(s->quota, quota);
	snprintf(text, sizeof(text), "%s%s%s", used, s->quota > 0 ? " of " :
	    "", s->quota > 0 ? quota : "");
	html_elem(h, "td", "num", text);
	html_elem(h, "td", NULL, store_backend_name(s->backend));
	verify_text(s, text, sizeof(text));
	html_elem(h, "td", NULL, text);
	next_text(s, text, sizeof(text));
	html_elem(h, "td", NULL, text);
	html_close(h);
}

static void
table(struct html *h, const struct state *v, size_t n)
{
	static const struct { const char *title, *class; } cols[] = {
		{ "Client", NULL }, { "State", NULL },
		{ "Last backup", NULL }, { "Failed since", "num" },
		{ "Snapshots", "num" }, { "Used", "num" },
		{ "Back end", NULL }, { "Last verify", NULL },
		{ "Next prune", NULL },
	};
	size_t i;

	html_open(h, "table", NULL);
	html_open(h, "thead", NULL);
	html_open(h, "tr", NULL);
	for (i = 0; i < sizeof(cols) / sizeof(cols[0]); i++)
		html_elem(h, "th", cols[i].class, cols[i].title);
	html_close(h);
	html_close(h);
	html_open(h, "tbody", NULL);
	for (i = 0; i < n; i++)
		row(h, &v[i]);
	html_close(h);
	html_close(h);
	if (n == 0)
		html_elem(h, "p", "none", "No clients.");
}

/* Weeks from left to right, Monday on top. */
static void
cell(struct html *h, const struct state *s, size_t i, int64_t day)
{
	int64_t first = day - (int64_t)i;
	/* 1970-01-01 was a Thursday. */
	int64_t week = (day + 3) / 7 - (first + 3) / 7;
	char x[24], y[24], x2[24], y2[24], when[SIZE_TIME];

	snprintf(x, sizeof(x), "%" PRId64, week * CELL);
	snprintf(y, sizeof(y), "%" PRId64, (day + 3) % 7 * CELL);
	html_open(h, "rect", "class", kinds[s->days[i]].class, "x", x, "y", y,
	    "width", "10", "height", "10", "rx", "2", NULL);
	size_date(day * DAY_S, when);
	html_open(h, "title", NULL);
	html_textf(h, "%s: %s", when, kinds[s->days[i]].word);
	html_close(h);
	html_close(h);
	if (s->days[i] != STATE_DAY_FAILED)
		return;
	snprintf(x, sizeof(x), "%" PRId64, week * CELL + 2);
	snprintf(x2, sizeof(x2), "%" PRId64, week * CELL + 8);
	snprintf(y, sizeof(y), "%" PRId64, (day + 3) % 7 * CELL + 2);
	snprintf(y2, sizeof(y2), "%" PRId64, (day + 3) % 7 * CELL + 8);
	html_void(h, "line", "class", "mark", "x1", x, "y1", y, "x2", x2,
	    "y2", y2, NULL);
}

static void
calendar(struct html *h, const struct state *s, int64_t now_s)
{
	int64_t last = now_s / DAY_S;
	size_t i, count[4] = { 0 };

	html_open(h, "svg", "class", "calendar", "viewBox", "0 0 648 84",
	    "role", "img", "aria-label", "calendar of runs", NULL);
	for (i = 0; i < STATE_DAYS; i++) {
		count[s->days[i]]++;
		cell(h, s, i, last - STATE_DAYS + 1 + (int64_t)i);
	}
	html_close(h);
	html_open(h, "p", NULL);
	html_textf(h, "Days of the last 53 weeks (UTC): %zu ran, %zu failed, "
	    "%zu missed.", count[STATE_DAY_RAN], count[STATE_DAY_FAILED],
	    count[STATE_DAY_MISSED]);
	html_close(h);
}

static int
client(struct html *h, const struct state *s, int64_t now_s)
{
	struct plot_point *v;
	size_t i, n = 0;

	v = calloc(s->history.n + 1, sizeof(*v));
	if (v == NULL)
		return -1;
	for (i = s->history.n; i-- > 0;)
		if (s->history.v[i].recorded)
			v[n++] = (struct plot_point){
				s->history.v[i].time_s,
				s->history.v[i].bytes,
				s->history.v[i].added };
	html_open(h, "section", "id", s->name, NULL);
	html_elem(h, "h2", NULL, s->name);
	if (s->failures > 0) {
		html_open(h, "p", "class", "alarm", NULL);
		html_textf(h, "%u failed since the last backup: %.400s",
		    s->failures, s->last.message);
		html_close(h);
	}
	calendar(h, s, now_s);
	plot_svg(h, v, n);
	html_elem(h, "p", "none", "Line: what a snapshot holds. Bars: what it "
	    "added.");
	html_close(h);
	free(v);
	return 0;
}

int
page_emit(const char *store, const struct state *v, size_t n, int64_t now_s,
    struct buf *out, struct err *e)
{
	struct html h;
	size_t i;

	html_begin(&h, out);
	head(&h, store, now_s);
	table(&h, v, n);
	for (i = 0; i < n; i++)
		if (client(&h, &v[i], now_s) == -1)
			h.failed = true;
	html_close(&h);
	html_close(&h);
	return html_end(&h, e);
}
