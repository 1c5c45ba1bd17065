/* SPDX-License-Identifier: ISC */
#include "gitwire.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

#define B64	"ABCDEFGHIJKLMNOPQRSTUVWXYZ" \
		"abcdefghijklmnopqrstuvwxyz0123456789+/"
#define ALNUM	"ABCDEFGHIJKLMNOPQRSTUVWXYZ" \
		"abcdefghijklmnopqrstuvwxyz0123456789"

static bool
id_ok(const char *s)
{
	return gitid_valid(s, strlen(s));
}

/* As getnameinfo() with NI_NUMERICHOST writes it. */
static bool
ip_ok(const char *s)
{
	const char *zone = strchr(s, '%');
	size_t n = zone != NULL ? (size_t)(zone - s) : strlen(s), z;
	char addr[GITWIRE_IP];
	struct in6_addr a;

	if (strcmp(s, "-") == 0)
		return true;
	memcpy(addr, s, n);
	addr[n] = '\0';
	if (zone == NULL && inet_pton(AF_INET, addr, &a) == 1)
		return true;
	if (inet_pton(AF_INET6, addr, &a) != 1)
		return false;
	if (zone == NULL)
		return true;
	z = strspn(zone + 1, ALNUM "._-");
	return z >= 1 && z <= 15 && zone[1 + z] == '\0';
}

static bool
fp_ok(const char *s)
{
	if (strcmp(s, "-") == 0)
		return true;
	return strncmp(s, "SHA256:", 7) == 0 && strspn(s + 7, B64) == 43 &&
	    s[7 + 43] == '\0';
}

static bool
sid_ok(const char *s)
{
	return strspn(s, "0123456789abcdef") == GITWIRE_SID - 1 &&
	    s[GITWIRE_SID - 1] == '\0';
}

static bool
proto_ok(const char *s)
{
	char again[GITPROTO_MAX];

	return *s != '\0' && gitproto_filter(s, again, NULL) == 0 &&
	    strcmp(again, s) == 0;
}

/* The fields in their order: where each is in struct gitwire. */
static const struct field {
	const char *name;		/* with its '=' */
	size_t at, size;
	bool maybe;			/* may be missing: then it is "" */
	bool (*ok)(const char *s);
} fields[] = {
	{ "id=", offsetof(struct gitwire, id), GITID_MAX + 1, false, id_ok },
	{ "ip=", offsetof(struct gitwire, ip), GITWIRE_IP, false, ip_ok },
	{ "fp=", offsetof(struct gitwire, fp), GITWIRE_FP, false, fp_ok },
	{ "sid=", offsetof(struct gitwire, sid), GITWIRE_SID, false, sid_ok },
	{ "gitproto=", offsetof(struct gitwire, gitproto), GITPROTO_MAX, true,
	    proto_ok },
};
#define NFIELDS	(sizeof(fields) / sizeof(fields[0]))

void
gitwire_client(struct gitwire *w, const char *ssh_connection)
{
	size_t n = ssh_connection != NULL ? strcspn(ssh_connection, " ") : 0;

	if (n > 0 && n < sizeof(w->ip)) {
		memcpy(w->ip, ssh_connection, n);
		w->ip[n] = '\0';
		if (ip_ok(w->ip))
			return;
	}
	memcpy(w->ip, "-", 2);
}

/* Whether len bytes can stand behind the "--". */
static bool
command_ok(const char *s, size_t len)
{
	size_t i;

	if (len == 0 || s[0] == ' ' || s[len - 1] == ' ')
		return false;
	for (i = 0; i < len; i++)
		if ((unsigned char)s[i] < 0x20 || (unsigned char)s[i] > 0x7e)
			return false;
	return true;
}

int
gitwire_emit(const struct gitwire *w, struct buf *out, struct err *e)
{
	const struct field *f;
	const char *value;
	struct buf line;
	size_t i;
	int rc = 0;

	buf_init(&line, GITWIRE_MAX);
	rc |= buf_adds(&line, "v1 ");
	for (i = 0; i < NFIELDS; i++) {
		f = &fields[i];
		value = (const char *)w + f->at;
		if (f->maybe && *value == '\0')
			continue;
		if (strnlen(value, f->size) == f->size || !f->ok(value)) {
			err_set(e, ERR_CONFIG, "%.*s is not as it goes over "
			    "the wire", (int)strlen(f->name) - 1, f->name);
			goto bad;
		}
		rc |= buf_addf(&line, "%s%s ", f->name, value);
	}
	if (!command_ok(w->command, w->command_len)) {
		err_set(e, ERR_CONFIG, "the command is not as it goes over "
		    "the wire");
		goto bad;
	}
	rc |= buf_adds(&line, "-- ");
	rc |= buf_add(&line, w->command, w->command_len);
	if (rc == 0)
		rc = buf_add(out, line.data, line.len);
	if (rc != 0)
		err_set(e, ERR_MEM, "a command that is too long for the wire, "
		    "or out of memory");
	buf_clear(&line);
	return rc;
bad:
	buf_clear(&line);
	return -1;
}

/* Takes word and what is behind it off *p, if that is next. */
static bool
eat(const char **p, const char *end, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(end - *p) < n || memcmp(*p, word, n) != 0)
		return false;
	*p += n;
	return true;
}

/* The field at *p, up to its space, which is taken off too. */
static int
take(const struct field *f, const char **p, const char *end,
    struct gitwire *w, struct err *e)
{
	char *value = (char *)w + f->at;
	const char *space;
	size_t n;

	if (!eat(p, end, f->name)) {
		if (f->maybe)
			return 0;
		return err_set(e, ERR_PEER, "the gateway's line has no %.*s "
		    "where it must stand", (int)strlen(f->name) - 1, f->name);
	}
	space = memchr(*p, ' ', (size_t)(end - *p));
	n = space != NULL ? (size_t)(space - *p) : 0;
	if (space == NULL || n >= f->size)
		return err_set(e, ERR_PEER, "%.*s in the gateway's line is "
		    "cut, or too long", (int)strlen(f->name) - 1, f->name);
	memcpy(value, *p, n);
	value[n] = '\0';
	if (!f->ok(value))
		return err_set(e, ERR_PEER, "%.*s in the gateway's line is "
		    "none", (int)strlen(f->name) - 1, f->name);
	*p = space + 1;
	return 0;
}

int
gitwire_parse(const char *line, size_t len, struct gitwire *ret,
    struct err *e)
{
	const char *p = line, *end = line + len;
	struct gitwire w = { 0 };
	size_t i;

	if (len > GITWIRE_MAX)
		return err_set(e, ERR_PEER, "the gateway's line is longer "
		    "than %d bytes", GITWIRE_MAX);
	for (i = 0; i < len; i++)
		if ((unsigned char)p[i] < 0x20 || (unsigned char)p[i] > 0x7e)
			return err_set(e, ERR_PEER, "a byte in the gateway's "
			    "line is not printable (0x%02x)",
			    (unsigned char)p[i]);
	if (!eat(&p, end, "v1 "))
		return err_set(e, ERR_PEER, "this is no line of a gateway, or "
		    "one of another version: it does not begin with v1");
	for (i = 0; i < NFIELDS; i++)
		if (take(&fields[i], &p, end, &w, e) == -1)
			return -1;
	if (!eat(&p, end, "-- "))
		return err_set(e, ERR_PEER, "the gateway's line has something "
		    "else where its -- must stand");
	w.command = p;
	w.command_len = (size_t)(end - p);
	if (!command_ok(w.command, w.command_len))
		return err_set(e, ERR_PEER, "the gateway's line has no "
		    "command");
	*ret = w;
	return 0;
}
