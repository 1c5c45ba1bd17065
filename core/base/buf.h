/* SPDX-License-Identifier: ISC */
/*
 * buf: a growing byte buffer with a cap that is given at init and never
 * passed, so that a peer can't make us allocate without bound. Not for
 * secrets (see core/secret). The content is always followed by a NUL that
 * len does not count, so .data can be read as a string when it has no NUL
 * inside; .data is "" (never NULL) after buf_init().
 *
 *	struct buf b;
 *	buf_init(&b, 4096);
 *	if (buf_addf(&b, "group %s {\n", name) == -1) ...	cap reached
 *	buf_clear(&b);
 */
#ifndef POSTERN_BUF_H
#define POSTERN_BUF_H

#include <stddef.h>

struct buf {
	char *data;		/* owned; NUL after data[len - 1] */
	size_t len;		/* bytes in use */
	size_t cap;		/* bytes allocated, 0 before the first add */
	size_t max;		/* len never exceeds this */
};

/* buf_init(): an empty buffer that may hold max bytes. Allocates nothing. */
void buf_init(struct buf *b, size_t max);

/* buf_clear(): release; *b is empty again with the same max. Legal on a
 * zeroed struct. */
void buf_clear(struct buf *b);

/*
 * buf_add(), buf_adds(), buf_addc(), buf_addf(): append bytes, a string, a
 * byte, a format. Return 0, or -1 when max would be passed or memory is out;
 * then nothing was appended.
 */
int buf_add(struct buf *b, const void *data, size_t len);
int buf_adds(struct buf *b, const char *s);
int buf_addc(struct buf *b, char c);
int buf_addf(struct buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* buf_eat(): drop the first len bytes (len <= b->len). */
void buf_eat(struct buf *b, size_t len);

/*
 * buf_steal(): returns the content, owned by the caller (free()), and leaves
 * *b empty. NULL when memory is out (an empty buffer yields "").
 */
char *buf_steal(struct buf *b);

#endif
