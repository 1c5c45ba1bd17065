/* SPDX-License-Identifier: ISC */
#include "keyserial.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/num.h"
#include "pushstate.h"
#include "sys/file.h"

/* Root reads it as well, and follows no link of the git user's. */
static int
read_text(const char *path, struct buf *b)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX];

	if (slash == NULL || slash - path >= PATH_MAX)
		return -1;
	memcpy(dir, path, (size_t)(slash - path));
	dir[slash - path] = '\0';
	return file_read_below(dir, slash + 1, b, NULL);
}

static uint64_t
number(struct buf *b)
{
	uint64_t n = 0;

	if (b->len > 1 && b->data[b->len - 1] == '\n') {
		b->data[b->len - 1] = '\0';
		if (num_u64(b->data, "", 1, INT64_MAX, &n, NULL) == -1)
			n = 0;
	}
	return n;
}

uint64_t
keyserial_last(const char *path)
{
	uint64_t n = 0;
	struct buf b;

	buf_init(&b, 32);
	if (read_text(path, &b) == 0)
		n = number(&b);
	buf_clear(&b);
	return n;
}

/* The folder may be a link here: whoever pushes writes there, too. */
static uint64_t
noted(const char *path)
{
	uint64_t n = 0;
	struct buf b;

	buf_init(&b, 32);
	if (file_read(path, &b, NULL) == 0)
		n = number(&b);
	buf_clear(&b);
	return n;
}

int
keyserial_next(const char *path, uint64_t now_s, uint64_t *ret,
    struct err *e)
{
	uint64_t last = noted(path), next;
	char text[32];
	int n;

	if (last >= INT64_MAX)
		return err_set(e, ERR_REFUSED, "%s: no number is left behind "
		    "%" PRIu64, path, last);
	next = now_s > last && now_s <= INT64_MAX ? now_s : last + 1;
	n = snprintf(text, sizeof(text), "%" PRIu64 "\n", next);
	if (pushstate_write(path, text, (size_t)n, e) == -1)
		return -1;
	*ret = next;
	return 0;
}
