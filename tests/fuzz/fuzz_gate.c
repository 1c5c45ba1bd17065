/* SPDX-License-Identifier: ISC */
/* gate: whatever is taken, its canonical form is taken again and is the same
 * in bytes and argv; it sends roots and holds nothing that was not looked for.
 * A refusal is printable. The same bytes are tried as a client's command. */
#include <stdint.h>

#include "allow.h"
#include "gate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
promise(int kept)
{
	if (!kept)
		abort();
}

static void
check_argv(const struct strv *argv, const struct strv *roots)
{
	size_t i;

	promise(argv->n >= 7 && strcmp(argv->v[0], "rsync") == 0 &&
	    strcmp(argv->v[1], "--server") == 0 &&
	    strcmp(argv->v[2], "--sender") == 0);
	promise(strpbrk(argv->v[3], "-") == argv->v[3] &&
	    strchr(argv->v[3] + 1, '-') == NULL);
	promise(strcspn(argv->v[3], "kbdmOP") == strlen(argv->v[3]));
	for (i = 4; strcmp(argv->v[i], ".") != 0; i++)
		promise(strncmp(argv->v[i], "--", 2) == 0);
	for (i++; i < argv->n; i++)
		promise(strv_has(roots, argv->v[i]));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strv roots = { 0 }, argv = { 0 }, again = { 0 };
	struct err e = ERR_INIT;
	enum request_op op = 0;
	struct buf one, two;
	const char *p;
	char *text;
	size_t i;

	buf_init(&one, GATE_MAX);
	buf_init(&two, GATE_MAX);
	strv_add(&roots, "/");
	strv_add(&roots, "/home");
	strv_add(&roots, "/my dir*");
	if (gate_parse((const char *)data, size, &roots, &argv, &e) == 0) {
		check_argv(&argv, &roots);
		promise(gate_emit(&argv, &one) == 0 && one.len <= size);
		promise(gate_parse(one.data, one.len, &roots, &again, &e)
		    == 0);
		promise(again.n == argv.n);
		for (i = 0; i < argv.n; i++)
			promise(strcmp(argv.v[i], again.v[i]) == 0);
		promise(gate_emit(&again, &two) == 0 && two.len == one.len &&
		    memcmp(one.data, two.data, one.len) == 0);
	} else {
		promise(e.code == ERR_REFUSED);
		for (p = e.msg; *p != '\0'; p++)
			promise((unsigned char)*p >= 0x20);
	}
	text = strndup((const char *)data, size);
	if (text != NULL && allow_command(text, ALLOW_LIST, &op, &e)
	    == 0)
		promise(op == 0 ? text[0] == '\0' : op == REQUEST_LIST);
	free(text);
	strv_clear(&roots);
	strv_clear(&argv);
	strv_clear(&again);
	buf_clear(&one);
	buf_clear(&two);
	return 0;
}
