/* SPDX-License-Identifier: ISC */
#include "serve_snap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/esc.h"
#include "fakestat.h"
#include "store_hold.h"
#include "store_rec.h"
#include "sys/beneath.h"

int
serve_snap_resolve(struct serve *s, struct err *e)
{
	const struct store_snap *newest;
	struct store_list l;
	char *name = NULL;

	if (s->req.snapshot == NULL ||
	    strcmp(s->req.snapshot, REQUEST_LATEST) != 0)
		return 0;
	if (store_list_read(&s->client, &l, e) == -1)
		return -1;
	/* One of the future was made before the clock was set back. */
	newest = store_list_basis(&l, s->store.now());
	if (newest == NULL)
		err_set(e, ERR_REFUSED, "there is no snapshot yet");
	else if ((name = strdup(newest->name)) == NULL)
		err_set(e, ERR_MEM, "out of memory");
	store_list_clear(&l);
	if (name == NULL)
		return -1;
	free(s->req.snapshot);
	s->req.snapshot = name;
	return 0;
}

int
serve_snap_open(struct serve *s, struct serve_snap *ret, struct err *e)
{
	struct serve_snap p = { .fake_super = true };
	struct store_rec rec = { 0 };
	struct err ignored = ERR_INIT;

	if (serve_snap_resolve(s, e) == -1)
		return -1;
	snprintf(p.name, sizeof(p.name), "%s", s->req.snapshot);
	if (store_hold_take(&s->client, p.name, &p.hold, &p.dir, e) == -1)
		return -1;
	/* A snapshot without its record is readable all the same. */
	if (store_rec_get(&s->client, p.name, &rec, &ignored) == 0)
		p.fake_super = !rec.real;
	store_rec_clear(&rec);
	*ret = p;
	return 0;
}

void
serve_snap_close(struct serve_snap *p)
{
	close(p->dir);
	close(p->hold);
}

static int
not_there(const struct serve_snap *p, const char *path, int err,
    struct err *e)
{
	struct buf shown;

	buf_init(&shown, 400);
	if (esc_text(&shown, path, strnlen(path, 90)) == -1)
		buf_clear(&shown);
	if (err == ENOENT || err == ENOTDIR)
		err_set(e, ERR_REFUSED, "%s: is not in %s", shown.data,
		    p->name);
	else if (err == ELOOP || err == EXDEV)
		err_set(e, ERR_REFUSED, "%s: leads through a symbolic link "
		    "in %s", shown.data, p->name);
	else
		err_sys(e, "%s: %s", p->name, shown.data);
	buf_clear(&shown);
	return -1;
}

int
serve_snap_at(const struct serve_snap *p, const char *path, int flags,
    int *ret_fd, struct err *e)
{
	int fd = beneath_open(p->dir, path, flags, 0);

	if (fd == -1)
		return not_there(p, path, errno, e);
	*ret_fd = fd;
	return 0;
}

mode_t
serve_snap_mode(const struct serve_snap *p, int fd)
{
	struct stat st;
	struct fakestat fake;
	char text[FAKESTAT_MAX];
	ssize_t n = -1;

	if (p->fake_super)
		n = fgetxattr(fd, FAKESTAT_ATTR, text, sizeof(text));
	if (n > 0 && fakestat_parse(text, (size_t)n, &fake, NULL) == 0)
		return (mode_t)fake.mode;
	return fstat(fd, &st) == 0 ? st.st_mode : 0;
}
