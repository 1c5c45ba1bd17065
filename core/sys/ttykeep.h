/* SPDX-License-Identifier: ISC */
/*
 * ttykeep: our terminal as it was, around a command that may turn its echo off
 * and be killed before it has turned it on again (termios(3)).
 */
#ifndef POSTERN_TTYKEEP_H
#define POSTERN_TTYKEEP_H

#include <termios.h>

struct ttykeep {
	int fd;			/* /dev/tty; -1: there is none */
	struct termios was;
};

/* ttykeep_begin(): how it is now. */
void ttykeep_begin(struct ttykeep *k);
/* ttykeep_back(): that again, if it is another now and we are in the
 * foreground; what was typed and not read is dropped. */
void ttykeep_back(const struct ttykeep *k);
/* ttykeep_end(): it stays as it is. */
void ttykeep_end(struct ttykeep *k);

#endif
