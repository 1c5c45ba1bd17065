/* SPDX-License-Identifier: ISC */
#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char cut_mark[] = "...";

/* Marks msg as cut when want bytes did not fit. */
static void
mark_cut(char *msg, int want)
{
	if (want >= ERR_MSG_MAX)
		memcpy(msg + ERR_MSG_MAX - sizeof(cut_mark), cut_mark,
		    sizeof(cut_mark));
}

int
err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	if (e == NULL)
		return -1;
	e->code = code;
	e->sys_errno = 0;
	va_start(ap, fmt);
	mark_cut(e->msg, vsnprintf(e->msg, sizeof(e->msg), fmt, ap));
	va_end(ap);
	errno = saved;
	return -1;
}

int
err_sys(struct err *e, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;
	int n, m;

	if (e == NULL)
		return -1;
	e->code = ERR_SYS;
	e->sys_errno = saved;
	va_start(ap, fmt);
	n = vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	if (n >= 0 && n < ERR_MSG_MAX) {
		m = snprintf(e->msg + n, sizeof(e->msg) - (size_t)n, ": %s",
		    strerror(saved));
		n += m > 0 ? m : 0;
	}
	mark_cut(e->msg, n);
	errno = saved;
	return -1;
}

int
err_wrap(struct err *e, const char *fmt, ...)
{
	int saved = errno;
	char old[ERR_MSG_MAX];
	va_list ap;
	int n, m;

	if (e == NULL)
		return -1;
	memcpy(old, e->msg, sizeof(old));
	va_start(ap, fmt);
	n = vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	if (n >= 0 && n < ERR_MSG_MAX) {
		m = snprintf(e->msg + n, sizeof(e->msg) - (size_t)n, ": %s",
		    old);
		n += m > 0 ? m : 0;
	}
	mark_cut(e->msg, n);
	errno = saved;
	return -1;
}

int
err_exit(enum err_code code)
{
	switch (code) {
	case ERR_NONE:
		return 0;
	case ERR_USAGE:
		return 64;
	case ERR_TIMEOUT:
	case ERR_BUSY:
		return 75;
	default:
		return 1;
	}
}
