/* SPDX-License-Identifier: ISC */
#include "auditline.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/esc.h"
#include "ui/emit.h"

/* What each 'd' of it stands for are digits. */
static const char mask[] = "dddd-dd-ddTdd:dd:ddZ";

int
auditline_time(const char *s, size_t len, int64_t *ret_s)
{
	int v[6] = { 0 }, *at = v;
	struct tm tm;
	time_t t;
	size_t i;

	if (len != 10 && len != 16 && len != 17 && len != 19 && len != 20)
		return -1;
	for (i = 0; i < len; i++) {
		/* Minutes alone may have a Z, too. */
		if (len == 17 && i == 16 && s[i] == 'Z')
			break;
		if (mask[i] != 'd') {
			if (s[i] != mask[i])
				return -1;
			at++;
			continue;
		}
		if (s[i] < '0' || s[i] > '9')
			return -1;
		*at = *at * 10 + (s[i] - '0');
	}
	tm = (struct tm){ .tm_year = v[0] - 1900, .tm_mon = v[1] - 1,
		.tm_mday = v[2], .tm_hour = v[3], .tm_min = v[4],
		.tm_sec = v[5] };
	t = timegm(&tm);
	/* A month 13 would be the next year's. */
	if (v[0] < 1970 || tm.tm_year != v[0] - 1900 ||
	    tm.tm_mon != v[1] - 1 || tm.tm_mday != v[2] ||
	    tm.tm_hour != v[3] || tm.tm_min != v[4] || tm.tm_sec != v[5])
		return -1;
	*ret_s = (int64_t)t;
	return 0;
}

static void
when(const struct auditline *l, char ret[32])
{
	time_t t = (time_t)l->time_s;
	struct tm tm;

	ret[0] = '-';
	ret[1] = '\0';
	if (l->time_s >= 0 && gmtime_r(&t, &tm) != NULL)
		strftime(ret, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static int
add(struct buf *out, const char *before, const char *s)
{
	if (buf_adds(out, before) == -1)
		return -1;
	return *s != '\0' ? esc_text(out, s, strlen(s)) : buf_addc(out, '-');
}

/* Parts of it were escaped where they came from. */
static int
add_why(struct buf *out, const char *before, const char *why)
{
	return buf_adds(out, before) == -1 ? -1 :
	    esc_again(out, why, strlen(why));
}

static int
add_end(const struct auditline *l, struct buf *out)
{
	if (buf_addf(out, ": exit %" PRId64, l->exit) == -1)
		return -1;
	if (l->ms >= 0 && buf_addf(out, ", %" PRId64 ".%03d s", l->ms / 1000,
	    (int)(l->ms % 1000)) == -1)
		return -1;
	if (l->in >= 0 && buf_addf(out, ", %" PRId64 " bytes in", l->in) ==
	    -1)
		return -1;
	if (l->out >= 0 && buf_addf(out, ", %" PRId64 " bytes out",
	    l->out) == -1)
		return -1;
	return 0;
}

int
auditline_text(const struct auditline *l, struct buf *out)
{
	char time[32];
	int rc;

	when(l, time);
	rc = buf_adds(out, time);
	if (rc == 0)
		rc = add(out, " ", l->id);
	if (rc == 0)
		rc = add(out, " ", l->ip);
	if (rc == 0 && l->event != GITAUDIT_REFUSED) {
		rc = add(out, " ", l->verb);
		if (rc == 0)
			rc = add(out, " ", l->repo);
	}
	if (rc == 0 && l->event == GITAUDIT_END)
		rc = add_end(l, out);
	else if (rc == 0 && l->event == GITAUDIT_BEGIN)
		rc = buf_adds(out, ": begun, no end");
	if (rc == 0 && *l->via != '\0')
		rc = add(out, ", by ", l->via);
	if (rc == 0 && l->event == GITAUDIT_REFUSED)
		rc = add_why(out, " refused: ", l->why);
	else if (rc == 0 && *l->why != '\0')
		rc = add_why(out, ": ", l->why);
	if (rc == 0)
		rc = add(out, " (", l->sid);
	return rc == 0 ? buf_addc(out, ')') : rc;
}

static void
str(struct emit *j, const char *key, const char *s)
{
	emit_str(j, key, *s != '\0' ? s : NULL);
}

static void
num(struct emit *j, const char *key, int64_t n)
{
	if (n >= 0)
		emit_num(j, key, n);
}

int
auditline_json(const struct auditline *l)
{
	static const char *const names[] = { "begin", "end", "refused" };
	char time[32];
	struct emit j;

	when(l, time);
	emit_begin(&j);
	emit_str(&j, "event", names[l->event]);
	emit_str(&j, "time", l->time_s >= 0 ? time : NULL);
	str(&j, "sid", l->sid);
	str(&j, "id", l->id);
	str(&j, "ip", l->ip);
	str(&j, "fp", l->fp);
	if (l->event != GITAUDIT_REFUSED) {
		str(&j, "verb", l->verb);
		str(&j, "repo", l->repo);
	}
	num(&j, "ms", l->ms);
	num(&j, "exit", l->exit);
	num(&j, "in", l->in);
	num(&j, "out", l->out);
	if (*l->via != '\0')
		str(&j, "via", l->via);
	if (*l->why != '\0')
		str(&j, "why", l->why);
	return emit_end(&j, stdout);
}
