/* SPDX-License-Identifier: ISC */
/*
 * say: what the programs of the initramfs print: whole, in as few write(2)s as
 * the kernel lets us, so that a session that is cut off leaves whole lines.
 */
#ifndef BOOT_SAY_H
#define BOOT_SAY_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* say_bytes(): 0, or -1: fd takes no more. */
int say_bytes(int fd, const char *p, size_t len);

/* say_line(): b, its newline added, and b is empty again. 0, or -1: as
 * say_bytes(), or b's cap. */
int say_line(int fd, struct buf *b);

/* say_now(): b and a newline, as far as fd takes it without waiting: a terminal
 * that was stopped, or that nobody reads, holds us up no longer. b is empty
 * again. */
void say_now(int fd, struct buf *b);

/* say_err(): e on standard error, escaped. Its exit status. */
int say_err(const char *program, const struct err *e);

#endif
