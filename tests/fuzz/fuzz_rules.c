/* SPDX-License-Identifier: ISC */
/* rules: the input is roots, a blank line, excludes, a line each (NUL stands
 * for a newline inside of a name). What is taken gives rules that begin with
 * "+ /" or "- ", of a length that rsync reads, and "- *" at the end. */
#include <stdint.h>

#include "rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
promise(int kept)
{
	if (!kept)
		abort();
}

static void
check_text(const char *s)
{
	const char *nl, *last = "";

	for (; *s != '\0'; s = nl + 1) {
		nl = strchr(s, '\n');
		promise(nl != NULL);
		promise(strncmp(s, "+ /", 3) == 0 || strncmp(s, "- ", 2) == 0);
		promise(nl - s > 2 && nl - s <= 4095 + 2);
		promise(memchr(s, '\r', (size_t)(nl - s)) == NULL);
		last = s;
	}
	promise(strcmp(last, "- *\n") == 0);
}

/* A folder that has one of each. */
static int
list(void *arg, const char *path, rules_entry_fn *entry, void *ctx,
    struct err *e)
{
	promise(path[0] == '/');
	if (entry(ctx, "a", RULES_FOLDER, e) == -1 ||
	    entry(ctx, "b", RULES_FILE, e) == -1)
		return -1;
	return entry(ctx, "c", RULES_OTHER, e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strv roots = { .max = 100 }, excludes = { .max = 100 };
	struct rules r = { &roots, &excludes };
	struct rules_grants g = { { 0 }, { 0 } };
	struct strv *to = &roots;
	struct err e = ERR_INIT;
	struct buf out, word;
	const char *p;
	size_t i;

	buf_init(&out, RULES_TEXT_MAX);
	buf_init(&word, 10000);
	for (i = 0; i < size; i++) {
		if (data[i] != '\n') {
			buf_addc(&word, (char)(data[i] != 0 ? data[i] : '\n'));
			continue;
		}
		if (word.len == 0 && to == &roots)
			to = &excludes;
		else
			strv_add(to, word.data);
		buf_clear(&word);
	}
	if (rules_text(&r, &out, &e) == 0) {
		check_text(out.data);
		buf_clear(&out);
		promise(rules_explain(&r, size % 2 == 1, &out, &e) == 0);
		for (p = out.data; *p != '\0'; p++)
			promise((unsigned char)*p >= 0x20 || *p == '\n');
		promise(rules_grants(&r, list, NULL, &g, &e) == 0);
		for (i = 0; i < g.files.n; i++)
			promise(!strv_has(&excludes, g.files.v[i]) ||
			    !rules_literal(g.files.v[i]));
	} else {
		promise(e.code == ERR_CONFIG && out.len == 0);
		for (p = e.msg; *p != '\0'; p++)
			promise((unsigned char)*p >= 0x20);
	}
	rules_grants_clear(&g);
	strv_clear(&roots);
	strv_clear(&excludes);
	buf_clear(&word);
	buf_clear(&out);
	return 0;
}
