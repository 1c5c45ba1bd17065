/* SPDX-License-Identifier: ISC */
/*
 * cage_text CFG SELF [FIFO…]: the drop-in on stdout, what it needs after a
 * line "#END", as remote/cage.sh wants them. For tests of the cage alone.
 */
#include <stdio.h>

#include "cage.h"

int
main(int argc, char **argv)
{
	const struct cfg *cfgs[1];
	struct strv fifos = { 0 }, needs = { 0 };
	struct cage_input in = { .cfgs = cfgs, .ncfgs = 1, .fifos = &fifos };
	struct err e = ERR_INIT;
	struct cfg c = { 0 };
	struct buf text;
	int i, rc = 1;

	buf_init(&text, 65536);
	if (argc < 3)
		return 64;
	for (i = 3; i < argc; i++)
		strv_add(&fifos, argv[i]);
	in.self = argv[2];
	cfgs[0] = &c;
	if (cfg_parse(argv[1], argv[2], cfg_load_file, NULL, &c, &e) == 0 &&
	    cage_emit(&in, &text, &needs, NULL, &e) == 0) {
		printf("%s#END\n", text.data);
		for (i = 0; i < (int)needs.n; i++)
			printf("%s\n", needs.v[i]);
		rc = 0;
	} else
		fprintf(stderr, "%s\n", e.msg);
	strv_clear(&fifos);
	strv_clear(&needs);
	buf_clear(&text);
	cfg_clear(&c);
	return rc;
}
