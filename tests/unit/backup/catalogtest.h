/* SPDX-License-Identifier: ISC */
/* catalogtest: a client's folder with snapshots and their catalogue, in a
 * temporary folder that is also the test's cwd. */
#ifndef POSTERN_CATALOGTEST_H
#define POSTERN_CATALOGTEST_H

#include "../unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "catalog.h"
#include "manifest.h"
#include "query.h"
#include "verify.h"

#define S1 "host.1970-01-12.1000000"
#define S2 "host.1970-01-24.2000000"
#define S3 "host.1970-02-04.3000000"
#define S4 "host.1970-02-16.4000000"

static char ct_dir[] = "/tmp/postern-test-XXXXXX";
static struct catalog ct;
static struct buf ct_said;	/* what callbacks were given, a line each */
static struct err ct_e;

static inline void
ct_ok(int rc)
{
	if (rc != 0)
		fail_msg("%s", ct_e.msg);
}

static inline void
ct_open(void)
{
	ct_ok(catalog_open(&ct, "catalog.db", true, &ct_e));
}

static inline int
ct_enter(void **state)
{
	memcpy(ct_dir + sizeof(ct_dir) - 7, "XXXXXX", 6);
	umask(022);
	if (mkdtemp(ct_dir) == NULL || chdir(ct_dir) == -1)
		return -1;
	buf_init(&ct_said, 1u << 24);
	ct_open();
	return 0;
}

static inline int
ct_remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	return remove(path);
}

static inline int
ct_leave(void **state)
{
	catalog_close(&ct);
	buf_clear(&ct_said);
	if (chdir("/") == -1)
		return -1;
	return nftw(ct_dir, ct_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline void
ct_put(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
}

/* mtime: seconds since 1970. */
static inline void
ct_time(const char *path, time_t mtime)
{
	struct timespec ts[2] = { { mtime, 0 }, { mtime, 0 } };

	assert_int_equal(utimensat(AT_FDCWD, path, ts, AT_SYMLINK_NOFOLLOW), 0);
}

static inline void
ct_file(const char *path, const char *text)
{
	ct_put(path, text);
	ct_time(path, 1000);
}

static inline void
ct_problem(void *arg, const char *path, const char *why)
{
	assert_int_equal(buf_addf(&ct_said, "! %s: %s\n", path, why), 0);
}

static inline int
ct_make(const char *snap, struct manifest_stats *st)
{
	struct manifest_opts o = { .name = snap, .now = 5000000,
		.threads = MANIFEST_THREADS, .problem = ct_problem };
	int rc;

	o.root = open(snap, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	o.client = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(o.root != -1);
	rc = manifest_make(&ct, &o, st, &ct_e);
	close(o.root);
	close(o.client);
	return rc;
}

static inline struct manifest_stats
ct_manifest(const char *snap)
{
	struct manifest_stats st;

	ct_ok(ct_make(snap, &st));
	return st;
}

static inline int
ct_say_file(void *arg, const struct query_file *f, struct err *e)
{
	return buf_addf(&ct_said, "%s %.7s %.7s\n", f->path,
	    strrchr(f->first->name, '.') + 1, strrchr(f->last->name, '.') + 1);
}

static inline int
ct_say_change(void *arg, const struct query_change *ch, struct err *e)
{
	return buf_addf(&ct_said, "%c %s %x\n", ch->a == NULL ? '+' :
	    ch->b == NULL ? '-' : '*', ch->path, ch->what);
}

static inline int
ct_say_found(void *arg, const struct verify_found *f, struct err *e)
{
	return buf_addf(&ct_said, "%c %s %x %s\n", "RAM+U"[f->kind], f->path,
	    f->what, f->why);
}

static inline const char *
ct_find(const char *pattern)
{
	buf_clear(&ct_said);
	ct_ok(query_find(&ct, pattern, NULL, ct_say_file, NULL, &ct_e));
	return ct_said.data;
}

static inline const char *
ct_diff(const char *a, const char *b)
{
	buf_clear(&ct_said);
	ct_ok(query_diff(&ct, a, b, ct_say_change, NULL, &ct_e));
	return ct_said.data;
}

static inline struct verify_stats
ct_verify_opts(struct verify_opts o)
{
	struct verify_stats st;

	buf_clear(&ct_said);
	o.root = open(o.snapshot, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	o.found = ct_say_found;
	ct_ok(verify_run(&ct, &o, &st, &ct_e));
	close(o.root);
	return st;
}

static inline struct verify_stats
ct_verify(const char *snap)
{
	return ct_verify_opts((struct verify_opts){ .snapshot = snap,
		.now = 6000000, .since = INT64_MAX, .threads = 2 });
}

#endif
