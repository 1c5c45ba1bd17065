/* SPDX-License-Identifier: ISC */
/*
 * execute: a program of the image's, to its end. Libc only.
 */
#ifndef BOOT_EXECUTE_H
#define BOOT_EXECUTE_H

#include <stdint.h>

#include "base/err.h"
#include "sys/lockmem.h"

/*
 * execute_run(): path with argv and nothing of our environment, in a process
 * group of its own, that SIGTERM ends after timeout_ms milliseconds, or SIGKILL
 * 5 s later.
 * input: its standard input, borrowed, at most what a pipe holds; NULL: empty.
 * Its output goes nowhere. 0 with *ret_status as waitpid(2)'s, or -1: ERR_SYS,
 * ERR_TIMEOUT.
 */
int execute_run(const char *path, char *const *argv,
	const struct lockmem *input, uint64_t timeout_ms, int *ret_status,
	struct err *e);

#endif
