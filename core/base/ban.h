/* SPDX-License-Identifier: ISC */
/*
 * ban: names that must not appear in this code. Force-included into every
 * compilation (meson.build), after the libc headers that declare them.
 * Each has a bounded or checked replacement in core/base.
 */
#ifndef POSTERN_BAN_H
#define POSTERN_BAN_H

#include <alloca.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Macros in some libcs, with some compilers: poisoning one warns. */
#undef alloca
#undef sprintf
#undef vsprintf
#pragma GCC poison strcpy strcat sprintf vsprintf strtok gets
#pragma GCC poison atoi atol atoll atof system popen alloca mktemp tmpnam

#endif
