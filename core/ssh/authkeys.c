/* SPDX-License-Identifier: ISC */
#include "ssh/authkeys.h"

#include <string.h>

#define HEAD_MAX 64		/* bytes of a key that are looked at */

/* cert: an authority's word, not a key by itself. bytes: of the whole blob;
 * 0: it depends. */
static const struct type {
	const char *name;
	bool cert;
	size_t bytes;
} types[] = {
	{ "ssh-ed25519", false, 51 },
	{ "sk-ssh-ed25519@openssh.com", false, 0 },
	{ "ecdsa-sha2-nistp256", false, 104 },
	{ "ecdsa-sha2-nistp384", false, 136 },
	{ "ecdsa-sha2-nistp521", false, 172 },
	{ "sk-ecdsa-sha2-nistp256@openssh.com", false, 0 },
	{ "ssh-rsa", false, 0 },
	{ "ssh-dss", false, 0 },
	{ "ssh-ed25519-cert-v01@openssh.com", true, 0 },
	{ "sk-ssh-ed25519-cert-v01@openssh.com", true, 0 },
	{ "ecdsa-sha2-nistp256-cert-v01@openssh.com", true, 0 },
	{ "ecdsa-sha2-nistp384-cert-v01@openssh.com", true, 0 },
	{ "ecdsa-sha2-nistp521-cert-v01@openssh.com", true, 0 },
	{ "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", true, 0 },
	{ "ssh-rsa-cert-v01@openssh.com", true, 0 },
	{ "ssh-dss-cert-v01@openssh.com", true, 0 },
};

static const struct type *
type_of(const struct authkeys_part *w)
{
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strlen(types[i].name) == w->len &&
		    memcmp(types[i].name, w->p, w->len) == 0)
			return &types[i];
	return NULL;
}

static bool
blank(char c)
{
	return c == ' ' || c == '\t';
}

static const char *
skip(const char *p, const char *end)
{
	while (p < end && blank(*p))
		p++;
	return p;
}

/* The word at p, which ends at a blank. */
static struct authkeys_part
word(const char *p, const char *end)
{
	struct authkeys_part w = { p, 0 };

	while (p + w.len < end && !blank(p[w.len]))
		w.len++;
	return w;
}

/* The same, but for blanks in quotes; false: a quote is open at the end. */
static bool
options_at(const char *p, const char *end, struct authkeys_part *ret)
{
	const char *q = p;
	bool quoted = false;

	for (; q < end && (quoted || !blank(*q)); q++) {
		if (*q == '\\' && q + 1 < end && q[1] == '"')
			q++;
		else if (*q == '"')
			quoted = !quoted;
	}
	*ret = (struct authkeys_part){ p, (size_t)(q - p) };
	return !quoted;
}

static int
digit(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *p = c != '\0' ? strchr(digits, c) : NULL;

	return p != NULL ? (int)(p - digits) : -1;
}

/*
 * Decodes canonical base64: the first HEAD_MAX bytes into head, the number of
 * all to *ret_len. false: something else.
 */
static bool
decode(const struct authkeys_part *b64, unsigned char *head, size_t *ret_len)
{
	size_t i, n = b64->len, len = 0;
	unsigned bits = 0;
	int d;

	if (n == 0 || n % 4 != 0)
		return false;
	while (n > b64->len - 2 && b64->p[n - 1] == '=')
		n--;
	for (i = 0; i < n; i++) {
		d = digit(b64->p[i]);
		if (d == -1)
			return false;
		bits = bits << 6 | (unsigned)d;
		if (i % 4 == 0)
			continue;
		/* 2, 4, 6 bits too many after the 2nd, 3rd, 4th digit. */
		if (len < HEAD_MAX)
			head[len] = (unsigned char)(bits >>
			    (i % 4 == 1 ? 4 : i % 4 == 2 ? 2 : 0));
		len++;
	}
	/* What the last digit has beyond a whole byte is 0. */
	if ((n % 4 == 2 && (bits & 15) != 0) ||
	    (n % 4 == 3 && (bits & 3) != 0))
		return false;
	*ret_len = len;
	return true;
}

/* Whether the blob begins with its type's name, and is as long as this type's
 * keys are. */
static bool
blob_is(const struct type *t, const unsigned char *head, size_t len)
{
	size_t n = strlen(t->name);

	if (len <= 4 + n || (t->bytes != 0 && len != t->bytes))
		return false;
	return head[0] == 0 && head[1] == 0 && head[2] == 0 &&
	    head[3] == n && memcmp(head + 4, t->name, n) == 0;
}

