/* SPDX-License-Identifier: ISC */
/*
 * prom: the clients of a store as metrics, in the text format that
 * node_exporter's textfile collector reads. Pure.
 * Source: prometheus.io/docs/instrumenting/exposition_formats.
 */
#ifndef BACKUP_PROM_H
#define BACKUP_PROM_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "state.h"

#define PROM_MAX	(16u << 20)	/* bytes: a cap for prom_emit() */

/* prom_emit(): n clients, and what is free on the store; appended. 0, or -1
 * ERR_MEM. */
int prom_emit(const struct state *v, size_t n, uint64_t free_bytes,
	struct buf *out, struct err *e);

#endif
