/* SPDX-License-Identifier: ISC */
/*
 * store_begun: what .incoming was begun as, STORE/.postern/NAME/begun, for who
 * finds one that a broken run has left: two lines, the job and the snapshot
 * that it is built upon, each empty if there is none. It is written before
 * .incoming is made, and means nothing while there is none.
 */
#ifndef POSTERN_STORE_BEGUN_H
#define POSTERN_STORE_BEGUN_H

#include <stdbool.h>

#include "store.h"
#include "store_list.h"
#include "store_rec.h"

struct store_begun {
	char job[STORE_REC_WORD];
	char basis[STORE_SNAP_MAX];
};

/* store_begun_put(): the caller holds c's lock. 0, or -1 ERR_SYS. */
int store_begun_put(const struct store_client *c, const struct store_begun *b,
	struct err *e);

/* store_begun_get(): false: nobody has written it down. */
bool store_begun_get(const struct store_client *c, struct store_begun *ret);

#endif
