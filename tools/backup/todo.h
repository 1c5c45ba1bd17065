/* SPDX-License-Identifier: ISC */
/*
 * todo: the folders that tree_run() has yet to go through, smallest path
 * first. A temporary table, since there can be millions.
 */
#ifndef POSTERN_TODO_H
#define POSTERN_TODO_H

#include "base/buf.h"
#include "catalog_sql.h"

struct todo {
	struct catalog *cat;
	sqlite3_stmt *push, *pop, *drop;
};

int todo_init(struct todo *t, struct err *e);
void todo_clear(struct todo *t);	/* legal on a zeroed struct */

int todo_push(struct todo *t, const char *path, bool gone, struct err *e);

/* todo_pop(): 1 with *path and *ret_gone filled, 0 none left, -1. */
int todo_pop(struct todo *t, struct buf *path, bool *ret_gone,
	struct err *e);

#endif
