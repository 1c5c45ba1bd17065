/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as a csync2.cfg. "config N;" includes the Nth part of the input;
 * parts are separated by a line "---". What is accepted is matched, and
 * emitted and read back: the patterns must come back as they were, and a
 * file that matches must lie below one of the roots.
 */
#include <stdint.h>

#include "cfg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct input {
	const char *data;
	size_t len;
};

#define SEPARATOR "\n---\n"

static int
load(void *arg, const char *name, struct buf *out, struct err *e)
{
	const struct input *in = arg;
	const char *p = in->data, *end = in->data + in->len, *next;
	unsigned skip = 0;

	if (name[0] >= '0' && name[0] <= '9' && name[1] == '\0')
		skip = (unsigned)(name[0] - '0');
	else
		return err_set(e, ERR_SYS, "can't open %s", name);
	for (;; skip--) {
		next = memmem(p, (size_t)(end - p), SEPARATOR,
			strlen(SEPARATOR));
		if (skip == 0)
			break;
		if (next == NULL)
			return err_set(e, ERR_SYS, "can't open %s", name);
		p = next + strlen(SEPARATOR);
	}
	if (next == NULL)
		next = end;
	if (buf_add(out, p, (size_t)(next - p)) == -1)
		return err_set(e, ERR_CONFIG, "%s is too large", name);
	return 0;
}

static bool
below(const char *dir, const char *path)
{
	size_t n = strlen(dir);

	return strcmp(dir, "/") == 0 || (strncmp(dir, path, n) == 0 &&
		(path[n] == '/' || path[n] == '\0'));
}

static void
match(const struct cfg *c, const struct cfg_group *g,
	const char *host)
{
	static const char *const paths[] = { "/", "/a", "/a/b", "/a/b.d/c",
		"/one", "/one/a/b" };
	struct strv roots = { 0 };
	struct err e = ERR_INIT;

	if (cfg_roots(c, g, host, &roots, &e) == -1)
		abort();
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		bool found = false;

		if (!cfg_match(c, g, host, paths[i]))
			continue;
		if (!cfg_enter(c, g, host, paths[i]))
			abort();
		for (size_t j = 0; j < roots.n; j++)
			found |= below(roots.v[j], paths[i]);
		if (!found)
			abort();
	}
	strv_clear(&roots);
}

static void
emit(const struct cfg *c, const struct cfg_group *g,
	const char *pusher, const char *receiver)
{
	struct input in;
	struct cfg back = { 0 };
	struct err e = ERR_INIT;
	struct buf out;

	buf_init(&out, 1 << 20);
	if (cfg_emit_pipe(c, &g, 1, pusher, receiver, &out, &e) == -1)
		goto out;
	/* A part that holds the separator can't be loaded as one. */
	if (memmem(out.data, out.len, SEPARATOR, strlen(SEPARATOR)) != NULL)
		goto out;
	in = (struct input){ out.data, out.len };
	if (cfg_parse("0", "127.0.0.1", load, &in, &back, &e) == -1) {
		if (strstr(e.msg, "too many statements") == NULL)
			abort();
		goto out;
	}
	if (back.ngroups != 1 || back.groups[0].npatterns != g->npatterns ||
		back.groups[0].nactions != g->nactions ||
		cfg_self(&back.groups[0], "receiver") == NULL ||
		!cfg_self(&back.groups[0], "receiver")->slave)
		abort();
	for (size_t i = 0; i < g->npatterns; i++)
		if (strcmp(g->patterns[i].text,
			back.groups[0].patterns[i].text) != 0 ||
			g->patterns[i].kind !=
			back.groups[0].patterns[i].kind)
			abort();
out:
	cfg_clear(&back);
	buf_clear(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct input in = { (const char *)data, len };
	struct cfg c = { 0 };
	struct err e = ERR_INIT;

	if (cfg_parse("0", "h1", load, &in, &c, &e) == -1) {
		if (e.code != ERR_CONFIG && e.code != ERR_SYS &&
			e.code != ERR_MEM)
			abort();
		goto out;
	}
	for (size_t i = 0; i < c.ngroups && i < 8; i++) {
		const struct cfg_group *g = &c.groups[i];

		if (g->nhosts == 0)
			continue;
		match(&c, g, g->hosts[0].self);
		emit(&c, g, g->hosts[0].self, g->hosts[g->nhosts - 1].self);
	}
out:
	cfg_clear(&c);
	return 0;
}
