/* SPDX-License-Identifier: ISC */
#include "allow.h"

#include <string.h>

#include "base/esc.h"

static const struct {
	const char *word;
	unsigned bit;
} words[] = {
	{ "run", ALLOW_RUN },
	{ "list", ALLOW_LIST },
	{ "restore", ALLOW_RESTORE },
	{ "verify", ALLOW_VERIFY },
};
#define WORDS (sizeof(words) / sizeof(words[0]))

static const struct {
	const char *op;
	unsigned bit;
} ops[] = {
	{ "run", ALLOW_RUN },
	{ "list", ALLOW_LIST },
	{ "find", ALLOW_LIST },
	{ "restore", ALLOW_RESTORE },
	{ "cat", ALLOW_RESTORE },
	{ "verify", ALLOW_VERIFY },
};

/* The bit of a word of len bytes, or 0. */
static unsigned
bit_of(const char *word, size_t len)
{
	size_t i;

	for (i = 0; i < WORDS; i++)
		if (strlen(words[i].word) == len &&
		    memcmp(words[i].word, word, len) == 0)
			return words[i].bit;
	return 0;
}

int
allow_parse(const char *text, unsigned *ret, struct err *e)
{
	unsigned bits = 0, bit;
	const char *p = text;
	size_t len;

	for (;;) {
		len = strcspn(p, ",");
		bit = bit_of(p, len);
		if (bit == 0)
			return err_set(e, ERR_USAGE, "what is allowed is a "
			    "list of run, list, restore and verify with "
			    "commas between them");
		if ((bits & bit) != 0)
			return err_set(e, ERR_USAGE, "'%.*s' is in the list "
			    "twice", (int)len, p);
		bits |= bit;
		if (p[len] == '\0')
			break;
		p += len + 1;
	}
	*ret = bits;
	return 0;
}

int
allow_emit(unsigned bits, struct buf *out, struct err *e)
{
	bool first = true;
	size_t i;

	for (i = 0; i < WORDS; i++) {
		if ((bits & words[i].bit) == 0)
			continue;
		if (buf_addf(out, "%s%s", first ? "" : ",",
		    words[i].word) == -1)
			return err_set(e, ERR_MEM, "out of memory");
		first = false;
	}
	return 0;
}

unsigned
allow_for(const char *op)
{
	size_t i;

	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (strcmp(ops[i].op, op) == 0)
			return ops[i].bit;
	return 0;
}

bool
allow_has(unsigned bits, enum request_op op)
{
	return op >= REQUEST_RUN && op <= REQUEST_CAT &&
	    (bits & allow_for(request_op_name(op))) != 0;
}

int
allow_check(unsigned bits, enum request_op op, struct err *e)
{
	if (allow_has(bits, op))
		return 0;
	return err_set(e, ERR_REFUSED, "refused: '%s' is not allowed to this "
	    "client; on the store, 'postern backup accept --allow' changes "
	    "that", request_op_name(op));
}

int
allow_command(const char *command, unsigned bits, enum request_op *ret_op,
    struct err *e)
{
	enum request_op op = 0;
	struct buf shown;

	if (command != NULL && command[0] != '\0') {
		op = request_op_find(command);
		if (op == 0) {
			buf_init(&shown, 1024);
			if (esc_text(&shown, command, strnlen(command,
			    100)) == -1)
				buf_clear(&shown);
			err_set(e, ERR_REFUSED, "refused: '%s' is no "
			    "operation: this key makes backups and nothing "
			    "else", shown.data);
			buf_clear(&shown);
			return -1;
		}
		if (allow_check(bits, op, e) == -1)
			return -1;
	}
	*ret_op = op;
	return 0;
}
