/* SPDX-License-Identifier: ISC */
/*
 * ask: one question of a client to its store whose answer is data and then a
 * result, as `list` has it: no rsync on either side.
 */
#ifndef BACKUP_ASK_H
#define BACKUP_ASK_H

#include "backup.h"
#include "reply.h"
#include "request.h"

/* The payload of a MSG_DATA, borrowed. 0, or -1 with *e filled, which ends
 * it. */
typedef int ask_data_fn(void *arg, const char *data, size_t len,
	struct err *e);

/* ask_job(): the job that o means, filled, with what the options of ssh say;
 * borrowed. NULL: ERR_CONFIG, ERR_MEM. */
struct settings_job *ask_job(struct backup_opts *o, struct err *e);

/*
 * ask_store(): returns once the store's last word has come, with *ret its
 * result, whose status may be 0 or 2 (ret->why says of what there is only a
 * part). -1: ERR_REFUSED, ERR_BUSY (the store's reason), ERR_PEER,
 * ERR_TIMEOUT (the connection), or on_data's.
 */
int ask_store(const struct settings_job *j, const struct request *q,
	ask_data_fn *on_data, void *arg, struct reply *ret, struct err *e);

/* ask_watch(): the same; progress is called for each MSG_PROGRESS, before
 * there is an answer, too. */
int ask_watch(const struct settings_job *j, const struct request *q,
	ask_data_fn *on_data, void (*progress)(void *arg,
	const struct reply *p), void *arg, struct reply *ret, struct err *e);

#endif
