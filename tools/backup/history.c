/* SPDX-License-Identifier: ISC */
#include "history.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "prune.h"
#include "retain.h"
#include "store_hold.h"
#include "store_space.h"

static void
fill(const struct store_client *c, struct history_snap *s)
{
	struct store_rec r = { .one_fs = false };

	s->pinned = store_hold_pinned(c, s->name);
	s->held = store_hold_held(c, s->name);
	if (store_rec_get(c, s->name, &r, NULL) == -1)
		return;
	s->recorded = true;
	s->partial = r.partial;
	s->backend = r.backend;
	s->files = r.files;
	s->bytes = r.bytes;
	s->added = r.added;
	s->seconds = r.seconds;
	memcpy(s->job, r.job, sizeof(s->job));
	store_rec_clear(&r);
}

int
history_read(const struct store_client *c, struct history *ret,
    struct err *e)
{
	struct store_list list = { 0 };
	struct history h = { 0 };
	struct history_snap s;
	struct stat st;
	size_t i;

	if (store_list_read(c, &list, e) == -1)
		return -1;
	h.stray_n = list.stray_n;
	h.v = calloc(list.n + 1, sizeof(*h.v));
	if (h.v == NULL) {
		store_list_clear(&list);
		return err_set(e, ERR_MEM, "out of memory");
	}
	for (i = 0; i < list.n; i++) {
		s = (struct history_snap){ .time_s = list.snaps[i].time_s };
		memcpy(s.name, list.snaps[i].name, sizeof(s.name));
		fill(c, &s);
		/* Its record goes after it: what is there now was whole. */
		if (fstatat(c->fd, s.name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			h.v[h.n++] = s;
	}
	store_list_clear(&list);
	*ret = h;
	return 0;
}

void
history_clear(struct history *h)
{
	free(h->v);
	*h = (struct history){ 0 };
}

int
history_mark(struct history *h, const struct settings_policy *p,
    int64_t now_s, bool next, struct err *e)
{
	struct retain_rules rules = prune_rules(p);
	struct retain_snap *v;
	size_t i, n = h->n;

	v = calloc(n + 1, sizeof(*v));
	if (v == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	for (i = 0; i < h->n; i++)
		v[i] = (struct retain_snap){ .time_s = h->v[i].time_s,
			.pinned = h->v[i].pinned, .held = h->v[i].held,
			.tag = &h->v[i], .series = h->v[i].job };
	if (next)
		v[n++] = (struct retain_snap){ .time_s = now_s,
			.series = h->n > 0 ? h->v[0].job : NULL };
	retain_mark(v, n, &rules, now_s);
	for (i = 0; i < n; i++)
		if (v[i].tag != NULL)
			h->v[(const struct history_snap *)v[i].tag -
			    h->v].why = v[i].why;
	free(v);
	return 0;
}

size_t
history_retire(struct history *h, const char *job)
{
	struct history_snap *s;
	size_t n = 0;

	for (s = h->v; s < h->v + h->n; s++) {
		s->why = (s->pinned ? RETAIN_PINNED : 0u) |
		    (s->held ? RETAIN_HELD : 0u);
		if (s->recorded && strcmp(s->job, job) == 0)
			n++;
		else
			s->why |= RETAIN_OTHER_JOB;
	}
	return n;
}

int
history_used(const struct history *h, uint64_t *ret, struct err *e)
{
	struct store_space_client c = { .name = "", .n = h->n };
	struct store_space_snap *v;
	size_t i;

	v = calloc(h->n + 1, sizeof(*v));
	if (v == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	for (i = 0; i < h->n; i++)	/* there, the oldest comes first */
		v[h->n - 1 - i] = (struct store_space_snap){
			.name = h->v[i].name, .bytes = h->v[i].bytes,
			.added = h->v[i].added };
	c.snaps = v;
	*ret = store_space_used(&c, NULL);
	free(v);
	return 0;
}

int
history_flags(const struct history_snap *s, struct buf *out)
{
	const struct { bool on; const char *word; } flags[] = {
		{ s->pinned, "pinned" }, { s->held, "held" },
		{ s->partial, "partial" }, { !s->recorded, "no record" },
	};
	const char *sep = "";
	size_t i;

	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (!flags[i].on)
			continue;
		if (buf_addf(out, "%s%s", sep, flags[i].word) == -1)
			return -1;
		sep = ", ";
	}
	return 0;
}
