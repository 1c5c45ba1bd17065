/* SPDX-License-Identifier: ISC */
#include "allow.h"

#include "base/esc.h"

#define BIT(op)	(1u << (op))

static const struct { const char *word; unsigned ops; } words[] = {
	{ "run", BIT(REQUEST_RUN) },
	{ "list", BIT(REQUEST_LIST) | BIT(REQUEST_FIND) },
	{ "restore", BIT(REQUEST_RESTORE) | BIT(REQUEST_CAT) },
	{ "verify", BIT(REQUEST_VERIFY) },
};
#define NWORDS	(sizeof(words) / sizeof(words[0]))

int
allow_parse(const char *list, unsigned *ret, struct err *e)
{
	const char *s = list;
	unsigned ops = 0;
	size_t i, n;

	for (;; s += n + 1) {
		n = strcspn(s, ",");
		for (i = 0; i < NWORDS; i++)
			if (strlen(words[i].word) == n &&
			    memcmp(words[i].word, s, n) == 0)
				break;
		if (i == NWORDS)
			return err_set(e, ERR_USAGE, "--allow takes words "
			    "out of run,list,restore,verify, with a comma "
			    "between");
		if ((ops & words[i].ops) != 0)
			return err_set(e, ERR_USAGE, "--allow: '%s' comes "
			    "twice", words[i].word);
		ops |= words[i].ops;
		if (s[n] == '\0')
			break;
	}
	*ret = ops;
	return 0;
}

bool
allow_has(unsigned allowed, enum request_op op)
{
	return op >= REQUEST_RUN && op <= REQUEST_CAT &&
	    (allowed & BIT(op)) != 0;
}

int
allow_check(unsigned allowed, enum request_op op, struct err *e)
{
	if (allow_has(allowed, op))
		return 0;
	return err_set(e, ERR_REFUSED, "refused: '%s' is not allowed to this "
	    "client; on the store, 'postern backup accept --allow' changes "
	    "that", request_op_name(op));
}

int
allow_command(const char *command, unsigned allowed, enum request_op *ret_op,
    struct err *e)
{
	enum request_op op = 0;
	struct buf shown;

	if (command != NULL && command[0] != '\0') {
		op = request_op_find(command);
		if (op == 0) {
			buf_init(&shown, 1024);
			if (esc_text(&shown, command, strnlen(command, 100))
			    == -1)
				buf_clear(&shown);
			err_set(e, ERR_REFUSED, "refused: '%s' is no "
			    "operation: this key makes backups and nothing "
			    "else", shown.data);
			buf_clear(&shown);
			return -1;
		}
		if (allow_check(allowed, op, e) == -1)
			return -1;
	}
	*ret_op = op;
	return 0;
}
