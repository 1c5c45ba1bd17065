/* SPDX-License-Identifier: ISC */
/*
 * memfile: a file for a program that wants a path, and that no disk or swap
 * ever sees: a memfd of mode 0600, whose pages are locked and wiped in the
 * end. Its path is /proc/PID/fd/N, with our own PID: ssh(1) and sshd(8) close
 * the descriptors that they inherit, and open what a path names.
 *
 * Whoever opens that path must be of our uid, and we must be dumpable in the
 * sense of prctl(2): memfile_harden() in main() instead of secret_harden().
 * Source: memfd_create(2), fcntl(2) (F_SEAL_FUTURE_WRITE), proc_pid_fd(5),
 * ptrace(2) (access mode checking).
 */
#ifndef POSTERN_MEMFILE_H
#define POSTERN_MEMFILE_H

#include <stddef.h>

#include "base/err.h"

#define MEMFILE_PATH 40		/* bytes of a path, with the NUL */

struct memfile {
	int fd;
	unsigned char *map;	/* NULL: there is none */
	size_t len;
	char path[MEMFILE_PATH];
};

/*
 * memfile_harden(): as secret_harden(), but this uid's programs may open what
 * we hold. Cores stay off: RLIMIT_CORE says so, too. 0, or -1 ERR_SYS.
 */
int memfile_harden(struct err *e);

/* memfile_init(): a file of len bytes (borrowed). Nobody can change it
 * afterwards. 0 with *m filled, for memfile_clear(), or -1 ERR_SYS. */
int memfile_init(struct memfile *m, const void *data, size_t len,
	struct err *e);
/* memfile_clear(): wipes and closes. Legal on a zeroed struct. */
void memfile_clear(struct memfile *m);

#endif
