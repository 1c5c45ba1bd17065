/* SPDX-License-Identifier: ISC */
#include "manifest.h"

#include <stdlib.h>
#include <string.h>

#define TROUBLE_MAX 100		/* lines kept of what a host can't read */

enum { AT_RECORD, AT_PATH, AT_TARGET };

void
manifest_init(struct manifest *m)
{
	*m = (struct manifest){ .trouble = { .max = TROUBLE_MAX } };
	/* A hash or a header stands in front of the longest path. */
	buf_init(&m->field, MANIFEST_PATH_MAX + 128);
}

static void
entry_clear(struct manifest_entry *x)
{
	free(x->path);
	free(x->key);
	free(x->target);
	*x = (struct manifest_entry){ 0 };
}

void
manifest_clear(struct manifest *m)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		entry_clear(&m->v[i]);
	free(m->v);
	strv_clear(&m->trouble);
	buf_clear(&m->field);
	manifest_init(m);
}

static int
bad(struct err *e, const char *why)
{
	return err_set(e, ERR_PEER, "the host's list of files is broken: %s",
	    why);
}

/* A number at *s that ends at stop, base 8 or 10; moves *s behind stop. */
static int
number(const char **s, unsigned base, char stop, uint64_t max, uint64_t *ret)
{
	const char *p = *s;
	uint64_t n = 0;
	unsigned digit;

	if (*p == stop)
		return -1;
	for (; *p != stop; p++) {
		digit = (unsigned)(unsigned char)*p - '0';
		if (digit >= base || n > (max - digit) / base)
			return -1;
		n = n * base + digit;
	}
	*s = stop == '\0' ? p : p + 1;
	*ret = n;
	return 0;
}

/* "T MODE UID GID SIZE" begins a new object. */
static int
object_head(struct manifest *m, const char *s, struct err *e)
{
	uint64_t mode, uid, gid, size;
	struct manifest_entry *v;
	char type = s[0];
	size_t cap;

	if (type <= ' ' || type > '~' || s[1] != ' ')
		return bad(e, "an object's type");
	s += 2;
	if (number(&s, 8, ' ', 07777, &mode) == -1 ||
	    number(&s, 10, ' ', UINT32_MAX, &uid) == -1 ||
	    number(&s, 10, ' ', UINT32_MAX, &gid) == -1 ||
	    number(&s, 10, '\0', INT64_MAX, &size) == -1)
		return bad(e, "an object's numbers");
	if (m->n >= MANIFEST_MAX)
		return bad(e, "too many files");
	if (m->n == m->cap) {
		cap = m->cap > 0 ? m->cap * 2 : 64;
		v = realloc(m->v, cap * sizeof(*v));
		if (v == NULL)
			return err_set(e, ERR_MEM, "out of memory");
		m->v = v;
		m->cap = cap;
	}
	m->v[m->n++] = (struct manifest_entry){ .type = type,
		.mode = (uint16_t)mode, .uid = (uint32_t)uid,
		.gid = (uint32_t)gid, .size = size };
	m->state = AT_PATH;
	return 0;
}

/* Absolute, and without the parts that could lead out of a root. */
static bool
plain_path(const char *s)
{
	size_t n;

	if (s[0] != '/')
		return false;
	if (s[1] == '\0')
		return true;
	while (*s == '/') {
		n = strcspn(++s, "/");
		if (n == 0 || (n == 1 && s[0] == '.') ||
		    (n == 2 && s[0] == '.' && s[1] == '.'))
			return false;
		s += n;
	}
	return true;
}