static int
refuse(struct err *e, const char *why)
{
	return err_set(e, ERR_CONFIG, "%s", why);
}

int
authkeys_parse(const char *line, size_t len, struct authkeys_line *ret,
    struct err *e)
{
	const char *p, *end = line + len;
	struct authkeys_line k = { 0 };
	unsigned char head[HEAD_MAX];
	const struct type *t;
	size_t bytes;

	if (len > AUTHKEYS_LINE_MAX)
		return refuse(e, "longer than a key's line can be");
	while (end > line && end[-1] == '\r')
		end--;		/* sshd decodes around it */
	p = skip(line, end);
	if (p == end || *p == '#')
		return refuse(e, "blank, or a comment");
	k.type = word(p, end);
	t = type_of(&k.type);
	if (t == NULL) {
		if (!options_at(p, end, &k.options))
			return refuse(e, "a quote that is not closed");
		p = skip(k.options.p + k.options.len, end);
		k.type = word(p, end);
		t = type_of(&k.type);
	}
	if (t == NULL)
		return refuse(e, "no type of key that sshd knows, such as "
		    "ssh-ed25519");
	k.key = word(skip(k.type.p + k.type.len, end), end);
	if (!decode(&k.key, head, &bytes))
		return refuse(e, "what follows the type is no base64");
	if (!blob_is(t, head, bytes))
		return refuse(e, "the key is not one of its type, or cut "
		    "off");
	p = skip(k.key.p + k.key.len, end);
	while (end > p && blank(end[-1]))
		end--;
	k.comment = (struct authkeys_part){ p, (size_t)(end - p) };
	*ret = k;
	return 0;
}

int
authkeys_public(const char *text, size_t len, struct authkeys_line *ret,
    struct err *e)
{
	struct authkeys_line k;
	size_t i;

	if (len > 0 && text[len - 1] == '\n')
		len--;
	if (memmem(text, len, "PRIVATE KEY", 11) != NULL)
		return refuse(e, "this is a private key; its .pub is meant");
	if (memchr(text, '\n', len) != NULL)
		return refuse(e, "more than one line");
	for (i = 0; i < len; i++)
		if (((unsigned char)text[i] < 0x20 && text[i] != '\t') ||
		    text[i] == 0x7f)
			return refuse(e, "a control character in the line");
	if (authkeys_parse(text, len, &k, e) == -1)
		return -1;
	if (k.options.len > 0)
		return refuse(e, "options in front of the key");
	if (type_of(&k.type)->cert)
		return refuse(e, "a certificate, not a key");
	*ret = k;
	return 0;
}

int
authkeys_command(const char *command, struct buf *out, struct err *e)
{
	struct buf b;
	const char *p;
	int rc;

	buf_init(&b, AUTHKEYS_LINE_MAX);
	rc = buf_adds(&b, "restrict,command=\"");
	for (p = command; *p != '\0'; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f || *p == '\\') {
			buf_clear(&b);
			return refuse(e, "a command with a backslash or a "
			    "control character can't be forced on a key");
		}
		if (*p == '"')
			rc |= buf_addc(&b, '\\');
		rc |= buf_addc(&b, *p);
	}
	rc |= buf_addc(&b, '"');
	if (rc == 0)
		rc = buf_add(out, b.data, b.len);
	buf_clear(&b);
	return rc == 0 ? 0 : err_set(e, ERR_MEM, "out of memory, or a "
	    "command that is too long");
}

int
authkeys_emit(const char *options, const struct authkeys_line *k,
    const char *comment, struct buf *out, struct err *e)
{
	size_t i, len = strlen(comment);
	struct buf b;
	int rc;

	if (len == 0 || len > AUTHKEYS_COMMENT_MAX)
		return refuse(e, "a key's comment has 1 to 255 bytes");
	for (i = 0; i < len; i++)
		if (comment[i] < 0x21 || comment[i] > 0x7e)
			return refuse(e, "a key's comment has letters, "
			    "digits and signs only");
	buf_init(&b, AUTHKEYS_LINE_MAX);
	rc = buf_adds(&b, options);
	rc |= buf_adds(&b, *options != '\0' ? " " : "");
	rc |= buf_add(&b, k->type.p, k->type.len);
	rc |= buf_addc(&b, ' ');
	rc |= buf_add(&b, k->key.p, k->key.len);
	rc |= buf_addc(&b, ' ');
	rc |= buf_adds(&b, comment);
	if (rc == 0)
		rc = buf_add(out, b.data, b.len);
	buf_clear(&b);
	return rc == 0 ? 0 : err_set(e, ERR_MEM, "out of memory, or a "
	    "line that is too long");
}
