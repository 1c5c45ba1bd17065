/* SPDX-License-Identifier: ISC */
/* unit: what every unit test includes first. */
#ifndef POSTERN_UNIT_H
#define POSTERN_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A failure with this code whose message has this text in it. */
#define assert_err(e, want, text) do {					\
	assert_int_equal((e)->code, (want));				\
	if (strstr((e)->msg, (text)) == NULL)				\
		fail_msg("no '%s' in '%s'", (text), (e)->msg);		\
} while (0)

#endif
