/* SPDX-License-Identifier: ISC */
/* rules: the input is roots, a blank line, excludes, a line each (NUL stands
 * for a newline inside of a name). What is taken gives rules that begin with
 * "+ /" or "- ", of a length that rsync reads, and "- *" at the end. */
#include <stdint.h>

#include "expand.h"
#include "grants.h"
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
list(void *arg, const char *path, expand_entry_fn *entry, void *ctx,
    struct err *e)
{
	promise(path[0] == '/');
	if (entry(ctx, "a", EXPAND_FOLDER, e) == -1 ||
	    entry(ctx, "b", EXPAND_FILE, e) == -1)
		return -1;
	return entry(ctx, "c", EXPAND_OTHER, e);
}

/* arg: the excludes. */
static int
grant(void *arg, const char *path, struct err *e)
{
	promise(!strv_has(arg, path) || !rules_literal(path));
	return 0;
}

static int
take(void *arg, char letter, const char *path, struct err *e)
{
	return letter == 'l' ? 0 : expand_add(arg, letter, path, e);
}

static void
check_grants(const struct rules *r, bool direct, struct strv *excludes)
{
	const struct expand_calls calls = { list, grant, excludes };
	struct expand x = { .roots = { 0 } };
	struct err e = ERR_INIT;
	struct buf text;

	buf_init(&text, RULES_TEXT_MAX);
	promise(rules_grants(r, direct, &text, &e) == 0);
	promise(grants_parse(text.data, text.len, take, &x, &e) == 0);
	promise(expand_run(&x, &calls, &e) == 0);
	expand_clear(&x);
	buf_clear(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strv roots = { .max = 100 }, excludes = { .max = 100 };
	struct rules r = { &roots, &excludes };
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
		check_grants(&r, size % 2 == 1, &excludes);
	} else {
		promise(e.code == ERR_CONFIG && out.len == 0);
		for (p = e.msg; *p != '\0'; p++)
			promise((unsigned char)*p >= 0x20);
	}
	strv_clear(&roots);
	strv_clear(&excludes);
	buf_clear(&word);
	buf_clear(&out);
	return 0;
}
