/* SPDX-License-Identifier: ISC */
/*
 * plain: paths that say where they lead. Pure. A plain path is absolute, at
 * most PLAIN_MAX bytes, without "//", without the parts "." and "..", and
 * does not end in '/' unless it is "/". Any other byte but NUL may be in it.
 */
#ifndef POSTERN_PLAIN_H
#define POSTERN_PLAIN_H

#include <stdbool.h>
#include <stddef.h>

#define PLAIN_MAX	4095	/* PATH_MAX without its NUL */

/* plain_why(): why path is not plain, in words that follow its name ("is not
 * absolute"); NULL when it is. */
const char *plain_why(const char *path);

/* plain_below(): whether path is dir or lies below it; both are plain. */
bool plain_below(const char *path, const char *dir);

#endif
