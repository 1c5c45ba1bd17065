/* SPDX-License-Identifier: ISC */
/* say: results on standard output: tables as wide as the terminal, names as
 * ls(1) prints them, JSON lines. */
#ifndef BACKUP_SAY_H
#define BACKUP_SAY_H

#include <stdbool.h>

#include "history.h"
#include "rows.h"
#include "table.h"

/* say_table(): 0, or -1 ERR_SYS, ERR_MEM. */
int say_table(const struct table *t, struct err *e);

/* say_utf8(): whether the locale is UTF-8. */
bool say_utf8(void);

/* say_json(): to be called with what emit_end() returned. 0, or -1 ERR_SYS. */
int say_json(int rc, struct err *e);

/* say_snap_head(): an empty table of snapshots; say_snap(): a row of it. */
void say_snap_head(struct table *t);
void say_snap(struct table *t, const struct history_snap *s);
/* say_snap_json(): one object. */
int say_snap_json(const struct history_snap *s, struct err *e);

/*
 * say_entry(): a line like ls -l's, or an object. raw: the name byte by byte,
 * as a program wants it; else escaped for a terminal. 0, or -1 ERR_SYS.
 */
int say_entry(const struct rows_entry *r, bool raw, struct err *e);
int say_entry_json(const struct rows_entry *r, struct err *e);

/* say_mode(): "drwxr-sr-t". */
void say_mode(uint32_t mode, char out[11]);

#endif
