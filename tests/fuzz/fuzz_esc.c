/* SPDX-License-Identifier: ISC */
/* esc: what comes out is harmless, and a refusal appends nothing. */
#include <stdbool.h>
#include <stdint.h>

#include "base/esc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
promise(bool kept)
{
	if (!kept)
		abort();
}

static bool
has_control(const struct buf *b)
{
	size_t i;

	for (i = 0; i < b->len; i++)
		if ((unsigned char)b->data[i] < 0x20 || b->data[i] == 0x7f)
			return true;
	return false;
}

/* The word between the quotes, as a shell reads it. */
static void
unquote(const char *s, struct buf *out)
{
	bool in = false;

	for (; *s != '\0'; s++) {
		if (*s == '\'')
			in = !in;
		else if (!in && *s == '\\' && s[1] != '\0')
			buf_addc(out, *++s);
		else
			buf_addc(out, *s);
	}
	promise(!in);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *in = (const char *)data;
	struct buf b, small, word;
	char *s;
	size_t i;

	buf_init(&b, 16 * len + 16);
	buf_init(&small, 8);
	buf_init(&word, len + 1);

	promise(esc_text(&b, in, len) == 0 && !has_control(&b));
	buf_clear(&b);
	promise(esc_json(&b, in, len) == 0 && !has_control(&b));
	for (i = 0; i < b.len; i++) {
		if (b.data[i] == '\\')
			i++;
		else
			promise(b.data[i] != '"');
	}
	promise(i == b.len);
	buf_clear(&b);

	buf_adds(&small, "abc");
	if (esc_text(&small, in, len) == -1)
		promise(small.len == 3 && strcmp(small.data, "abc") == 0);
	if (small.len == 3 && esc_json(&small, in, len) == -1)
		promise(small.len == 3 && strcmp(small.data, "abc") == 0);

	s = malloc(len + 1);
	if (s != NULL) {
		if (len > 0)
			memcpy(s, data, len);
		s[len] = '\0';
		promise(esc_sh(&b, s) == 0 && b.len > 0);
		unquote(b.data, &word);
		promise(strcmp(word.data, s) == 0);
	}
	free(s);
	buf_clear(&b);
	buf_clear(&small);
	buf_clear(&word);
	return 0;
}
