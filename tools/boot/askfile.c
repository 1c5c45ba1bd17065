/* SPDX-License-Identifier: ISC */
#include "askfile.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "base/num.h"

#define LINE_BYTES 2048
#define ABOUT_DISK "cryptsetup:"

static int
bad(struct err *e, const char *key)
{
	return err_set(e, ERR_PEER, "question: its %s is none, or too long",
	    key);
}

static int
set_pid(struct askfile *a, const char *v, struct err *e)
{
	uint64_t n;

	if (num_u64(v, "PID", 2, INT_MAX, &n, NULL) == -1)
		return bad(e, "PID");
	a->pid = (pid_t)n;
	return 0;
}

static int
set_socket(struct askfile *a, const char *v, struct err *e)
{
	size_t n = strlen(v);

	if (v[0] != '/' || n >= sizeof(a->socket))
		return bad(e, "Socket");
	memcpy(a->socket, v, n + 1);
	return 0;
}

/* The byte that an escape of systemd's cescape() is, at *p behind its '\\', and
 * *p behind it; 0: none. */
static char
unescape(const char **p)
{
	static const char letters[] = "abfnrtv\\\"'", bytes[] =
	    "\a\b\f\n\r\t\v\\\"'";
	const char *s = *p, *at;

	if (*s == '\0')
		return 0;
	at = strchr(letters, *s);
	if (at != NULL) {
		*p += 1;
		return bytes[at - letters];
	}
	/* Three octal digits of a byte. */
	if (s[0] < '0' || s[0] > '3' || s[1] < '0' || s[1] > '7' ||
	    s[2] < '0' || s[2] > '7')
		return 0;
	*p += 3;
	return (char)((s[0] - '0') << 6 | (s[1] - '0') << 3 | (s[2] - '0'));
}

static int
set_id(struct askfile *a, const char *v, struct err *e)
{
	char id[sizeof(a->id)];
	size_t n = 0;

	while (*v != '\0') {
		/* A part of an id would be another disk's. */
		if (n + 1 >= sizeof(id))
			return bad(e, "Id");
		id[n] = *v++;
		if (id[n] == '\\' && (id[n] = unescape(&v)) == '\0')
			return bad(e, "Id");
		n++;
	}
	id[n] = '\0';
	memcpy(a->id, id, n + 1);
	return 0;
}

static int
set_message(struct askfile *a, const char *v, struct err *e)
{
	size_t n = strnlen(v, sizeof(a->message) - 1);

	(void)e;
	memcpy(a->message, v, n);
	a->message[n] = '\0';
	return 0;
}

static int
set_not_after(struct askfile *a, const char *v, struct err *e)
{
	if (num_u64(v, "NotAfter", 0, UINT64_MAX, &a->not_after_us,
	    NULL) == -1)
		return bad(e, "NotAfter");
	return 0;
}

static int
set_cached(struct askfile *a, const char *v, struct err *e)
{
	if (strcmp(v, "0") != 0 && strcmp(v, "1") != 0)
		return bad(e, "AcceptCached");
	a->accept_cached = v[0] == '1';
	return 0;
}

static const struct {
	const char *key;
	int (*set)(struct askfile *a, const char *v, struct err *e);
} keys[] = {
	{ "PID", set_pid },
	{ "Socket", set_socket },
	{ "Id", set_id },
	{ "Message", set_message },
	{ "NotAfter", set_not_after },
	{ "AcceptCached", set_cached },
};

/* One line, without its newline; *in is whether [Ask] is the section. */
static int
take(struct askfile *a, const char *line, bool *in, bool *seen, struct err *e)
{
	const char *eq;
	size_t i;

	if (line[0] == '[') {
		*in = strcmp(line, "[Ask]") == 0;
		*seen = *seen || *in;
		return 0;
	}
	eq = strchr(line, '=');
	if (!*in || eq == NULL)
		return 0;
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strlen(keys[i].key) == (size_t)(eq - line) &&
		    memcmp(keys[i].key, line, (size_t)(eq - line)) == 0)
			return keys[i].set(a, eq + 1, e);
	return 0;
}

int
askfile_parse(const char *text, size_t len, struct askfile *ret, struct err *e)
{
	struct askfile a = { .accept_cached = false };
	bool in = false, seen = false;
	char line[LINE_BYTES];
	const char *nl;
	size_t n;

	if (memchr(text, '\0', len) != NULL)
		return err_set(e, ERR_PEER, "question: has a NUL");
	while (len > 0) {
		nl = memchr(text, '\n', len);
		n = nl != NULL ? (size_t)(nl - text) : len;
		if (n >= sizeof(line))
			return err_set(e, ERR_PEER, "question: a line of more "
			    "than %zu bytes", sizeof(line) - 1);
		memcpy(line, text, n);
		line[n] = '\0';
		if (take(&a, line, &in, &seen, e) == -1)
			return -1;
		n += nl != NULL;
		text += n;
		len -= n;
	}
	if (!seen)
		return err_set(e, ERR_PEER, "question: no [Ask]");
	if (a.pid == 0 || a.socket[0] == '\0')
		return err_set(e, ERR_PEER, "question: no %s",
		    a.pid == 0 ? "PID" : "Socket");
	*ret = a;
	return 0;
}

const char *
askfile_device(const struct askfile *a)
{
	const size_t n = strlen(ABOUT_DISK);

	if (strncmp(a->id, ABOUT_DISK, n) != 0 || a->id[n] != '/')
		return NULL;
	return a->id + n;
}
