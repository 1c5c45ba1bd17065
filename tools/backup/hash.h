/* SPDX-License-Identifier: ISC */
/*
 * hash: BLAKE2b (256 bits, no key) of whole files, by a few threads that run
 * ahead of their caller. Results come in the order of the jobs, in the
 * caller's own thread. What was read is given back to the kernel, so that
 * the store's cache isn't flooded by files that nobody else reads.
 *
 *	hash_pool_new(2, sizeof(struct mine), done, arg, &pool, e)
 *	mine = hash_pool_slot(pool, e); fill *mine
 *	hash_pool_submit(pool, fd, size)	…
 *	hash_pool_drain(pool, e)
 *	hash_pool_free(pool)
 *
 * Source: RFC 7693, libsodium's crypto_generichash, posix_fadvise(2).
 */
#ifndef POSTERN_HASH_H
#define POSTERN_HASH_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define HASH_BYTES	32
#define HASH_SLOTS	64	/* jobs, and so fds, at a time */

struct hash_pool;

struct hash_result {
	int sys_errno;			/* 0, or why it could not be read */
	uint64_t bytes;			/* read */
	unsigned char hash[HASH_BYTES];
};

/* hash_bytes(): the hash of len bytes. */
void hash_bytes(const void *data, size_t len, unsigned char out[HASH_BYTES]);

/*
 * hash_pool_new(): threads 0 to 8; with 0 the work is done in the caller's.
 * slot_bytes	what the caller keeps with a job, zeroed at first
 * done		called for each job by the functions below; -1 with *e filled
 *		ends them with -1
 * 0, or -1: ERR_MEM, ERR_SYS.
 */
int hash_pool_new(unsigned threads, size_t slot_bytes,
	int (*done)(void *arg, void *slot, const struct hash_result *r,
	struct err *e), void *arg, struct hash_pool **ret, struct err *e);

/* hash_pool_stop(): before the first job: once *stop (borrowed) is true, reading
 * ends soon, also in the midst of a file: sys_errno is ECANCELED then. */
void hash_pool_stop(struct hash_pool *p, const atomic_bool *stop);

/* hash_pool_slot(): the place of the next job, when need be after the oldest
 * one is done. Borrowed until that job's done(). NULL: done() failed. */
void *hash_pool_slot(struct hash_pool *p, struct err *e);

/* hash_pool_submit(): read fd (taken; a regular file of about size bytes)
 * for the slot that was asked for last. */
void hash_pool_submit(struct hash_pool *p, int fd, uint64_t size);

/* hash_pool_drain(): until each job is done. 0, or -1 as done() said. */
int hash_pool_drain(struct hash_pool *p, struct err *e);

/* hash_pool_free(): stops the threads; jobs that wait are dropped. NULL is
 * allowed. */
void hash_pool_free(struct hash_pool *p);

#endif
