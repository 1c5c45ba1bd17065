/* SPDX-License-Identifier: ISC */
/*
 * git_keys SESSIONS KEYS BASE ID FP: a session of ID's on the gateway with the
 * key FP, as far as keys are concerned, for test_git_keys_sessions.py:
 * enters, says "in" if its key is still in force, otherwise "revoked", and goes
 * on until its stdin ends.
 */
#include <stdio.h>
#include <unistd.h>

#include "keyask.h"
#include "sessions.h"
#include "ui/log.h"

int
main(int argc, char **argv)
{
	struct err e = ERR_INIT;
	char c;

	log_open("git_keys", LOG_LVL_INFO);
	if (argc != 6)
		return 64;
	if (sessions_enter(argv[1], argv[4], argv[5], "0123456789abcdef",
	    &e) == -1)
		return log_err(&e);
	if (keyask_still(argv[2], argv[3], argv[4], argv[5], &e) == -1) {
		puts("revoked");
		sessions_leave(argv[1]);
		return 1;
	}
	puts("in");
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	sessions_leave(argv[1]);
	return 0;
}
