/* SPDX-License-Identifier: ISC */
#include "auditline.h"

#include <stddef.h>
#include <string.h>

#include "auditvalue.h"
#include "base/num.h"
#include "gitid.h"

static const char *const events[] = { "begin", "end", "refused" };

/* size 0: a number. */
static const struct field {
	const char *key;
	size_t at, size;
} fields[] = {
#define WORD(f) { #f, offsetof(struct auditline, f), AUDITLINE_WORD }
#define TEXT(f) { #f, offsetof(struct auditline, f), AUDITLINE_TEXT }
#define NUM(f) { #f, offsetof(struct auditline, f), 0 }
	WORD(sid), WORD(id), WORD(ip), WORD(fp), WORD(verb),
	TEXT(repo), TEXT(why), TEXT(via),
	NUM(ms), NUM(exit), NUM(in), NUM(out),
#undef WORD
#undef TEXT
#undef NUM
};

static bool
is(const char *s, size_t len, const char *word)
{
	return strlen(word) == len && memcmp(s, word, len) == 0;
}

static bool
set_event(struct auditline *l, const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < sizeof(events) / sizeof(*events); i++) {
		if (!is(s, len, events[i]))
			continue;
		l->event = (enum gitaudit_event)i;
		return true;
	}
	return false;
}

/* Keys of ours are lower-case words, those that are to come as well. */
static bool
is_key(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if ((s[i] < 'a' || s[i] > 'z') && s[i] != '-')
			return false;
	return len > 0;
}

/* One key and what it has; a value that is not known sets nothing. */
static bool
set(struct auditline *l, const char *key, size_t key_len,
    const struct auditvalue *v)
{
	const struct field *f = fields;
	const struct field *end = f + sizeof(fields) / sizeof(*fields);
	uint64_t n;
	char *at;

	if (!is_key(key, key_len))
		return false;
	if (is(key, key_len, "event"))
		return v->known && set_event(l, v->text, v->len);
	if (is(key, key_len, "time"))
		return v->known && auditline_time(v->text, v->len,
		    &l->time_s) == 0;
	while (f < end && !is(key, key_len, f->key))
		f++;
	if (f == end || !v->known)
		return true;
	at = (char *)l + f->at;
	if (f->size > 0) {
		if (v->len >= f->size || *at != '\0')
			return false;
		memcpy(at, v->text, v->len + 1);
		return true;
	}
	if (num_u64(v->text, "", 0, INT64_MAX, &n, NULL) == -1)
		return false;
	memcpy(at, &n, sizeof(n));
	return true;
}

/* {"key":value,...}, as gitaudit writes it: no blanks between. */
static bool
parse_json(const char *p, const char *end, struct auditline *l)
{
	struct auditvalue key, v;
	bool event = false;

	for (p++; p < end; p++) {
		if (!auditvalue_string(&p, end, &key) || p == end ||
		    *p++ != ':' || !auditvalue_json(&p, end, &v) ||
		    !set(l, key.text, key.len, &v) || p == end)
			return false;
		event = event || is(key.text, key.len, "event");
		if (*p == '}')
			return event && p + 1 == end;
		if (*p != ',')
			return false;
	}
	return false;
}

/* [TIME ]EVENT key=value ... */
static bool
parse_text(const char *p, const char *end, struct auditline *l)
{
	const char *blank = memchr(p, ' ', (size_t)(end - p)), *eq;
	struct auditvalue v;

	if (blank != NULL && auditline_time(p, (size_t)(blank - p),
	    &l->time_s) == 0) {
		p = blank + 1;
		blank = memchr(p, ' ', (size_t)(end - p));
	}
	if (blank == NULL || !set_event(l, p, (size_t)(blank - p)))
		return false;
	for (p = blank; p < end;) {
		eq = memchr(p, '=', (size_t)(end - p));
		if (*p++ != ' ' || eq == NULL)
			return false;
		blank = eq + 1;
		if (!auditvalue_text(&blank, end, &v) ||
		    !set(l, p, (size_t)(eq - p), &v))
			return false;
		p = blank;
	}
	return true;
}

int
auditline_parse(const char *line, size_t len, struct auditline *ret,
    struct err *e)
{
	struct auditline l = { .time_s = -1, .ms = -1, .exit = -1, .in = -1,
		.out = -1 };
	const char *end = line + len;

	if (len == 0 || memchr(line, '\0', len) != NULL ||
	    !(*line == '{' ? parse_json(line, end, &l) :
	    parse_text(line, end, &l)))
		return err_set(e, ERR_CONFIG, "no line of an audit");
	*ret = l;
	return 0;
}

bool
auditline_fits(const struct auditline *l, const struct auditline_filter *f)
{
	if (f->since_s > 0 && l->time_s < f->since_s)
		return false;
	if (f->id != NULL && strcmp(f->id, l->id) != 0)
		return false;
	if (f->verb != NULL && strcmp(f->verb, l->verb) != 0)
		return false;
	if (f->repo != NULL && !gitid_like(f->repo, l->repo))
		return false;
	return !f->failed || l->event == GITAUDIT_REFUSED ||
	    (l->event == GITAUDIT_END && l->exit != 0);
}
