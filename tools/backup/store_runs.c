/* SPDX-License-Identifier: ISC */
#include "store_runs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_text.h"

#define FIELDS		8
#define DAY_S		86400

static bool
word_ok(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if ((s[i] < 'a' || s[i] > 'z') && s[i] != '-')
			return false;
	return len > 0 && len < STORE_RUNS_WORD;
}

/* s as a field: "-" stands for "". */
static int
add_text(struct buf *out, const char *s)
{
	if (strcmp(s, "-") == 0)
		return buf_adds(out, "\\055");
	return *s == '\0' ? buf_addc(out, '-') : store_text_esc(out, s);
}

int
store_runs_emit(const struct store_run *r, struct buf *out, struct err *e)
{
	size_t start = out->len;

	if (!word_ok(r->op, strlen(r->op)) ||
	    !word_ok(r->state, strlen(r->state)) || r->time_s < 0)
		return err_set(e, ERR_CONFIG, "a run's record: '%s %s' are "
		    "not two words", r->op, r->state);
	if (buf_addf(out, "%lld %s %s ", (long long)r->time_s, r->op,
	    r->state) == -1 ||
	    add_text(out, r->snapshot) == -1 ||
	    buf_addf(out, " %llu %llu %llu ", (unsigned long long)r->files,
	    (unsigned long long)r->bytes,
	    (unsigned long long)r->seconds) == -1 ||
	    add_text(out, r->message) == -1 || buf_addc(out, '\n') == -1) {
		out->len = start;
		if (out->cap > 0)
			out->data[start] = '\0';
		return err_set(e, ERR_MEM, "out of memory");
	}
	return 0;
}

/* The word of a text field into ret (size bytes, cut to it). 0, or -1. */
static int
text_field(const char *word, size_t len, char *ret, size_t size)
{
	struct buf b;
	int rc;

	if (len == 1 && *word == '-') {
		*ret = '\0';
		return 0;
	}
	buf_init(&b, STORE_RUNS_LINE);
	rc = store_text_unesc(&b, word, len);
	if (rc == 0)
		snprintf(ret, size, "%s", b.data);
	buf_clear(&b);
	return rc;
}

int
store_runs_line(const char *line, size_t len, struct store_run *ret)
{
	const char *w[FIELDS], *p = line, *end = line + len, *sp;
	struct store_run r = { 0 };
	size_t l[FIELDS], i;
	uint64_t t;

	if (len > STORE_RUNS_LINE)
		return -1;
	for (i = 0; i < FIELDS; i++) {
		sp = i + 1 < FIELDS ? memchr(p, ' ', (size_t)(end - p)) : end;
		if (sp == NULL || sp == p)
			return -1;
		w[i] = p;
		l[i] = (size_t)(sp - p);
		p = sp < end ? sp + 1 : end;
	}
	if (store_text_num(w[0], l[0], &t) == -1 || t > SNAPNAME_TIME_MAX ||
	    !word_ok(w[1], l[1]) || !word_ok(w[2], l[2]) ||
	    text_field(w[3], l[3], r.snapshot, sizeof(r.snapshot)) == -1 ||
	    store_text_num(w[4], l[4], &r.files) == -1 ||
	    store_text_num(w[5], l[5], &r.bytes) == -1 ||
	    store_text_num(w[6], l[6], &r.seconds) == -1 ||
	    text_field(w[7], l[7], r.message, sizeof(r.message)) == -1)
		return -1;
	r.time_s = (int64_t)t;
	memcpy(r.op, w[1], l[1]);
	memcpy(r.state, w[2], l[2]);
	*ret = r;
	return 0;
}

/* Where the last max lines of text begin. */
static const char *
last_lines(const char *text, size_t len, size_t max)
{
	const char *p = text + len;
	size_t n = 0;

	while (p > text)
		if (*--p == '\n' && n++ == max)
			return p + 1;
	return text;
}

int
store_runs_parse(const char *text, size_t len, struct store_runs *ret,
    struct err *e)
{
	const char *p, *nl, *end = text + len;
	struct store_runs r = { 0 };
	struct store_run *more;
	size_t cap = 0;

	for (p = last_lines(text, len, STORE_RUNS_MAX); p < end; p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (nl == NULL) {
			r.bad++;	/* torn */
			break;
		}
		if (r.n == cap) {
			cap = cap > 0 ? cap * 2 : 64;
			more = reallocarray(r.v, cap, sizeof(*more));
			if (more == NULL) {
				store_runs_clear(&r);
				return err_set(e, ERR_MEM, "out of memory");
			}
			r.v = more;
		}
		if (store_runs_line(p, (size_t)(nl - p), &r.v[r.n]) == 0)
			r.n++;
		else
			r.bad++;
	}
	*ret = r;
	return 0;
}

void
store_runs_clear(struct store_runs *r)
{
	free(r->v);
	*r = (struct store_runs){ 0 };
}

bool
store_runs_good(const struct store_run *r)
{
	return strcmp(r->state, STORE_RUNS_OK) == 0 ||
	    strcmp(r->state, STORE_RUNS_WARN) == 0;
}

void
store_runs_state(const struct store_runs *r, int64_t now_s,
    struct store_runs_state *ret)
{
	struct store_runs_state s = { .silent_s = -1 };
	size_t i;

	for (i = 0; i < r->n; i++) {
		const struct store_run *v = &r->v[i];

		if (strcmp(v->op, "verify") == 0)
			s.verify = v;
		if (strcmp(v->op, "run") != 0)
			continue;
		s.last = v;
		if (store_runs_good(v)) {
			s.good = v;
			s.failures = 0;
		} else {
			s.failures++;
		}
	}
	if (s.good != NULL)
		s.silent_s = now_s > s.good->time_s ?
		    now_s - s.good->time_s : 0;
	s.verify_bad = s.verify != NULL &&
	    strcmp(s.verify->state, STORE_RUNS_OK) != 0;
	*ret = s;
}

void
store_runs_calendar(const struct store_runs *r, int64_t now_s,
    enum store_runs_day *days, size_t n)
{
	int64_t first = now_s / DAY_S - (int64_t)n + 1, day;
	enum store_runs_day what;
	size_t i;

	for (i = 0; i < n; i++)
		days[i] = STORE_DAY_NONE;
	for (i = 0; i < r->n; i++) {
		if (strcmp(r->v[i].op, "run") != 0)
			continue;
		day = r->v[i].time_s / DAY_S - first;
		if (day < 0 || (uint64_t)day >= n)
			continue;
		what = store_runs_good(&r->v[i]) ? STORE_DAY_OK :
		    STORE_DAY_FAILED;
		if (what > days[day])
			days[day] = what;
	}
}
