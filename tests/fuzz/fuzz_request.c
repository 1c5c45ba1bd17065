/* SPDX-License-Identifier: ISC */
/* request: what is taken can be emitted, and that is taken again and comes
 * out the same; its paths are absolute and lead nowhere else; a refusal is
 * printable. */
#include <stdint.h>

#include "proc/msg.h"
#include "request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
promise(int kept)
{
	if (!kept)
		abort();
}

static void
check_paths(const struct strv *list)
{
	const char *p;
	size_t i;

	for (i = 0; i < list->n; i++) {
		p = list->v[i];
		promise(p[0] == '/' && strstr(p, "//") == NULL &&
		    strstr(p, "/../") == NULL);
		promise(strlen(p) < 3 || strcmp(p + strlen(p) - 3, "/..") != 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct request r = { .op = 0 }, again = { .op = 0 };
	struct buf one, two;
	struct err e = ERR_INIT;
	const char *p;

	buf_init(&one, MSG_MAX);
	buf_init(&two, MSG_MAX);
	if (request_parse((const char *)data, size, &r, &e) == 0) {
		promise(request_op_find(request_op_name(r.op)) == r.op);
		check_paths(&r.roots);
		check_paths(&r.paths);
		promise(request_emit(&r, &one, &e) == 0);
		promise(request_parse(one.data, one.len, &again, &e) == 0);
		promise(request_emit(&again, &two, &e) == 0);
		promise(one.len == two.len &&
		    memcmp(one.data, two.data, one.len) == 0);
	} else {
		promise(e.code == ERR_PEER);
		for (p = e.msg; *p != '\0'; p++)
			promise(*p >= 0x20 && *p < 0x7f);
	}
	request_clear(&r);
	request_clear(&again);
	buf_clear(&one);
	buf_clear(&two);
	return 0;
}
