/* SPDX-License-Identifier: ISC */
#include "serverkeys.h"

#include <string.h>
#include <strings.h>

#include "ssh/authkeys.h"

/* Not "restrict,pty": dropbear doesn't know the second. */
#define SHELL "no-port-forwarding,no-agent-forwarding,no-X11-forwarding"
#define NO_PTY ",no-pty"	/* both know it */

/* PTY, NOPTY: dropped, but for a shell, where the last of them counts. */
enum kind { DROP, KEEP, REFUSE, PTY, NOPTY };

/* What a line's own options mean here. Anything else limits the key in a way
 * of its own, and must stay with it. */
static const struct {
	const char *name;
	enum kind kind;
	const char *why;
} options[] = {
	{ "command", REFUSE, "it is for another command" },
	{ "cert-authority", REFUSE, "it is an authority's" },
	{ "principals", REFUSE, "it is an authority's" },
	/* What ours has in any case, or takes away. */
	{ "restrict", NOPTY, NULL },
	{ "no-pty", NOPTY, NULL },
	{ "no-port-forwarding", DROP, NULL },
	{ "no-agent-forwarding", DROP, NULL },
	{ "no-X11-forwarding", DROP, NULL },
	{ "no-user-rc", DROP, NULL },
	{ "pty", PTY, NULL },
	{ "port-forwarding", DROP, NULL },
	{ "agent-forwarding", DROP, NULL },
	{ "X11-forwarding", DROP, NULL },
	{ "user-rc", DROP, NULL },
	{ "environment", DROP, NULL },
	{ "permitopen", DROP, NULL },
	{ "permitlisten", DROP, NULL },
	{ "tunnel", DROP, NULL },
};

/* Types of key that no sshd takes by such a line, by how they end. */
static const struct { const char *end, *why; } types[] = {
	{ "-cert-v01@openssh.com", "it is a certificate, and no key" },
	{ "ssh-dss", "it is a DSA key" },
};

/* Why a key of that type can't be used, or NULL. */
static const char *
bad_type(const struct authkeys_part *type)
{
	size_t i, n;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		n = strlen(types[i].end);
		if (type->len >= n && memcmp(type->p + type->len - n,
		    types[i].end, n) == 0)
			return types[i].why;
	}
	return NULL;
}

/* The option of n bytes at p up to its comma; quotes hold commas. */
static size_t
option(const char *p, size_t n)
{
	bool quoted = false;
	size_t i;

	for (i = 0; i < n && (quoted || p[i] != ','); i++) {
		if (p[i] == '"' && (i == 0 || p[i - 1] != '\\'))
			quoted = !quoted;
	}
	return i;
}

static enum kind
kind_of(const char *p, size_t n, const char **ret_why)
{
	size_t i, name = 0;

	while (name < n && p[name] != '=')
		name++;
	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (strlen(options[i].name) == name &&
		    strncasecmp(options[i].name, p, name) == 0) {
			*ret_why = options[i].why;
			return options[i].kind;
		}
	}
	return KEEP;
}

/* The options of a line of ours. 1: the key can't be used, *ret_why says
 * why; 0; -1 ERR_MEM. */
static int
begin(const struct serverkeys *s, const struct authkeys_part *o,
    struct buf *out, const char **ret_why, struct err *e)
{
	bool no_pty = false;
	enum kind kind;
	size_t i, n;

	if (s->shell ? buf_adds(out, SHELL) == -1 :
	    authkeys_command(SERVERKEYS_AGENT, out, e) == -1)
		return err_set(e, ERR_MEM, "out of memory");
	for (i = 0; i < o->len; i += n + 1) {
		n = option(o->p + i, o->len - i);
		kind = kind_of(o->p + i, n, ret_why);
		switch (kind) {
		case DROP:
			continue;
		case PTY:
		case NOPTY:
			no_pty = kind == NOPTY;
			continue;
		case REFUSE:
			return 1;
		case KEEP:
			break;
		}
		if (s->dropbear) {
			*ret_why = "dropbear doesn't know all of its options";
			return 1;
		}
		if (buf_addc(out, ',') == -1 ||
		    buf_add(out, o->p + i, n) == -1)
			return err_set(e, ERR_MEM, "out of memory");
	}
	if (s->shell && no_pty && buf_adds(out, NO_PTY) == -1)
		return err_set(e, ERR_MEM, "out of memory");
	return 0;
}

static int
note(const struct serverkeys *s, unsigned line, const char *why,
    struct strv *notes, struct err *e)
{
	if (strv_addf(notes, "%s:%u: the key is left out: %s", s->name, line,
	    why) == -1)
		return err_set(e, ERR_MEM, "out of memory");
	return 0;
}

static int
add(const struct serverkeys *s, const struct authkeys_line *k, unsigned line,
    struct buf *out, struct strv *notes, size_t *n, struct err *e)
{
	struct authkeys_line same;
	const char *why = bad_type(&k->type);
	struct buf b;
	int rc = -1, bad;

	if (why != NULL)
		return note(s, line, why, notes, e);
	if (authkeys_find(out->data, out->len, k, &same))
		return note(s, line, "it is here already", notes, e);
	buf_init(&b, AUTHKEYS_LINE_MAX * 2);
	bad = begin(s, &k->options, &b, &why, e);
	if (bad == -1)
		goto out;
	if (bad == 1) {
		rc = note(s, line, why, notes, e);
		goto out;
	}
	if (buf_addc(&b, ' ') == -1 ||
	    buf_add(&b, k->type.p, k->type.len) == -1 ||
	    buf_addc(&b, ' ') == -1 ||
	    buf_add(&b, k->key.p, k->key.len) == -1 ||
	    (k->comment.len > 0 && (buf_addc(&b, ' ') == -1 ||
	    buf_add(&b, k->comment.p, k->comment.len) == -1)) ||
	    buf_addc(&b, '\n') == -1 ||
	    buf_add(out, b.data, b.len) == -1) {
		err_set(e, ERR_MEM, "%s:%u: too much", s->name, line);
		goto out;
	}
	++*n;
	rc = 0;
out:
	buf_clear(&b);
	return rc;
}

int
serverkeys_add(const struct serverkeys *s, const char *text, size_t len,
    struct buf *out, struct strv *notes, size_t *ret_n, struct err *e)
{
	const char *p = text, *end = text + len, *nl;
	struct authkeys_line k;
	struct err why = ERR_INIT;
	unsigned line = 0;
	size_t n, got = 0;

	for (; p < end; p += n + 1) {
		nl = memchr(p, '\n', (size_t)(end - p));
		n = nl != NULL ? (size_t)(nl - p) : (size_t)(end - p);
		line++;
		if (strspn(p, " \t\r") >= n || p[strspn(p, " \t")] == '#')
			continue;
		if (authkeys_parse(p, n, &k, &why) == -1) {
			if (note(s, line, why.msg, notes, e) == -1)
				return -1;
			continue;
		}
		if (add(s, &k, line, out, notes, &got, e) == -1)
			return -1;
	}
	*ret_n = got;
	return 0;
}
