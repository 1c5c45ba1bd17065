/* SPDX-License-Identifier: ISC */
#include "authgen.h"

#include <inttypes.h>
#include <string.h>

#include "base/esc.h"
#include "gitid.h"

int
authgen_line(const char *proxy, const struct keylist_key *key,
    struct buf *out, struct err *e)
{
	struct buf command, line;
	int rc = -1;

	buf_init(&command, AUTHKEYS_LINE_MAX);
	buf_init(&line, AUTHKEYS_LINE_MAX);
	if (proxy[0] != '/') {
		err_set(e, ERR_CONFIG, "'%s' is no absolute path of a "
		    "program", proxy);
		goto out;
	}
	if (gitid_check(key->id, strlen(key->id), e) == -1) {
		err_wrap(e, "%s", key->where);
		goto out;
	}
	/* The login shell reads the command; an id has nothing to quote. */
	if (esc_sh(&command, proxy) == -1 ||
	    buf_addf(&command, " %s", key->id) == -1) {
		err_set(e, ERR_MEM, "out of memory");
		goto out;
	}
	if (authkeys_command(command.data, &line, e) == -1)
		goto out;
	if (buf_addf(&line, " %s %s", key->type, key->blob) == -1 ||
	    buf_add(out, line.data, line.len) == -1) {
		err_set(e, ERR_MEM, "more keys than fit in one file, or out of "
		    "memory");
		goto out;
	}
	rc = 0;
out:
	buf_clear(&command);
	buf_clear(&line);
	return rc;
}

/* Whether sshd passes over the line on purpose. */
static bool
is_comment(const char *s, size_t len)
{
	while (len > 0 && (*s == ' ' || *s == '\t')) {
		s++;
		len--;
	}
	return len == 0 || *s == '#' || (len == 1 && *s == '\r');
}

int
authgen_base(const char *name, const char *text, size_t len,
    struct keylist *ret, struct err *e)
{
	const char *p = text, *end = text + len, *nl;
	struct authkeys_line line;
	struct keyline k;
	char where[256];
	unsigned n = 0;

	for (; p < end; p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (nl == NULL)
			nl = end;
		n++;
		if (memchr(p, 0, (size_t)(nl - p)) != NULL)
			return err_set(e, ERR_CONFIG, "%s:%u: a NUL in the "
			    "line", name, n);
		if (is_comment(p, (size_t)(nl - p)))
			continue;
		snprintf(where, sizeof(where), "%s:%u", name, n);
		if (authkeys_parse(p, (size_t)(nl - p), &line, e) == -1 ||
		    keyline_of(&line, &k, e) == -1)
			return err_wrap(e, "%s", where);
		if (keylist_add(ret, "", &k, where, e) == -1)
			return -1;
	}
	return 0;
}

int
authgen_text(const char *proxy, const char *base, size_t base_len,
    const char *server, uint64_t sequence, const struct keylist *keys,
    struct buf *out, struct err *e)
{
	struct buf text;
	size_t i;
	int rc;

	if (gitid_check(server, strlen(server), e) == -1)
		return err_wrap(e, "the server's name");
	buf_init(&text, out->max);
	rc = buf_add(&text, base, base_len);
	if (base_len > 0 && base[base_len - 1] != '\n')
		rc |= buf_addc(&text, '\n');
	rc |= buf_addf(&text, "# postern git: keys of %s, sequence %" PRIu64
	    "; written anew by each push\n", server, sequence);
	for (i = 0; rc == 0 && i < keys->n; i++) {
		if (authgen_line(proxy, &keys->v[i], &text, e) == -1) {
			buf_clear(&text);
			return -1;
		}
		rc = buf_addc(&text, '\n');
	}
	if (rc == 0)
		rc = buf_add(out, text.data, text.len);
	buf_clear(&text);
	return rc == 0 ? 0 : err_set(e, ERR_MEM, "more keys than fit in one "
	    "file, or out of memory");
}
