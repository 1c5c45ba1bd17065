/* SPDX-License-Identifier: ISC */
#include "authgen.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/esc.h"
#include "gitid.h"

/* The options of a line of key->id's, appended. */
static int
add_options(const char *proxy, const struct keylist_key *key,
    struct buf *out, struct err *e)
{
	struct buf command;
	int rc = -1;

	if (proxy[0] != '/')
		return err_set(e, ERR_CONFIG, "'%s' is no absolute path of a "
		    "program", proxy);
	if (gitid_check(key->id, strlen(key->id), e) == -1)
		return err_wrap(e, "%s", key->where);
	buf_init(&command, AUTHKEYS_LINE_MAX);
	/* The login shell reads the command; an id has nothing to quote. */
	if (esc_sh(&command, proxy) == -1 ||
	    buf_addf(&command, " %s", key->id) == -1)
		err_set(e, ERR_MEM, "out of memory");
	else
		rc = authkeys_command(command.data, out, e);
	buf_clear(&command);
	return rc;
}

static int
full(struct err *e)
{
	return err_set(e, ERR_MEM, "more keys than fit in one file, or out of "
	    "memory");
}

int
authgen_line(const char *proxy, const struct keylist_key *key,
    struct buf *out, struct err *e)
{
	struct buf line;
	int rc;

	buf_init(&line, AUTHKEYS_LINE_MAX);
	rc = add_options(proxy, key, &line, e);
	if (rc == 0 && (buf_addf(&line, " %s %s", key->type, key->blob) ==
	    -1 || buf_add(out, line.data, line.len) == -1))
		rc = full(e);
	buf_clear(&line);
	return rc;
}

static int
by_id(const void *a, const void *b)
{
	const struct keylist_key *const *x = a, *const *y = b;

	return strcmp((*x)->id, (*y)->id);
}

int
authgen_principals(const char *proxy, const struct keylist *keys,
    struct buf *out, struct err *e)
{
	const struct keylist_key **v = keylist_sorted(keys);
	struct buf text;
	size_t i;
	int rc = 0;

	if (v == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	buf_init(&text, out->max);
	qsort(v, keys->n, sizeof(v[0]), by_id);
	if (buf_adds(&text, "# postern git: who may come with a certificate; "
	    "written anew by each push\n") == -1)
		rc = full(e);
	for (i = 0; rc == 0 && i < keys->n; i++) {
		if (i > 0 && strcmp(v[i]->id, v[i - 1]->id) == 0)
			continue;
		rc = add_options(proxy, v[i], &text, e);
		if (rc == 0 && buf_addf(&text, " %s\n", v[i]->id) == -1)
			rc = full(e);
	}
	if (rc == 0 && buf_add(out, text.data, text.len) == -1)
		rc = full(e);
	buf_clear(&text);
	free(v);
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

/* The last word of the forced command, where it is an id; else "". Root wrote
 * these options: nobody hides another command in them. */
static void
id_of(const struct authkeys_part *options, char ret[GITID_MAX + 1])
{
	static const char command[] = "command=\"";
	size_t n = sizeof(command) - 1;
	const char *p, *end, *blank;

	ret[0] = '\0';
	/* A key without options: p is NULL, which memmem() must not see. */
	p = options->len >= n ? memmem(options->p, options->len, command, n) :
	    NULL;
	if (p == NULL)
		return;
	p += n;
	n = options->len - (size_t)(p - options->p);
	end = memchr(p, '"', n);
	blank = end != NULL ? memrchr(p, ' ', (size_t)(end - p)) : NULL;
	if (blank == NULL || !gitid_valid(blank + 1, (size_t)(end - blank) -
	    1))
		return;
	n = (size_t)(end - blank) - 1;
	memcpy(ret, blank + 1, n);
	ret[n] = '\0';
}

int
authgen_base_line(const char *where, const char *p, size_t len,
    struct keylist *ret, struct err *e)
{
	struct authkeys_line line;
	char id[GITID_MAX + 1];
	struct keyline k;

	if (memchr(p, 0, len) != NULL)
		return err_set(e, ERR_CONFIG, "%s: a NUL in the line", where);
	if (is_comment(p, len))
		return 0;
	if (authkeys_parse(p, len, &line, e) == -1 ||
	    keyline_of(&line, &k, e) == -1)
		return err_wrap(e, "%s", where);
	id_of(&line.options, id);
	return keylist_add(ret, id, &k, where, e);
}

int
authgen_base(const char *name, const char *text, size_t len,
    struct keylist *ret, struct err *e)
{
	const char *p = text, *end = text + len, *nl;
	char where[256];
	unsigned n = 0;

	for (; p < end; p = nl + 1) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (nl == NULL)
			nl = end;
		snprintf(where, sizeof(where), "%s:%u", name, ++n);
		if (authgen_base_line(where, p, (size_t)(nl - p), ret, e) ==
		    -1)
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
	return rc == 0 ? 0 : full(e);
}
