/* SPDX-License-Identifier: ISC */
#include "rules.h"

#include "base/esc.h"
#include "plain.h"

#define WILD		"*?["	/* with one of them, '\' escapes, too */

static int
no_mem(struct err *e)
{
	return err_set(e, ERR_MEM, "out of memory, or too many rules");
}

/* As a rule says it exactly: wildcards and '\' with a '\' in front. */
static int
add_escaped(struct buf *out, const char *path)
{
	for (; *path != '\0'; path++)
		if ((strchr(WILD "\\", *path) != NULL &&
		    buf_addc(out, '\\') == -1) || buf_addc(out, *path) == -1)
			return -1;
	return 0;
}

/* Whether what the literal exclude names lies below dir, and is not dir. */
static bool
literal_below(const char *exclude, const char *dir)
{
	size_t n = strlen(dir);

	if (n == 1)
		return true;
	return strncmp(exclude, dir, n) == 0 && exclude[n] == '/' &&
	    exclude[n + 1] != '\0';
}

/* Whether one of the first n roots lies below dir, which has its own '/' at
 * the end: then dir has its rule. */
static bool
has_rule(const struct strv *roots, size_t n, const char *dir, size_t dir_len)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strncmp(roots->v[i], dir, dir_len) == 0)
			return true;
	return false;
}

/* rsync takes a '\' in a pattern without a wildcard as it stands. */
static int
add_exact(struct buf *out, const char *path)
{
	return strpbrk(path, WILD) != NULL ? add_escaped(out, path) :
	    buf_adds(out, path);
}

/* The rules of the i-th root, which is not "/". */
static int
text_root(const struct strv *roots, size_t i, struct buf *out)
{
	const char *root = roots->v[i], *s;
	char dir[PLAIN_MAX + 1];
	size_t n;

	for (s = strchr(root + 1, '/'); s != NULL; s = strchr(s + 1, '/')) {
		n = (size_t)(s - root) + 1;
		if (has_rule(roots, i, root, n))
			continue;
		memcpy(dir, root, n);
		dir[n] = '\0';
		if (buf_adds(out, "+ ") == -1 || add_exact(out, dir) == -1 ||
		    buf_addc(out, '\n') == -1)
			return -1;
	}
	/* Not "/ROOT/" and three stars: that would not match a file. */
	if (buf_adds(out, "+ ") == -1 || add_exact(out, root) == -1 ||
	    buf_adds(out, "\n+ ") == -1 || add_escaped(out, root) == -1 ||
	    buf_adds(out, "/**\n") == -1)
		return -1;
	return 0;
}

int
rules_text(const struct rules *r, struct buf *out, struct err *e)
{
	bool all = strv_has(r->roots, "/");
	size_t i, start = out->len;

	if (rules_check(r, e) == -1)
		return -1;
	for (i = 0; i < r->excludes->n; i++)
		if (buf_addf(out, "- %s\n", r->excludes->v[i]) == -1)
			goto no_mem;
	for (i = 0; i < r->roots->n; i++)
		if (r->roots->v[i][1] != '\0' &&
		    text_root(r->roots, i, out) == -1)
			goto no_mem;
	for (i = 0; all && rules_unreal[i] != NULL; i++)
		if (buf_addf(out, "- %s/*\n", rules_unreal[i]) == -1)
			goto no_mem;
	if ((all && buf_adds(out, "+ /**\n") == -1) ||
	    buf_adds(out, "- *\n") == -1)
		goto no_mem;
	return 0;
no_mem:
	out->len = start;
	if (out->cap > 0)
		out->data[start] = '\0';
	return no_mem(e);
}

static int
explain_line(struct buf *out, const char *what, const char *name,
    const char *how)
{
	if (buf_addf(out, "%s ", what) == -1 ||
	    esc_text(out, name, strlen(name)) == -1 ||
	    buf_addf(out, ": %s\n", how) == -1)
		return -1;
	return 0;
}

/* Whether the exclude has anything to do with what is read. */
static bool
matters(const struct rules *r, const char *exclude)
{
	size_t i;

	for (i = 0; i < r->roots->n; i++)
		if (literal_below(exclude, r->roots->v[i]))
			return true;
	return false;
}

int
rules_explain(const struct rules *r, bool direct, struct buf *out,
    struct err *e)
{
	bool all = strv_has(r->roots, "/");
	const char *x, *how;
	size_t i;

	if (rules_check(r, e) == -1)
		return -1;
	for (i = 0; i < r->roots->n; i++)
		if (explain_line(out, "root", r->roots->v[i], "is read; what "
		    "is outside of the roots is not, by kernel and rsync")
		    == -1)
			return no_mem(e);
	for (i = 0; all && rules_unreal[i] != NULL; i++) {
		how = strv_has(r->roots, rules_unreal[i]) ? "is read: it is "
		    "a root by name" : "comes along empty, but for roots in "
		    "it, by kernel and rsync";
		if (explain_line(out, "always", rules_unreal[i], how) == -1)
			return no_mem(e);
	}
	for (i = 0; i < r->excludes->n; i++) {
		x = r->excludes->v[i];
		if (!rules_literal(x))
			how = direct ? "left out by the store's rsync alone: "
			    "it is a pattern" :
			    "not sent, by rsync alone: it is a pattern";
		else if (!matters(r, x))
			how = "lies in no root: not read anyway";
		else
			how = direct ? "not read, by kernel and rsync; names "
			    "in it are not listed, by the kernel where root "
			    "reads, else by the store's rsync alone" :
			    "not read, by kernel and rsync";
		if (explain_line(out, "exclude", x, how) == -1)
			return no_mem(e);
	}
	return 0;
}
