/* SPDX-License-Identifier: ISC */
#include "catalogtest.h"

#include <sys/xattr.h>

#include "catalog_sql.h"
#include "manifest_rows.h"

#define PATHS	12
#define SNAPS	10

/* What each of SNAPS snapshots has at each path: 0 nothing, else a content.
 * The catalogue must say the same whatever is added and removed when. */
static unsigned char model[SNAPS][PATHS];
static bool there[SNAPS];

static void
name_of(char out[64], int s)
{
	snprintf(out, 64, "host.1970-01-01.%d", 100 + s);
}

static uint32_t seed;

static uint32_t
chance(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

static void
add_snapshot(int s)
{
	struct manifest_stats st;
	char snap[64], path[128];
	int p;

	name_of(snap, s);
	assert_int_equal(mkdir(snap, 0755), 0);
	for (p = 0; p < PATHS; p++) {
		if (model[s][p] == 0)
			continue;
		snprintf(path, sizeof(path), "%s/d%d", snap, p % 3);
		mkdir(path, 0755);
		snprintf(path, sizeof(path), "%s/d%d/f%d", snap, p % 3, p);
		ct_file(path, model[s][p] == 1 ? "one" : "two");
	}
	ct_ok(ct_make(snap, &st));
	there[s] = true;
}

static int
mark(void *arg, const struct query_file *f, struct err *e)
{
	unsigned char *got = arg;
	int p = (int)strtol(strrchr(f->path, 'f') + 1, NULL, 10);

	assert_int_equal(got[p], 0);
	/* The first bytes of the two contents' hashes differ. */
	got[p] = f->m->hash[0];
	return 0;
}

static void
check_all(void)
{
	unsigned char got[PATHS], one = 0, two = 0;
	char snap[64];
	int s, p;

	for (s = 0; s < SNAPS; s++) {
		name_of(snap, s);
		assert_int_equal(catalog_snap(&ct, snap) != NULL, there[s]);
		if (!there[s])
			continue;
		memset(got, 0, sizeof(got));
		ct_ok(query_find(&ct, "f*", snap, mark, got, &ct_e));
		for (p = 0; p < PATHS; p++) {
			assert_int_equal(got[p] != 0, model[s][p] != 0);
			if (model[s][p] == 1 && one == 0)
				one = got[p];
			if (model[s][p] == 2 && two == 0)
				two = got[p];
			if (model[s][p] != 0)
				assert_int_equal(got[p], model[s][p] == 1 ?
				    one : two);
		}
	}
	assert_true(one != two || one == 0);
}

/* Whether diff says of each pair what the model does. */
static void
check_diff(int a, int b)
{
	char sa[64], sb[64], line[64], want;
	int p;

	name_of(sa, a);
	name_of(sb, b);
	ct_diff(sa, sb);
	for (p = 0; p < PATHS; p++) {
		want = model[a][p] == model[b][p] ? 0 : model[a][p] == 0 ?
		    '+' : model[b][p] == 0 ? '-' : '*';
		snprintf(line, sizeof(line), "%c /d%d/f%d ", want, p % 3, p);
		if (want != 0 && strstr(ct_said.data, line) == NULL)
			fail_msg("no '%s' in '%s'", line, ct_said.data);
		snprintf(line, sizeof(line), " /d%d/f%d ", p % 3, p);
		if (want == 0 && strstr(ct_said.data, line) != NULL)
			fail_msg("'%s' in '%s'", line, ct_said.data);
	}
}

static int
rm(const char *path)
{
	return nftw(path, ct_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void
snapshots_come_and_go_in_any_order(void **state)
{
	int round, step, s, p, i, j;
	char snap[64];

	for (round = 0; round < 12; round++) {
		seed = (uint32_t)round * 977 + 5;
		for (s = 0; s < SNAPS; s++)
			for (p = 0; p < PATHS; p++)
				model[s][p] = (unsigned char)(s == 0 ||
				    chance(3) == 0 ? chance(3) :
				    model[s - 1][p]);
		for (step = 0; step < 24; step++) {
			/* In half of the rounds mostly in order. */
			s = round % 2 == 0 && step < SNAPS ? step :
			    (int)chance(SNAPS);
			name_of(snap, s);
			if (there[s]) {
				ct_ok(catalog_remove(&ct, snap, &ct_e));
				assert_int_equal(rm(snap), 0);
				there[s] = false;
			} else {
				add_snapshot(s);
			}
			check_all();
		}
		for (i = 0; i < SNAPS; i++)
			for (j = 0; j < SNAPS; j++)
				if (there[i] && there[j])
					check_diff(i, j);
		for (s = 0; s < SNAPS; s++) {
			name_of(snap, s);
			ct_ok(catalog_remove(&ct, snap, &ct_e));
			if (there[s])
				rm(snap);
			there[s] = false;
		}
		assert_string_equal(ct_find("*"), "");
		ct_ok(catalog_check(&ct, &ct_e));
	}
}

static void
series_do_not_mix(void **state)
{
	assert_int_equal(mkdir("x.1970-01-01.10", 0755) |
	    mkdir("y.1970-01-01.20", 0755) | mkdir("x.1970-01-01.30", 0755),
	    0);
	ct_file("x.1970-01-01.10/a", "same");
	assert_int_equal(link("x.1970-01-01.10/a", "x.1970-01-01.30/a"), 0);
	ct_file("y.1970-01-01.20/b", "other");
	ct_manifest("x.1970-01-01.10");
	ct_manifest("y.1970-01-01.20");
	assert_int_equal(ct_manifest("x.1970-01-01.30").hashed, 0);
	assert_string_equal(ct_find("/a"), "/a 10 30\n");
	assert_string_equal(ct_find("/b"), "/b 20 20\n");
	ct_diff("x.1970-01-01.30", "y.1970-01-01.20");
	assert_non_null(strstr(ct_said.data, "- /a 0\n+ /b 0\n"));
	assert_int_equal(mkdir("nonsense", 0755), 0);
	assert_int_equal(ct_make("nonsense", NULL), -1);
	assert_err(&ct_e, ERR_CONFIG, "not a snapshot's name");
}

static void
make_tree(void)
{
	assert_int_equal(mkdir(S1, 0755) | mkdir(S1 "/etc", 0755) |
	    mkdir(S1 "/etc/ssh", 0755) | mkdir(S1 "/etcetera", 0755) |
	    mkdir(S1 "/etc-b", 0755), 0);
	ct_file(S1 "/etc/passwd", "12345");
	ct_file(S1 "/etc/ssh/config", "1234567");
	ct_file(S1 "/etc/ssh/a.conf", "1");
	ct_file(S1 "/etcetera/config", "123");
	ct_file(S1 "/etc-b/x", "12");
	ct_manifest(S1);
}

#define L " 1000000 1000000\n"

static void
find_takes_paths_prefixes_and_patterns(void **state)
{
	make_tree();
	assert_string_equal(ct_find("/etc/passwd"), "/etc/passwd" L);
	assert_string_equal(ct_find("/etc"), "/etc" L);
	assert_string_equal(ct_find("/"), "/" L "/etc" L "/etc-b" L
	    "/etcetera" L "/etc-b/x" L "/etc/passwd" L "/etc/ssh" L
	    "/etc/ssh/a.conf" L "/etc/ssh/config" L "/etcetera/config" L);
	assert_string_equal(ct_find("/etc/ssh/"), "/etc/ssh" L
	    "/etc/ssh/a.conf" L "/etc/ssh/config" L);
	assert_string_equal(ct_find("/etc/s**"), "/etc/ssh" L
	    "/etc/ssh/a.conf" L "/etc/ssh/config" L);
	assert_string_equal(ct_find("/etc/s*"), "/etc/ssh" L);
	assert_string_equal(ct_find("/etc*/config"), "/etcetera/config" L);
	assert_string_equal(ct_find("/etc**/config"),
	    "/etc/ssh/config" L "/etcetera/config" L);
	assert_string_equal(ct_find("config"),
	    "/etc/ssh/config" L "/etcetera/config" L);
	assert_string_equal(ct_find("ssh/c*"), "/etc/ssh/config" L);
	assert_string_equal(ct_find("*.[a-c]onf"), "/etc/ssh/a.conf" L);
	assert_string_equal(ct_find("/etc/[s]sh/*.conf"),
	    "/etc/ssh/a.conf" L);
	assert_string_equal(ct_find("/none"), "");
	assert_string_equal(ct_find("/none/"), "");
	assert_int_equal(query_find(&ct, "", NULL, ct_say_file, NULL, &ct_e),
	    -1);
	assert_int_equal(query_find(&ct, "a", "none", ct_say_file, NULL,
	    &ct_e), -1);
	assert_err(&ct_e, ERR_CONFIG, "no snapshot of this name");
}

static int
say_size(void *arg, const struct query_size *s, struct err *e)
{
	return buf_addf(&ct_said, "%s %u %llu %llu %llu\n", s->path, s->depth,
	    (unsigned long long)s->files, (unsigned long long)s->bytes,
	    (unsigned long long)s->own_bytes);
}

static void
du_adds_folders_up_and_says_what_is_unique(void **state)
{
	make_tree();
	assert_int_equal(link(S1 "/etc/passwd", S1 "/etc/zz"), 0);
	ct_ok(catalog_remove(&ct, S1, &ct_e));
	ct_manifest(S1);
	assert_int_equal(mkdir(S2, 0755) | mkdir(S2 "/etc", 0755), 0);
	assert_int_equal(link(S1 "/etc/passwd", S2 "/etc/passwd"), 0);
	ct_manifest(S2);
	buf_clear(&ct_said);
	ct_ok(query_du(&ct, S1, 1, say_size, NULL, &ct_e));
	assert_string_equal(ct_said.data, "/etc-b/ 1 1 2 2\n"
	    "/etc/ 1 5 13 8\n/etcetera/ 1 1 3 3\n/ 0 10 18 13\n");
}

static void
a_damaged_catalogue_is_named_and_can_be_made_again(void **state)
{
	char junk[4096];
	int fd;

	make_tree();
	catalog_close(&ct);
	memset(junk, 'x', sizeof(junk));
	fd = open("catalog.db", O_RDWR | O_CLOEXEC);
	assert_int_equal(pwrite(fd, junk, sizeof(junk), 8192 * 3),
	    sizeof(junk));
	assert_int_equal(pwrite(fd, junk, sizeof(junk), 8192 * 5),
	    sizeof(junk));
	close(fd);
	if (catalog_open(&ct, "catalog.db", true, &ct_e) == 0)
		assert_int_equal(catalog_check(&ct, &ct_e), -1);
	assert_err(&ct_e, ERR_CONFIG, "catalog.db: the catalogue is damaged");
	assert_true(ct.damaged);
	catalog_close(&ct);
	fd = open("catalog.db", O_RDWR | O_CLOEXEC);
	assert_int_equal(pwrite(fd, junk, sizeof(junk), 0), sizeof(junk));
	close(fd);
	assert_int_equal(catalog_open(&ct, "catalog.db", true, &ct_e), -1);
	assert_err(&ct_e, ERR_CONFIG, "damaged");
	assert_true(ct.damaged);
	catalog_close(&ct);
	ct_ok(catalog_discard("catalog.db", &ct_e));
	ct_open();
	ct_manifest(S1);
	assert_string_equal(ct_find("/etc/passwd"), "/etc/passwd" L);
}

static void
other_files_and_versions_are_refused(void **state)
{
	catalog_close(&ct);
	assert_int_equal(catalog_open(&ct, "none.db", false, &ct_e), -1);
	assert_int_equal(ct_e.code, ERR_SYS);
	catalog_close(&ct);
	ct_open();
	assert_int_equal(sqlite3_exec(ct.db, "PRAGMA user_version=9", NULL,
	    NULL, NULL), 0);
	catalog_close(&ct);
	assert_int_equal(catalog_open(&ct, "catalog.db", true, &ct_e), -1);
	assert_err(&ct_e, ERR_CONFIG, "schema 9, here 1");
	assert_false(ct.damaged);
}

static void
verify_tells_rot_from_changes(void **state)
{
	struct verify_stats st;
	int64_t when = 0;

	make_tree();
	st = ct_verify(S1);
	assert_string_equal(ct_said.data, "");
	assert_int_equal(st.read, 5);
	assert_int_equal(st.bytes, st.total);
	ct_ok(verify_oldest(&ct, S1, &when, &ct_e));
	assert_int_equal(when, 6000000);
	ct_file(S1 "/etc/passwd", "1234x");
	ct_put(S1 "/etc/ssh/config", "longer and later");
	assert_int_equal(unlink(S1 "/etc/ssh/a.conf"), 0);
	ct_file(S1 "/etc-b/x\n", "added");
	assert_int_equal(chmod(S1 "/etcetera/config", 0600), 0);
	ct_verify(S1);
	assert_non_null(strstr(ct_said.data, "R /etc/passwd 1 \n"));
	assert_non_null(strstr(ct_said.data, "A /etc/ssh/config 31 \n"));
	assert_non_null(strstr(ct_said.data, "M /etc/ssh/a.conf 0 \n"));
	assert_non_null(strstr(ct_said.data, "+ /etc-b/x\n 0 \n"));
	assert_non_null(strstr(ct_said.data, "A /etcetera/config 4 \n"));
	ct_ok(verify_oldest(&ct, S1, &when, &ct_e));
	assert_int_equal(when, 0);
}

static void
verify_reads_only_what_is_due(void **state)
{
	struct verify_opts o = { .snapshot = S1, .now = 7000000,
		.since = 5500000, .threads = 1 };

	make_tree();
	/* Recorded at 5000000. */
	assert_int_equal(ct_verify_opts(o).read, 5);
	assert_int_equal(ct_verify_opts(o).read, 0);
	/* What was wrong is always due. */
	ct_file(S1 "/etc/passwd", "1234x");
	o.since = 8000000;
	assert_int_equal(ct_verify_opts(o).read, 5);
	o.since = 5500000;
	assert_int_equal(ct_verify_opts(o).read, 1);
	assert_string_equal(ct_said.data, "R /etc/passwd 1 \n");
	o.since = INT64_MAX;
	o.sample = 1;
	assert_true(ct_verify_opts(o).read < 5);
	o.sample = 10000;
	assert_int_equal(ct_verify_opts(o).read, 5);
}

static void
verify_looks_once_at_what_two_snapshots_share(void **state)
{
	struct verify_opts o = { .snapshot = S2, .now = 6000000,
		.since = 6000000, .threads = 1 };

	make_tree();
	assert_int_equal(mkdir(S2, 0755) | mkdir(S2 "/etc", 0755), 0);
	assert_int_equal(link(S1 "/etc/passwd", S2 "/etc/passwd"), 0);
	ct_manifest(S2);
	assert_int_equal(ct_verify_opts(o).found, 0);
	/* Not what it was, which only who looks at it sees. */
	assert_int_equal(chmod(S1 "/etc/passwd", 0600), 0);
	assert_int_equal(chmod(S1 "/etcetera/config", 0600), 0);
	assert_int_equal(unlink(S1 "/etc/ssh/a.conf"), 0);
	o.snapshot = S1;
	o.twin = S2;
	o.twin_root = open(S2, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ct_verify_opts(o);
	assert_null(strstr(ct_said.data, "/etc/passwd"));
	assert_non_null(strstr(ct_said.data, "A /etcetera/config 4 \n"));
	assert_non_null(strstr(ct_said.data, "M /etc/ssh/a.conf 0 \n"));
	/* What is due is read, twin or not. */
	o.since = INT64_MAX;
	ct_verify_opts(o);
	assert_non_null(strstr(ct_said.data, "A /etc/passwd 4 \n"));
	close(o.twin_root);
	o.since = 6000000;
	o.twin = NULL;
	ct_verify_opts(o);
	assert_non_null(strstr(ct_said.data, "A /etc/passwd 4 \n"));
}

/* A row of its own is not what the twin was compared with. */
static void
verify_looks_at_one_file_with_two_rows(void **state)
{
	struct verify_opts o = { .snapshot = S3, .now = 6000000,
		.since = 1, .threads = 1 };

	make_tree();
	assert_int_equal(mkdir(S2, 0755) | mkdir(S2 "/etc", 0755), 0);
	ct_file(S2 "/etc/passwd", "another");
	ct_manifest(S2);
	assert_int_equal(chmod(S1 "/etc/passwd", 0600), 0);
	assert_int_equal(mkdir(S3, 0755) | mkdir(S3 "/etc", 0755), 0);
	assert_int_equal(link(S1 "/etc/passwd", S3 "/etc/passwd"), 0);
	ct_manifest(S3);
	assert_int_equal(ct_verify_opts(o).found, 0);
	o.snapshot = S1;
	o.twin = S3;
	o.twin_root = open(S3, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ct_verify_opts(o);
	assert_non_null(strstr(ct_said.data, "A /etc/passwd 4 \n"));
	close(o.twin_root);
}

static void
a_folder_that_cant_be_read_is_named_once(void **state)
{
	make_tree();
	assert_int_equal(rename(S1 "/etc", S1 "/moved"), 0);
	ct_verify(S1);
	assert_non_null(strstr(ct_said.data, "M /etc 0 \n"));
	assert_non_null(strstr(ct_said.data, "M /etc/ssh/config 0 \n"));
	assert_non_null(strstr(ct_said.data, "+ /moved/ssh/config 0 \n"));
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, ct_enter, ct_leave)
	const struct CMUnitTest tests[] = {
		T(snapshots_come_and_go_in_any_order),
		T(series_do_not_mix),
		T(find_takes_paths_prefixes_and_patterns),
		T(du_adds_folders_up_and_says_what_is_unique),
		T(a_damaged_catalogue_is_named_and_can_be_made_again),
		T(other_files_and_versions_are_refused),
		T(verify_tells_rot_from_changes),
		T(verify_reads_only_what_is_due),
		T(verify_looks_once_at_what_two_snapshots_share),
		T(verify_looks_at_one_file_with_two_rows),
		T(a_folder_that_cant_be_read_is_named_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
