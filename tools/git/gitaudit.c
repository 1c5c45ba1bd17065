/* SPDX-License-Identifier: ISC */
#include "gitaudit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "base/esc.h"

#define VALUE_MAX 300		/* bytes of one value, before it is escaped */

static const char *const events[] = { "begin", "end", "refused" };

static bool
known(const char *s)
{
	return s != NULL && *s != '\0' && strcmp(s, "-") != 0;
}

/* One key and its value. quoted: of text, where any byte may come. */
static int
add(struct buf *out, bool json, const char *key, const char *value,
    bool quoted)
{
	size_t n = known(value) ? strnlen(value, VALUE_MAX + 1) : 0;
	const char *cut = n > VALUE_MAX ? "..." : "";

	if (n > VALUE_MAX)
		n = VALUE_MAX - 3;
	if (json) {
		if (buf_addf(out, ",\"%s\":", key) == -1)
			return -1;
		if (n == 0)
			return buf_adds(out, "null");
		if (buf_addc(out, '"') == -1 ||
		    esc_json(out, value, n) == -1)
			return -1;
		return buf_addf(out, "%s\"", cut);
	}
	if (buf_addf(out, " %s=", key) == -1)
		return -1;
	if (n == 0)
		return buf_addc(out, '-');
	if (!quoted)
		return esc_text(out, value, n) == -1 ? -1 :
		    buf_adds(out, cut);
	/* As in JSON: so a quote inside ends nothing. */
	if (buf_addc(out, '"') == -1 || esc_json(out, value, n) == -1)
		return -1;
	return buf_addf(out, "%s\"", cut);
}

static int
add_num(struct buf *out, bool json, const char *key, int64_t n)
{
	return buf_addf(out, json ? ",\"%s\":%lld" : " %s=%lld", key,
	    (long long)n);
}

/* The event, the time before it. */
static int
add_head(struct buf *out, bool json, enum gitaudit_event event, time_t now)
{
	char when[32] = "";
	struct tm tm;

	if (now != 0 && gmtime_r(&now, &tm) != NULL)
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (!json)
		return buf_addf(out, "%s%s%s", when,
		    *when != '\0' ? " " : "", events[event]);
	if (buf_addf(out, "{\"event\":\"%s\"", events[event]) == -1)
		return -1;
	return *when != '\0' ? add(out, true, "time", when, true) : 0;
}

static int
add_rest(struct buf *out, bool json, const struct gitaudit *a)
{
	if (a->event != GITAUDIT_REFUSED &&
	    (add(out, json, "verb", a->verb, false) == -1 ||
	    add(out, json, "repo", a->repo, true) == -1))
		return -1;
	if (a->event == GITAUDIT_END &&
	    (add_num(out, json, "ms", (int64_t)a->ms) == -1 ||
	    add_num(out, json, "exit", a->exit) == -1))
		return -1;
	if (a->event == GITAUDIT_END && a->counted &&
	    (add_num(out, json, "in", a->in) == -1 ||
	    add_num(out, json, "out", a->out) == -1))
		return -1;
	if (known(a->via) && add(out, json, "via", a->via, true) == -1)
		return -1;
	if (known(a->why) && add(out, json, "why", a->why, true) == -1)
		return -1;
	return json ? buf_addc(out, '}') : 0;
}

int
gitaudit_emit(const struct gitaudit *a, bool json, time_t now,
    struct buf *out)
{
	size_t len = out->len;

	if (add_head(out, json, a->event, now) == 0 &&
	    add(out, json, "sid", a->sid, false) == 0 &&
	    add(out, json, "id", a->id, false) == 0 &&
	    add(out, json, "ip", a->ip, false) == 0 &&
	    add(out, json, "fp", a->fp, false) == 0 &&
	    add_rest(out, json, a) == 0)
		return 0;
	if (out->data != NULL && out->cap > 0) {
		out->len = len;
		out->data[len] = '\0';
	}
	return -1;
}

/* Whether the file ends amid a line: the disk was full. */
static bool
cut(const char *path)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY |
	    O_NONBLOCK);
	struct stat st;
	char last = '\n';

	if (fd == -1)
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
		(void)!pread(fd, &last, 1, st.st_size - 1);
	close(fd);
	return last != '\n';
}

/* One write: lines of sessions that end at once don't mix. */
static int
to_file(const char *path, struct buf *line, struct err *e)
{
	ssize_t n;
	int fd;

	if (buf_addc(line, '\n') == -1)
		return err_set(e, ERR_MEM, "out of memory");
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC |
	    O_NOCTTY | O_NONBLOCK, 0640);
	if (fd == -1)
		return err_sys(e, "%s", path);
	n = write(fd, line->data, line->len);
	if (n >= 0 && (size_t)n != line->len) {
		errno = ENOSPC;
		n = -1;
	}
	if (n == -1)
		err_sys(e, "%s", path);
	close(fd);
	return n == -1 ? -1 : 0;
}

int
gitaudit_write(const struct gitconf_side *s, const struct gitaudit *a,
    struct err *e)
{
	int priority = a->event == GITAUDIT_REFUSED ? LOG_WARNING : LOG_INFO;
	bool json = s->audit_json != 0;
	struct err why = ERR_INIT;
	struct buf line;
	int rc = 0;

	buf_init(&line, GITAUDIT_LINE);
	if (s->audit_syslog != 0) {
		if (gitaudit_emit(a, json, 0, &line) == -1) {
			rc = err_set(e, ERR_MEM, "out of memory");
			goto out;
		}
		syslog(LOG_AUTHPRIV | priority, "%s", line.data);
		buf_clear(&line);
	}
	if (s->audit_file != NULL) {
		if ((cut(s->audit_file) && buf_addc(&line, '\n') == -1) ||
		    gitaudit_emit(a, json, time(NULL), &line) == -1) {
			rc = err_set(e, ERR_MEM, "out of memory");
			goto out;
		}
		rc = to_file(s->audit_file, &line, &why);
		if (rc == -1)
			syslog(LOG_AUTHPRIV | LOG_ERR, "%s", why.msg);
		if (rc == -1 && e != NULL)
			*e = why;
	}
out:
	buf_clear(&line);
	return rc;
}
