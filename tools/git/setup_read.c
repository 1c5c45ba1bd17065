/* SPDX-License-Identifier: ISC */
#include <string.h>
#include <sys/mman.h>

#include "asuser.h"
#include "setup_both.h"
#include "sys/file.h"

#define TEXT_MAX ((size_t)1 << 20)

struct job {
	const char *path;
	char *shared;		/* TEXT_MAX bytes, ours and the reader's */
};

static int
read_it(void *arg, void *ret, struct err *e)
{
	const struct job *j = arg;
	struct buf text;
	int rc;

	buf_init(&text, TEXT_MAX);
	rc = file_read(j->path, &text, e);
	if (rc == 0) {
		memcpy(j->shared, text.data, text.len);
		memcpy(ret, &text.len, sizeof(text.len));
	}
	buf_clear(&text);
	return rc;
}

int
setup_read(struct setup *s, const char *path, struct buf *out, struct err *e)
{
	const struct passwd *pw = getpwnam(s->user.data);
	struct job j = { .path = path };
	size_t len = 0;
	int rc;

	if (pw == NULL)
		return err_set(e, ERR_SYS, "user %s is gone", s->user.data);
	j.shared = mmap(NULL, TEXT_MAX, PROT_READ | PROT_WRITE, MAP_SHARED |
	    MAP_ANONYMOUS, -1, 0);
	if (j.shared == MAP_FAILED)
		return err_sys(e, "mmap");
	rc = asuser_run(pw, read_it, &j, &len, sizeof(len), e);
	if (rc == 0 && buf_add(out, j.shared, len) == -1)
		rc = err_set(e, ERR_MEM, "%s: too large", path);
	munmap(j.shared, TEXT_MAX);
	return rc;
}
