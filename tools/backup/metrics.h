/* SPDX-License-Identifier: ISC */
/*
 * metrics: how a job's last run went, on the machine that is backed up, in
 * the text format of Prometheus, for node_exporter's folder of textfiles
 * ([job] textfile). prom.h is the store's.
 *
 * A run that failed leaves the figures of the last good one as they were: they
 * are read out of the file that is replaced.
 *
 * Source: prometheus.io, "Exposition formats". The label is not called job:
 * that is the name of Prometheus's own.
 */
#ifndef BACKUP_METRICS_H
#define BACKUP_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define METRICS_MAX 65536	/* bytes of a file */

struct metrics {
	uint64_t run_s, status, seconds;	/* of the last run */
	/* Of the last good one; good_s 0: there was none, and nothing is
	 * written of it. */
	uint64_t good_s, files, bytes, added, vanished, changed;
};

/* metrics_emit(): append the file of job. Pure. 0, or -1 ERR_MEM. */
int metrics_emit(const struct metrics *m, const char *job, struct buf *out,
	struct err *e);
/* metrics_parse(): what metrics_emit() has written, into *ret; what is not
 * there, or is no number, stays as it is. Pure. */
void metrics_parse(const char *text, struct metrics *ret);

/*
 * metrics_write(): replace path, whole, by m; when m->good_s is 0, with the
 * figures of the last good run that path has. 0, or -1: as file_write(),
 * ERR_MEM.
 */
int metrics_write(const char *path, const char *job,
	const struct metrics *m, struct err *e);

#endif
