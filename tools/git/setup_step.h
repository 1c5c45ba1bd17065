/* SPDX-License-Identifier: ISC */
/*
 * setup_step: single steps of a set-up, each of which looks first whether it
 * is done already, does it, and says which of the two it was. In a dry run it
 * says what it would do and changes nothing.
 */
#ifndef GIT_SETUP_STEP_H
#define GIT_SETUP_STEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

struct step {
	bool dry_run;
	unsigned changed;	/* steps that were not done already */
};

/* step_say(): a step that somebody else did, or found done. */
void step_say(struct step *s, bool changed, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* step_file(): path has text (of len bytes), mode, root and the group gid.
 * 0, or -1 as file_read(), file_write(). */
int step_file(struct step *s, const char *path, const char *text, size_t len,
	mode_t mode, gid_t gid, struct err *e);

/* step_folder(): path is a folder of that mode and owner; its parents are
 * made as root's. 0, or -1: ERR_UNSAFE (it is something else), ERR_SYS. */
int step_folder(struct step *s, const char *path, mode_t mode, uid_t uid,
	gid_t gid, struct err *e);

/* step_link(): path is a symbolic link that says target. 0, or -1: ERR_UNSAFE
 * (something else is there), ERR_SYS. */
int step_link(struct step *s, const char *path, const char *target,
	struct err *e);

/* step_read(): the file at path appended to out; a missing one is empty.
 * 0, or -1 as file_read(). */
int step_read(const char *path, struct buf *out, struct err *e);

/* step_run(): a program to its end, also in a dry run; its stdout appended to
 * out (NULL: thrown away). 0, or -1: ERR_PEER (it failed: its last words),
 * ERR_TIMEOUT, ERR_SYS, ERR_MEM. */
int step_run(const char *const *argv, struct buf *out, struct err *e);

/* step_limit(): how long each program of step_run() has from now on, instead
 * of a minute; as the command line says. */
void step_limit(uint64_t ms);

/* step_systemd(): whether systemd is this machine's init. */
bool step_systemd(void);

#endif