/* A copy of the field, within the bounds. */
static int
keep(struct manifest *m, const char *s, char **ret, struct err *e)
{
	size_t len = strlen(s);

	if (len > MANIFEST_PATH_MAX)
		return bad(e, "a path is too long");
	if (len + 1 > MANIFEST_BYTES_MAX - m->bytes)
		return bad(e, "too many bytes of paths");
	if ((*ret = strdup(s)) == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	m->bytes += len + 1;
	return 0;
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/*
 * The object called path at or after *at: hashes come in the order of their
 * objects, so that the whole stream costs one walk. NULL: there is none.
 */
static struct manifest_entry *
next_object(struct manifest *m, size_t *at, const char *path)
{
	struct manifest_entry *x;

	while (*at < m->n) {
		x = &m->v[(*at)++];
		if (strcmp(x->path, path) == 0)
			return x;
	}
	return NULL;
}

static int
hash_record(struct manifest *m, const char *s, struct err *e)
{
	struct manifest_entry *x;
	unsigned char sum[32];
	int i, hi, lo;

	for (i = 0; i < 32; i++) {
		hi = hex(s[i * 2]);
		lo = hi < 0 ? -1 : hex(s[i * 2 + 1]);
		if (lo < 0)
			return bad(e, "a hash");
		sum[i] = (unsigned char)(hi << 4 | lo);
	}
	if (s[64] != ' ' || (s[65] != ' ' && s[65] != '*'))
		return bad(e, "a hash's path");
	x = next_object(m, &m->hash_at, s + 66);
	if (x == NULL || x->type != 'f')
		return bad(e, "a hash of a file that it did not list");
	memcpy(x->sha256, sum, sizeof(sum));
	x->hashed = true;
	return 0;
}

/* "MAJOR:MINOR PATH". Devices have an order of their own among the objects. */
static int
device_record(struct manifest *m, const char *s, struct err *e)
{
	size_t len = strcspn(s, " ");
	struct manifest_entry *x = NULL;
	char num[32];

	if (s[len] != ' ' || len == 0 || len >= sizeof(num) ||
	    strspn(s, "0123456789abcdef:") != len)
		return bad(e, "a device's number");
	memcpy(num, s, len);
	num[len] = '\0';
	x = next_object(m, &m->device_at, s + len + 1);
	if (x == NULL || (x->type != 'b' && x->type != 'c'))
		return bad(e, "a device that it did not list");
	return keep(m, num, &x->target, e);
}

static int
record(struct manifest *m, const char *s, struct err *e)
{
	uint64_t status;

	if (s[0] == '\0' || s[1] != ' ')
		return hash_record(m, s, e);
	switch (s[0]) {
	case 'o':
		return object_head(m, s + 2, e);
	case 'r':
		return device_record(m, s + 2, e);
	case 'e':
		if (m->trouble.n >= TROUBLE_MAX)
			m->more_trouble++;
		else if (strv_add(&m->trouble, s + 2) == -1)
			return err_set(e, ERR_MEM, "out of memory");
		return 0;
	case 'z':
		s += 2;
		if (number(&s, 10, '\0', 255, &status) == -1)
			return bad(e, "its end");
		m->status = (int)status;
		m->ended = true;
		return 0;
	default:
		return bad(e, "an unknown record");
	}
}

/* One field, ended by a NUL, has been read. */
static int
field(struct manifest *m, const char *s, struct err *e)
{
	struct manifest_entry *x;

	switch (m->state) {
	case AT_PATH:
		if (!plain_path(s))
			return bad(e, "a path that is not plain");
		m->state = AT_TARGET;
		return keep(m, s, &m->v[m->n - 1].path, e);
	case AT_TARGET:
		x = &m->v[m->n - 1];
		m->state = AT_RECORD;
		if (x->type == 'l')
			return keep(m, s, &x->target, e);
		return s[0] == '\0' ? 0 : bad(e, "a target of no symlink");
	default:
		return record(m, s, e);
	}
}

int
manifest_feed(struct manifest *m, const char *data, size_t len, struct err *e)
{
	const char *nul;
	size_t n;

	while (len > 0) {
		if (m->ended)
			return bad(e, "more after its end");
		nul = memchr(data, '\0', len);
		n = nul != NULL ? (size_t)(nul - data) : len;
		if (buf_add(&m->field, data, n) == -1)
			return bad(e, "a record is too long");
		if (nul == NULL)
			return 0;
		if (field(m, m->field.data, e) == -1)
			return -1;
		/* Not cleared: the next field needs the memory again. */
		buf_eat(&m->field, m->field.len);
		data += n + 1;
		len -= n + 1;
	}
	return 0;
}

static const char *
key(const struct manifest_entry *x)
{
	return x->key != NULL ? x->key : x->path;
}

static int
by_key(const void *a, const void *b)
{
	return strcmp(key(a), key(b));
}

/* Sorted by key; of equal ones one stays, with a hash if there is one. */
static void
sort(struct manifest *m)
{
	size_t i, n = 0;

	if (m->n == 0)
		return;
	qsort(m->v, m->n, sizeof(*m->v), by_key);
	for (i = 0; i < m->n; i++) {
		if (n > 0 && by_key(&m->v[n - 1], &m->v[i]) == 0) {
			if (m->v[n - 1].hashed) {
				entry_clear(&m->v[i]);
				continue;
			}
			entry_clear(&m->v[--n]);
		}
		if (n != i)
			m->v[n] = m->v[i];
		n++;
	}
	m->n = n;
}

int
manifest_end(struct manifest *m, struct err *e)
{
	if (!m->ended || m->state != AT_RECORD)
		return bad(e, "it was cut");
	sort(m);
	return 0;
}

int
manifest_map(struct manifest *m, const struct manifest_root *r, size_t n,
	struct err *e)
{
	const struct manifest_root *best;
	size_t i, j, len, best_len;
	struct manifest_entry *x;
	struct buf b;

	buf_init(&b, (size_t)MANIFEST_PATH_MAX * 2);
	for (i = 0; i < m->n; i++) {
		x = &m->v[i];
		best = NULL;
		best_len = 0;
		for (j = 0; j < n; j++) {
			len = strlen(r[j].there);
			if (strncmp(x->path, r[j].there, len) == 0 &&
			    (x->path[len] == '/' || x->path[len] == '\0') &&
			    (best == NULL || len > best_len)) {
				best = &r[j];
				best_len = len;
			}
		}
		free(x->key);
		x->key = NULL;
		if (best == NULL)
			continue;
		if (buf_addf(&b, "%s%s", best->here, x->path + best_len) == -1
		    || (x->key = buf_steal(&b)) == NULL) {
			buf_clear(&b);
			return err_set(e, ERR_MEM, "out of memory");
		}
	}
	sort(m);
	return 0;
}
