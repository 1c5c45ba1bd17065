/* SPDX-License-Identifier: ISC */
#include "store_begun.h"

#include <stdio.h>
#include <string.h>

#include "store_file.h"

#define NAME "begun"

int
store_begun_put(const struct store_client *c, const struct store_begun *b,
    struct err *e)
{
	char text[sizeof(*b) + 2];

	snprintf(text, sizeof(text), "%s\n%s\n", b->job, b->basis);
	return store_file_put(c->admin_fd, c->admin_path, NAME, text,
	    strlen(text), e);
}

/* A line of *text, which gets behind it, to ret. */
static bool
line(const char **text, char *ret, size_t size)
{
	size_t n = strcspn(*text, "\n");

	if ((*text)[n] == '\0' || n >= size)
		return false;
	memcpy(ret, *text, n);
	ret[n] = '\0';
	*text += n + 1;
	return true;
}

bool
store_begun_get(const struct store_client *c, struct store_begun *ret)
{
	struct store_begun b;
	const char *text;
	struct buf buf;
	bool ok = false;

	buf_init(&buf, sizeof(b) + 2);
	if (store_file_get(c->admin_fd, c->admin_path, NAME, &buf, NULL) == 0 &&
	    buf.data != NULL) {
		text = buf.data;
		ok = line(&text, b.job, sizeof(b.job)) &&
		    line(&text, b.basis, sizeof(b.basis)) &&
		    (b.basis[0] == '\0' ||
		    store_snapshot_ok(c, b.basis, NULL) == 0);
	}
	if (ok)
		*ret = b;
	buf_clear(&buf);
	return ok;
}
