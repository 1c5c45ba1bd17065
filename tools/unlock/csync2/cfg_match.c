/* SPDX-License-Identifier: ISC */
/*
 * csync2 knows a file under several names: its path, and "%name%rest" for
 * each prefix that it lies in. Each name is matched on its own; the file
 * belongs to the group when one of them does.
 */
#include "cfg.h"

#include <fnmatch.h>

#include "cfg_model.h"

/* The longest name that is matched: PATH_MAX and a prefix's name. */
#define NAME_BYTES_MAX (1u << 20)

typedef bool match_fn(const struct cfg_group *g, const char *name);

static bool
is_path(const struct cfg_pattern *p)
{
	return p->text[0] == '/' || p->text[0] == '%';
}

static int
pathname_flag(const struct cfg_pattern *p)
{
	return strstr(p->text, "**") != NULL ? 0 : FNM_PATHNAME;
}

static bool
name_matches(const struct cfg_group *g, const char *name)
{
	bool by_path = false, by_base = true;
	const char *base = strrchr(name, '/');

	base = base == NULL ? name : base + 1;
	for (size_t i = 0; i < g->npatterns; i++) {
		const struct cfg_pattern *p = &g->patterns[i];

		if (p->kind == CFG_COMPARE)
			continue;
		if (!is_path(p)) {
			if (fnmatch(p->text, base, 0) == 0)
				by_base = p->kind == CFG_INCLUDE;
		} else if (fnmatch(p->text, name,
			FNM_LEADING_DIR | pathname_flag(p)) == 0) {
			by_path = p->kind == CFG_INCLUDE;
		}
	}
	return by_path && by_base;
}

/* Whether the folder name leads to an include pattern. */
static bool
name_leads(const struct cfg_group *g, const char *name)
{
	bool found = false;

	if (strcmp(name, "/") == 0)
		return true;
	for (size_t i = 0; i < g->npatterns && !found; i++) {
		const struct cfg_pattern *p = &g->patterns[i];
		char *part, *slash;

		if (p->kind != CFG_INCLUDE || !is_path(p))
			continue;
		part = strdup(p->text);
		/* Out of memory: looking into one folder more is harmless. */
		if (part == NULL)
			return true;
		while (!found && (slash = strrchr(part, '/')) != NULL) {
			*slash = '\0';
			found = fnmatch(part, name, pathname_flag(p)) == 0;
		}
		free(part);
	}
	return found;
}

/* Where path goes on behind the folder dir: "" or "/rest"; NULL: elsewhere. */
static const char *
below(const char *dir, const char *path)
{
	size_t n = strlen(dir);

	if (strcmp(dir, "/") == 0)
		return strcmp(path, "/") == 0 ? path + 1 : path;
	if (strncmp(dir, path, n) != 0 ||
		(path[n] != '/' && path[n] != '\0'))
		return NULL;
	return path + n;
}

/* fn of any of the names that path has on host. */
static bool
any_name(const struct cfg *c, const struct cfg_group *g,
	const char *host, const char *path, match_fn *fn)
{
	struct buf name;
	bool found = fn(g, path);

	buf_init(&name, NAME_BYTES_MAX);
	for (size_t i = 0; i < c->nprefixes && !found; i++) {
		const char *p = c->prefixes[i].name, *rest;
		const char *dir = cfg_model_prefix(c, p, strlen(p), host);

		if (dir == NULL || (rest = below(dir, path)) == NULL)
			continue;
		buf_clear(&name);
		/* Out of memory counts as a match: see cfg.h. */
		found = buf_addf(&name, "%%%s%%%s", p, rest) == -1 ||
			fn(g, name.data);
	}
	buf_clear(&name);
	return found;
}

bool
cfg_match(const struct cfg *c, const struct cfg_group *g,
	const char *host, const char *path)
{
	return cfg_self(g, host) != NULL &&
		any_name(c, g, host, path, name_matches);
}

bool
cfg_enter(const struct cfg *c, const struct cfg_group *g,
	const char *host, const char *path)
{
	size_t n = strlen(path);

	if (cfg_self(g, host) == NULL)
		return false;
	if (any_name(c, g, host, path, name_matches) ||
		any_name(c, g, host, path, name_leads))
		return true;
	/* csync2 also walks down to each prefix's path. */
	for (size_t i = 0; i < c->nprefixes; i++) {
		const char *p = c->prefixes[i].name;
		const char *dir = cfg_model_prefix(c, p, strlen(p), host);

		if (dir != NULL && strncmp(dir, path, n) == 0 &&
			dir[n] == '/')
			return true;
	}
	return false;
}

/* Add dir, unless it lies in one that is there; drop those that lie in it. */
static int
add_root(struct strv *out, const char *dir, struct err *e)
{
	struct strv kept = { .max = out->max };
	int rc = 0;

	for (size_t i = 0; i < out->n && rc == 0; i++) {
		if (below(out->v[i], dir) != NULL) {
			strv_clear(&kept);
			return 0;
		}
		if (below(dir, out->v[i]) == NULL)
			rc = strv_add(&kept, out->v[i]);
	}
	if (rc == 0)
		rc = strv_add(&kept, dir);
	if (rc == -1) {
		strv_clear(&kept);
		return err_set(e, ERR_MEM, "out of memory");
	}
	strv_clear(out);
	*out = kept;
	return 0;
}

static int
add_pattern_root(struct buf *path, struct strv *out,
	struct err *e)
{
	size_t n = strcspn(path->data, "*?[\\");

	if (path->data[n] != '\0') {
		while (n > 0 && path->data[n - 1] != '/')
			n--;
		path->data[n] = '\0';
	}
	cfg_model_strip(path->data);
	return add_root(out, path->data[0] == '\0' ? "/" : path->data, e);
}

int
cfg_roots(const struct cfg *c, const struct cfg_group *g,
	const char *host, struct strv *out, struct err *e)
{
	struct buf path;
	int rc = 0;

	buf_init(&path, NAME_BYTES_MAX);
	for (size_t i = 0; i < g->npatterns && rc == 0; i++) {
		const struct cfg_pattern *p = &g->patterns[i];
		const char *name, *rest = p->text, *dir = "";
		size_t len = 0;

		if (p->kind != CFG_INCLUDE || !is_path(p))
			continue;
		name = cfg_model_prefixed(p->text, &len, &rest);
		if (name != NULL && strcspn(name, "*?[\\") < len) {
			/* The wildcard may stand for any prefix. */
			for (size_t j = 0; j < c->nprefixes && rc == 0; j++) {
				const char *n = c->prefixes[j].name;

				dir = cfg_model_prefix(c, n, strlen(n), host);
				if (dir != NULL)
					rc = add_root(out, dir, e);
			}
			continue;
		}
		if (name != NULL)
			dir = cfg_model_prefix(c, name, len, host);
		/* No such prefix here: no file can match. */
		if (dir == NULL)
			continue;
		/* A prefix's path is no pattern: no wildcards in it. */
		if (strpbrk(dir, "*?[\\") != NULL) {
			rc = add_root(out, dir, e);
			continue;
		}
		buf_clear(&path);
		if (cfg_expand(c, p->text, host, &path, e) == -1)
			rc = -1;
		else
			rc = add_pattern_root(&path, out, e);
	}
	buf_clear(&path);
	return rc;
}
