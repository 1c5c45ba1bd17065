/* SPDX-License-Identifier: ISC */
#include "handshake.h"

#include <string.h>

#include "gate.h"
#include "rootargs.h"

#define MODULE ROOTARGS_MODULE
#define GREETING "@RSYNCD: "
#define PROTOCOL_MIN 30

enum stage { AT_GREETING, AT_MODULE, AT_ARGS, AT_END };

void
handshake_init(struct handshake *h, const struct strv *paths,
    const char *list)
{
	buf_init(&h->held, HANDSHAKE_MAX);
	h->paths = paths;
	h->list = list;
	h->stage = AT_GREETING;
}

void
handshake_clear(struct handshake *h)
{
	buf_clear(&h->held);
}

bool
handshake_over(const struct handshake *h)
{
	return h->stage == AT_END;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "31.0 sha512 md5": byte by byte, since rsync reads it with scanf(3). */
static bool
greeting_ok(const char *s, size_t len)
{
	size_t head = sizeof(GREETING) - 1, i;

	if (len < head + 4 || memcmp(s, GREETING, head) != 0)
		return false;
	s += head;
	len -= head;
	if (!is_digit(s[0]) || !is_digit(s[1]) ||
	    (s[0] - '0') * 10 + s[1] - '0' < PROTOCOL_MIN ||
	    s[2] != '.' || s[3] != '0' || (len > 4 && s[4] != ' '))
		return false;
	for (i = 4; i < len; i++)
		if (!is_digit(s[i]) && !(s[i] >= 'a' && s[i] <= 'z') &&
		    strchr(" -_", s[i]) == NULL)
			return false;
	/* strchr() finds the NUL as well. */
	return memchr(s, '\0', len) == NULL;
}

/* held: each with its NUL, the empty one at the end among them. */
static int
check_args(struct handshake *h, struct err *e)
{
	struct strv argv = { .max = HANDSHAKE_MAX }, paths = { 0 };
	const char *s;
	int rc;

	rc = strv_add(&argv, "rsync") | strv_add(&paths, MODULE "/");
	if (h->paths != NULL && h->paths->n > 0)
		rc |= strv_addv(&paths, h->paths->v);
	for (s = h->held.data; rc == 0 && *s != '\0'; s += strlen(s) + 1)
		rc = strv_add(&argv, s);
	rc = rc != 0 ? err_set(e, ERR_MEM, "out of memory") :
	    gate_check(&argv, &paths, h->list != NULL, e);
	h->in_place = strv_has(&argv, "--inplace");
	strv_clear(&argv);
	strv_clear(&paths);
	return rc;
}

/* Whether with c, the last of held, something is whole. */
static bool
is_whole(const struct handshake *h, char c)
{
	size_t n = h->held.len;

	if (h->stage != AT_ARGS)
		return c == '\n';
	return c == '\0' && (n == 1 || h->held.data[n - 2] == '\0');
}

static int
check(struct handshake *h, struct err *e)
{
	const char *s = h->held.data;
	size_t len = h->held.len - 1;

	switch (h->stage) {
	case AT_GREETING:
		if (greeting_ok(s, len))
			return 0;
		return err_set(e, ERR_REFUSED, "refused: what begins is no "
		    "rsync of protocol %d or later", PROTOCOL_MIN);
	case AT_MODULE:
		if (len == strlen(MODULE) && memcmp(s, MODULE, len) == 0)
			return 0;
		return err_set(e, ERR_REFUSED, "refused: there is one module, "
		    "'" MODULE "', and another is asked for");
	default:
		return check_args(h, e);
	}
}

/* Behind "--server" and "--sender", which check() has seen. */
static int
pass_listed(const struct handshake *h, struct buf *pass)
{
	static const char head[] = "--server\0--sender";
	const size_t n = sizeof(head);

	return buf_add(pass, h->held.data, n) |
	    buf_addf(pass, "--files-from=%s", h->list) |
	    buf_add(pass, "\0--from0", sizeof("\0--from0")) |
	    buf_add(pass, h->held.data + n, h->held.len - n);
}

int
handshake_feed(struct handshake *h, const char *data, size_t len,
    struct buf *pass, struct err *e)
{
	for (; len > 0 && h->stage != AT_END; data++, len--) {
		if (buf_addc(&h->held, *data) == -1)
			return h->held.len < HANDSHAKE_MAX ?
			    err_set(e, ERR_MEM, "out of memory") :
			    err_set(e, ERR_REFUSED, "refused: more than %d "
			    "bytes before the transfer", HANDSHAKE_MAX);
		if (!is_whole(h, *data))
			continue;
		if (check(h, e) == -1)
			return -1;
		if ((h->stage == AT_ARGS && h->list != NULL ?
		    pass_listed(h, pass) :
		    buf_add(pass, h->held.data, h->held.len)) != 0)
			return err_set(e, ERR_MEM, "out of memory");
		buf_clear(&h->held);
		h->stage++;
	}
	if (buf_add(pass, data, len) == -1)
		return err_set(e, ERR_MEM, "out of memory");
	return 0;
}
