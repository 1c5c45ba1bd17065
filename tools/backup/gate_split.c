/* SPDX-License-Identifier: ISC */
/* The part of gate.h between bytes and words. */
#include <stdbool.h>

#include "gate.h"

/* What a shell would read as more than itself. */
static const char special[] = "\"'`$;&|<>()*?[]{}!#~";

static int
refuse(struct err *e, const char *why)
{
	return err_set(e, ERR_REFUSED, "refused: the command %s", why);
}

static int
check_bytes(const char *cmd, size_t len, struct err *e)
{
	unsigned char c;
	size_t i;

	if (len == 0)
		return refuse(e, "is empty");
	if (len > GATE_MAX)
		return refuse(e, "is longer than 4096 bytes");
	for (i = 0; i < len; i++) {
		c = (unsigned char)cmd[i];
		if (c < 0x20 || c == 0x7f)
			return err_set(e, ERR_REFUSED, "refused: the command "
			    "has a control character (byte 0x%02x) in it", c);
	}
	return 0;
}

/* The word's next byte at *i; false: the word is over, or *why is set. */
static bool
next(const char *cmd, size_t len, size_t *i, char *ret, const char **why)
{
	char c;

	if (*i == len || cmd[*i] == ' ')
		return false;
	c = cmd[(*i)++];
	if (c == '\\') {
		if (*i == len) {
			*why = "ends in a '\\'";
			return false;
		}
		c = cmd[(*i)++];
	} else if (strchr(special, c) != NULL) {
		*why = "has an unescaped quote, wildcard or other character "
		    "of the shell in it";
		return false;
	}
	*ret = c;
	return true;
}

int
gate_split(const char *cmd, size_t len, struct strv *ret, struct err *e)
{
	const char *why = NULL;
	char word[GATE_MAX + 1];
	size_t i = 0, n;

	if (check_bytes(cmd, len, e) == -1)
		return -1;
	for (;;) {
		for (n = 0; next(cmd, len, &i, &word[n], &why);)
			n++;
		if (why == NULL && n == 0)
			why = "has a space at its begin or end, or two in a "
			    "row";
		if (why != NULL)
			return refuse(e, why);
		word[n] = '\0';
		if (strv_add(ret, word) == -1)
			return err_set(e, ERR_MEM, "out of memory");
		if (i == len)
			return 0;
		i++;	/* the space; what follows must be a word */
	}
}

int
gate_emit(const struct strv *argv, struct buf *out)
{
	size_t i, start = out->len;
	const char *s;

	for (i = 0; i < argv->n; i++) {
		if (i > 0 && buf_addc(out, ' ') == -1)
			goto undo;
		for (s = argv->v[i]; *s != '\0'; s++)
			if (((*s == ' ' || *s == '\\' ||
			    strchr(special, *s) != NULL) &&
			    buf_addc(out, '\\') == -1) ||
			    buf_addc(out, *s) == -1)
				goto undo;
	}
	return 0;
undo:
	out->len = start;
	if (out->cap > 0)
		out->data[start] = '\0';
	return -1;
}
