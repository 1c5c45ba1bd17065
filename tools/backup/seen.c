/* SPDX-License-Identifier: ISC */
#include "seen.h"

#include <limits.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define NAME_ROOM ((size_t)1 << 20)	/* bytes of a path */

/* mtimes are whatever somebody has set. */
static int64_t
ns_of(const struct timespec *ts)
{
	const int64_t most = INT64_MAX / 1000000000 - 1;

	return ts->tv_sec > most ? INT64_MAX : ts->tv_sec < -most ?
	    INT64_MIN : (int64_t)ts->tv_sec * 1000000000 + ts->tv_nsec;
}

struct seen_entry
seen_of(const struct stat *st)
{
	return (struct seen_entry){ .ino = st->st_ino,
		.size = S_ISDIR(st->st_mode) ? 0 : (uint64_t)st->st_size,
		.mtime_ns = ns_of(&st->st_mtim),
		.ctime_ns = ns_of(&st->st_ctim), .mode = st->st_mode };
}

bool
seen_same(const struct seen_entry *then, const struct seen_entry *now,
    bool resend)
{
	if ((then->flags & SEEN_DOUBT) != 0 ||
	    (resend && (then->flags & SEEN_SENT) != 0))
		return false;
	return then->ino == now->ino && then->size == now->size &&
	    then->mtime_ns == now->mtime_ns &&
	    then->ctime_ns == now->ctime_ns && then->mode == now->mode;
}

int
seen_order(const char *a, const char *b)
{
	for (; *a == *b && *a != '\0'; a++, b++)
		continue;
	if (*a == *b || *a == '\0' || *b == '\0')
		return (*a != '\0') - (*b != '\0');
	/* The end of a name comes before all that a longer one has there. */
	if (*a == '/' || *b == '/')
		return *a == '/' ? -1 : 1;
	return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
}

static int
sum_init(void **ret, struct err *e)
{
	crypto_generichash_state *s;

	*ret = NULL;
	/* It is aligned to 64 bytes. */
	if (sodium_init() == -1 ||
	    posix_memalign((void **)&s, 64, sizeof(*s)) != 0)
		return err_set(e, ERR_MEM, "out of memory");
	crypto_generichash_init(s, NULL, 0, SEEN_SUM);
	*ret = s;
	return 0;
}

/* --- writing --- */

int
seen_out_init(struct seen_out *o, FILE *f, struct err *e)
{
	const struct seen_head none = { .magic = "" };

	*o = (struct seen_out){ .f = f };
	if (sum_init(&o->sum, e) == -1)
		return -1;
	/* Its place, until all else is there. */
	if (fwrite(&none, sizeof(none), 1, f) != 1)
		return err_sys(e, "the list of what was seen");
	return 0;
}

void
seen_out_clear(struct seen_out *o)
{
	free(o->sum);
	o->sum = NULL;
}

static int
put(struct seen_out *o, const void *data, size_t len, struct err *e)
{
	crypto_generichash_update(o->sum, data, len);
	return fwrite(data, len, 1, o->f) == 1 ? 0 :
	    err_sys(e, "the list of what was seen");
}

int
seen_out_folder(struct seen_out *o, const char *path, bool unsure,
    struct err *e)
{
	return put(o, unsure ? "U" : "D", 1, e) == -1 ? -1 :
	    put(o, path, strlen(path) + 1, e);
}

int
seen_out_entry(struct seen_out *o, const char *name,
    const struct seen_entry *s, struct err *e)
{
	return put(o, "E", 1, e) == -1 || put(o, s, sizeof(*s), e) == -1 ?
	    -1 : put(o, name, strlen(name) + 1, e);
}

int
seen_out_end(struct seen_out *o, struct err *e)
{
	unsigned char sum[SEEN_SUM];

	if (put(o, "Z", 1, e) == -1)
		return -1;
	crypto_generichash_final(o->sum, sum, sizeof(sum));
	if (fwrite(sum, sizeof(sum), 1, o->f) != 1 || fflush(o->f) != 0)
		return err_sys(e, "the list of what was seen");
	return 0;
}

/* --- reading --- */

static int
damaged(struct err *e)
{
	return err_set(e, ERR_CONFIG, "the list of what was seen is cut or "
	    "damaged");
}

bool
seen_head_ok(const struct seen_head *h)
{
	struct snapname n;

	return memcmp(h->magic, SEEN_MAGIC, sizeof(SEEN_MAGIC)) == 0 &&
	    memchr(h->snapshot, '\0', sizeof(h->snapshot)) != NULL &&
	    snapname_parse(h->snapshot, &n, NULL) == 0;
}

int
seen_in_init(struct seen_in *in, FILE *f, struct err *e)
{
	*in = (struct seen_in){ .f = f };
	buf_init(&in->name, NAME_ROOM);
	if (sum_init(&in->sum, e) == -1)
		return -1;
	if (fread(&in->head, sizeof(in->head), 1, f) != 1 ||
	    !seen_head_ok(&in->head))
		return damaged(e);
	return 0;
}

void
seen_in_clear(struct seen_in *in)
{
	free(in->sum);
	in->sum = NULL;
	buf_clear(&in->name);
}

static int
get(struct seen_in *in, void *data, size_t len, struct err *e)
{
	if (fread(data, len, 1, in->f) != 1)
		return damaged(e);
	crypto_generichash_update(in->sum, data, len);
	return 0;
}

static int
get_name(struct seen_in *in, struct err *e)
{
	int c;

	buf_eat(&in->name, in->name.len);
	while ((c = getc_unlocked(in->f)) != '\0')
		if (c == EOF || buf_addc(&in->name, (char)c) == -1)
			return damaged(e);
	crypto_generichash_update(in->sum, (unsigned char *)in->name.data,
	    in->name.len + 1);
	return 0;
}

int
seen_in_next(struct seen_in *in, struct err *e)
{
	unsigned char want[SEEN_SUM], have[SEEN_SUM];

	if (get(in, &in->kind, 1, e) == -1)
		return -1;
	in->unsure = in->kind == 'U';
	switch (in->kind) {
	case 'U':
		in->kind = 'D';
		return get_name(in, e);
	case 'D':
		return get_name(in, e);
	case 'E':
		return get(in, &in->entry, sizeof(in->entry), e) == -1 ? -1 :
		    get_name(in, e);
	case 'Z':
		crypto_generichash_final(in->sum, have, sizeof(have));
		if (fread(want, sizeof(want), 1, in->f) != 1 ||
		    memcmp(want, have, sizeof(have)) != 0)
			return damaged(e);
		return 0;
	default:
		return damaged(e);
	}
}
