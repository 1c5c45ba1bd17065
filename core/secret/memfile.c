/* SPDX-License-Identifier: ISC */
#include "secret/memfile.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "secret/secret.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | \
	F_SEAL_SEAL)

int
memfile_harden(struct err *e)
{
	if (secret_harden(e) == -1)
		return -1;
	if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == -1)
		return err_sys(e, "PR_SET_DUMPABLE");
	return 0;
}

/* The pages are locked before anything is in them. FUTURE_WRITE leaves our
 * own mapping writable: it is wiped through that. */
int
memfile_init(struct memfile *m, const void *data, size_t len, struct err *e)
{
	struct memfile n = { .fd = -1, .len = len };
	void *map = MAP_FAILED;

	n.fd = memfd_create("postern", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (n.fd == -1 || fchmod(n.fd, 0600) == -1 ||
	    ftruncate(n.fd, (off_t)len) == -1)
		goto fail;
	map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, n.fd, 0);
	if (map == MAP_FAILED || mlock(map, len) == -1 ||
	    madvise(map, len, MADV_DONTDUMP) == -1 ||
	    madvise(map, len, MADV_DONTFORK) == -1)
		goto fail;
	if (fcntl(n.fd, F_ADD_SEALS, SEALS) == -1)
		goto fail;
	memcpy(map, data, len);
	n.map = map;
	snprintf(n.path, sizeof(n.path), "/proc/%ld/fd/%d", (long)getpid(),
	    n.fd);
	*m = n;
	return 0;
fail:
	err_sys(e, "a file in locked memory");
	if (map != MAP_FAILED)
		munmap(map, len);
	if (n.fd != -1)
		close(n.fd);
	return -1;
}

void
memfile_clear(struct memfile *m)
{
	if (m->map == NULL)
		return;
	explicit_bzero(m->map, m->len);
	munmap(m->map, m->len);
	close(m->fd);
	*m = (struct memfile){ .fd = -1 };
}
