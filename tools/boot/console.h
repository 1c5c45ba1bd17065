/* SPDX-License-Identifier: ISC */
/*
 * console: console_peek(1) and console_auth(1), for who is logged in to an
 * initramfs with a shell, by an emergency key or at the console: other names
 * of the agent's program. What console_auth takes goes the agent's way (give.h)
 * and no other: never to a terminal.
 */
#ifndef BOOT_CONSOLE_H
#define BOOT_CONSOLE_H

#include <stdbool.h>

/* console_named(): whether argv0 is one of the two, with any path before it. */
bool console_named(const char *argv0);

/* console_run(): that one. Prints, and returns the exit status: console_auth's
 * is 0 accepted or listed, 2 some of them, 64 the command line, 75 later, 1
 * otherwise. */
int console_run(int argc, char **argv);

#endif
