/* SPDX-License-Identifier: ISC */
#include "ui/log.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/esc.h"

/* pipe(7): a write of up to PIPE_BUF bytes is never mixed with another. */
#define LINE_MAX_BYTES PIPE_BUF
#define KEPT_MAX 65536

static struct {
	char name[64];
	enum log_level level;
	bool colour, escaped, hold;
	struct buf kept;
	void (*before)(void *arg);
	void (*after)(void *arg);
	void *arg;
} log_state = { .name = "postern", .level = LOG_LVL_INFO };

void
log_open(const char *name, enum log_level level)
{
	const char *no = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	snprintf(log_state.name, sizeof(log_state.name), "%s", name);
	log_state.level = level;
	log_state.colour = isatty(STDERR_FILENO) &&
	    (no == NULL || *no == '\0') && term != NULL &&
	    strcmp(term, "dumb") != 0;
}

void
log_escaped(void)
{
	log_state.escaped = true;
}

void
log_hook(void (*before)(void *arg), void (*after)(void *arg), void *arg)
{
	log_state.before = before;
	log_state.after = after;
	log_state.arg = arg;
}

static void
write_line(const char *data, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(STDERR_FILENO, data, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return;		/* nobody left to tell */
		data += n;
		len -= (size_t)n;
	}
}

void
log_hold(bool on)
{
	const char *p, *nl;

	if (on && !log_state.hold)
		buf_init(&log_state.kept, KEPT_MAX);
	if (on || !log_state.hold) {
		log_state.hold = on;
		return;
	}
	log_state.hold = false;
	if (log_state.kept.len > 0 && log_state.before != NULL)
		log_state.before(log_state.arg);
	for (p = log_state.kept.data; (nl = strchr(p, '\n')) != NULL;
	    p = nl + 1)
		write_line(p, (size_t)(nl + 1 - p));
	if (log_state.kept.len > 0 && log_state.after != NULL)
		log_state.after(log_state.arg);
	buf_clear(&log_state.kept);
}

/* Cut b to max bytes, between two characters, and say so. */
static void
cut(struct buf *b, size_t max)
{
	size_t n = max - 3;

	if (b->len <= max)
		return;
	while (n > 0 && ((unsigned char)b->data[n] & 0xc0) == 0x80)
		n--;
	b->len = n;
	b->data[n] = '\0';
	(void)buf_adds(b, "...");
}

static void __attribute__((format(printf, 2, 0)))
line(enum log_level level, const char *fmt, va_list ap)
{
	static const char *const colours[] = { "\033[31m", "\033[33m", "",
		"\033[2m" };
	const char *on = log_state.colour ? colours[level] : "";
	const char *off = *on != '\0' ? "\033[0m\n" : "\n";
	char text[LINE_MAX_BYTES];
	int saved = errno;
	struct buf b;

	if (level > log_state.level)
		return;
	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		text[0] = '\0';
	buf_init(&b, sizeof(text) * 4 + 256);
	if (buf_addf(&b, "%s%s: ", on, log_state.name) == -1 ||
	    (log_state.escaped ? esc_again : esc_text)(&b, text,
	    strlen(text)) == -1) {
		buf_clear(&b);
		(void)buf_adds(&b, "out of memory for a message");
		off = "\n";
	}
	cut(&b, LINE_MAX_BYTES - strlen(off));
	(void)buf_adds(&b, off);
	if (log_state.hold) {
		(void)buf_add(&log_state.kept, b.data, b.len);
	} else {
		if (log_state.before != NULL)
			log_state.before(log_state.arg);
		write_line(b.data, b.len);
		if (log_state.after != NULL)
			log_state.after(log_state.arg);
	}
	buf_clear(&b);
	errno = saved;
}

void
log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line(LOG_LVL_ERROR, fmt, ap);
	va_end(ap);
}

void
log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line(LOG_LVL_WARN, fmt, ap);
	va_end(ap);
}

void
log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line(LOG_LVL_INFO, fmt, ap);
	va_end(ap);
}

void
log_debug(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line(LOG_LVL_DEBUG, fmt, ap);
	va_end(ap);
}

int
log_err(const struct err *e)
{
	log_error("%s", e->msg);
	return err_exit(e->code);
}
