/* SPDX-License-Identifier: ISC */
/*
 * tell: what find, verify, diff and du say on standard output, whichever side
 * they run on: a line a row, paths escaped, or with --json an object a row;
 * and while it takes time a live line with a bar on a terminal. Nothing is kept:
 * there may be millions of rows.
 */
#ifndef BACKUP_TELL_H
#define BACKUP_TELL_H

#include "backup.h"
#include "hits.h"
#include "query.h"
#include "reply.h"

struct tell;

/* tell_new(): o borrowed. Returns owned, or NULL ERR_MEM. */
struct tell *tell_new(const struct backup_opts *o, struct err *e);
void tell_free(struct tell *t);		/* NULL is legal */

/* Rows. Each 0, or -1 ERR_SYS, ERR_MEM. */
int tell_file(struct tell *t, const struct hits_file *f, struct err *e);
int tell_found(struct tell *t, const struct hits_found *f, struct err *e);
int tell_change(struct tell *t, const struct query_change *c, struct err *e);
int tell_folder(struct tell *t, const struct query_size *s, struct err *e);

/* tell_progress(): how far it is; what: the client or the job. */
void tell_progress(struct tell *t, const char *what, const struct reply *p);
/* tell_verified(): the last line of a verify of what. */
void tell_verified(struct tell *t, const char *what, const struct reply *r);

#endif
