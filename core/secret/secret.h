/* SPDX-License-Identifier: ISC */
/*
 * secret: bytes that must never reach a disk, swap, an argv, an environment
 * variable, a stdio buffer, a core dump or a log. A struct secret lives in
 * libsodium's guarded memory, is locked (a failing mlock is an error here,
 * unlike in sodium_malloc), excluded from dumps and from forked children
 * (MADV_DONTDUMP, MADV_WIPEONFORK), and wiped when it is freed.
 *
 * Call secret_harden() first thing in main(): no core dumps
 * (PR_SET_DUMPABLE 0 for us, RLIMIT_CORE for what we start), sodium_init(),
 * RLIMIT_MEMLOCK raised to its hard limit.
 *
 * Nothing here is ever formatted with %s. A secret leaves by secret_write()
 * (a pipe, memfd or ramfs file) or through the owner's own write(2) of
 * secret_data(); nothing else.
 * Source: sodium_malloc(3), mlock(2), madvise(2), prctl(2), core(5) and
 * Linux' fs/coredump.c (a limit of 1).
 */
#ifndef POSTERN_SECRET_H
#define POSTERN_SECRET_H

#include <stddef.h>

#include "base/err.h"

struct secret;

/* secret_harden(): see above. 0, or -1 ERR_SYS. */
int secret_harden(struct err *e);

/* secret_new(): len zero bytes, 1..65536. Returns owned, or NULL: ERR_MEM,
 * ERR_SYS (mlock; the message says to raise RLIMIT_MEMLOCK; madvise). */
struct secret *secret_new(size_t len, struct err *e);

/* secret_free(): wipe and release. NULL is legal, and so is a forked child's
 * call, where the content reads as zeros. */
void secret_free(struct secret *s);

/* secret_random(): n characters drawn uniformly from alphabet (2..255
 * distinct bytes, borrowed). Returns owned, or NULL as secret_new(), and
 * ERR_CONFIG for an alphabet with fewer or repeated bytes. */
struct secret *secret_random(size_t n, const char *alphabet, struct err *e);

/*
 * secret_read(): everything from fd until end of file, at most max bytes
 * (1..65536), by read(2) straight into locked memory; waits at most
 * timeout_ms in all (0: no limit). what names the source in messages.
 * Returns owned; its length is what was read (may be 0). NULL as
 * secret_new(), and ERR_TIMEOUT, ERR_CONFIG (more than max bytes).
 */
struct secret *secret_read(int fd, size_t max, unsigned timeout_ms,
	const char *what, struct err *e);

/* secret_cut(): keep the first len bytes (len <= secret_len), wipe the
 * rest. */
void secret_cut(struct secret *s, size_t len);

/* secret_write(): all bytes to a blocking fd. 0, or -1 ERR_SYS (EPIPE only
 * where the caller ignores SIGPIPE, as a loop does). */
int secret_write(const struct secret *s, int fd, struct err *e);

/* Borrowed pointer and length; not NUL-terminated. */
const unsigned char *secret_data(const struct secret *s);
unsigned char *secret_data_mut(struct secret *s);
size_t secret_len(const struct secret *s);

#endif
