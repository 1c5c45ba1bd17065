/* SPDX-License-Identifier: ISC */
/*
 * backup_catalog: what the catalogue of postern backup costs.
 *
 *	backup_catalog synth DB FILES SNAPSHOTS
 *		a catalogue of FILES paths, 1 % of them changed, 0.1 % added
 *		and removed from one snapshot to the next
 *	backup_catalog query DB		each query on such a one: a word for
 *		what it is, the median of five
 *	backup_catalog make DB CLIENT SNAPSHOT THREADS
 *	backup_catalog verify DB CLIENT SNAPSHOT THREADS
 *		a real tree's manifest, made and verified
 *
 * One line a step: what, milliseconds (and those of the CPU: the machine may
 * have other work), results; the last is the peak memory
 * of the process (VmHWM). Each mode is a process, so that one's memory does
 * not count for another.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "catalog.h"
#include "hash.h"
#include "manifest.h"
#include "manifest_rows.h"
#include "query.h"
#include "verify.h"

#define T0		1700000000
#define DAY		86400
#define PER_DIR		16
#define TIMES		5

static struct err err;

static void
need(int rc)
{
	if (rc == 0)
		return;
	fprintf(stderr, "backup_catalog: %s\n", err.msg);
	exit(1);
}

static double
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static double
cpu_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static void
peak(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "VmHWM:", 6) == 0)
			printf("%-44s %8ld KiB\n", "peak memory",
			    strtol(line + 6, NULL, 10));
	if (f != NULL)
		fclose(f);
}

static void
snap_name(char *out, unsigned i)
{
	time_t t = T0 + (time_t)i * DAY;
	struct tm tm;
	char date[32];

	gmtime_r(&t, &tm);
	strftime(date, sizeof(date), "%Y-%m-%d", &tm);
	snprintf(out, 64, "host.%s.%lld", date, (long long)t);
}

/* Numbers that look like chance and are the same each time. */
static uint64_t
mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

static void
state_of(uint64_t i, uint64_t version, struct catalog_row *row)
{
	uint64_t key[2] = { i, version };
	static const char *const ends[] = { "c", "h", "o", "txt", "html", "py",
		"jpg", "conf", "so.1", "md" };

	*row = (struct catalog_row){ .dir = 1 + (int64_t)(i / PER_DIR) };
	snprintf(row->name, sizeof(row->name), "%c%06x-file%u.%s",
	    'a' + (int)(i % PER_DIR), (unsigned)(mix(i) & 0xffffff),
	    (unsigned)(i % 1000), ends[mix(i) % 10]);
	row->m = (struct catalog_meta){ .mode = 0100644, .uid = 1000,
		.gid = 1000, .size = mix(i) % 100000, .has_hash = true,
		.mtime_ns = (int64_t)(1600000000 + mix(i + version) % 90000000)
		    * 1000000000 + (int64_t)(mix(i) % 1000000000) };
	hash_bytes(key, sizeof(key), row->m.hash);
}

static void
path_of(const struct catalog_row *row, char *out, size_t cap)
{
	unsigned d = (unsigned)(row->dir - 1);

	snprintf(out, cap, "/home/user%03u/project-%04u/src%02u/%s",
	    d / 1000, d / 20, d % 20, row->name);
}

static void
record(struct catalog *c, int64_t id, const char *name, uint64_t files)
{
	char sql[256];

	snprintf(sql, sizeof(sql), "INSERT INTO snapshot VALUES(%lld,'%s',"
	    "%d,%llu,0)", (long long)id, name, T0, (unsigned long long)files);
	need(catalog_exec(c, sql, &err));
}

static void
make_dirs(struct catalog *c, uint64_t files)
{
	sqlite3_stmt *st = NULL;
	struct catalog_row row = { .name = "" };
	char path[512];

	need(catalog_prepare(c, "INSERT INTO dir VALUES(?1,?2)", &st, &err));
	for (row.dir = 1; row.dir <= (int64_t)(files / PER_DIR) + 1;
	    row.dir++) {
		path_of(&row, path, sizeof(path));
		sqlite3_bind_int64(st, 1, row.dir);
		sqlite3_bind_text(st, 2, path, -1, SQLITE_STATIC);
		need(catalog_run(c, st, &err));
	}
	sqlite3_finalize(st);
}

/* A row as it stands, from the version that its first snapshot gave it. */
static struct catalog_row *
current(uint64_t i, const uint8_t *version, int64_t base,
    struct catalog_row *row)
{
	if (version[i] == 0xff)
		return NULL;
	state_of(i, version[i], row);
	row->first = base + (int64_t)version[i] * DAY;
	row->last = CATALOG_OPEN;
	return row;
}

static void
synth(const char *db, uint64_t files, unsigned snaps)
{
	struct manifest_rows r = { 0 };
	struct catalog_row now, row, *prev;
	uint64_t i, k, step;
	uint8_t *version = calloc(files, 1);
	struct catalog c;
	char name[64];
	int64_t base = 0;
	unsigned s;
	double t;

	for (i = 0; i < files; i += 1000)
		version[i] = 0xff;	/* not there yet */
	need(catalog_open(&c, db, true, &err));
	for (s = 0; s < snaps; s++) {
		t = now_ms();
		snap_name(name, s);
		need(catalog_exec(&c, "BEGIN IMMEDIATE", &err));
		if (s == 0)
			make_dirs(&c, files);
		r = (struct manifest_rows){ .cat = &c, .now = T0 };
		need(catalog_id(&c, name, &r.id, &err));
		if (s == 0)
			base = r.id;
		catalog_around(&c, r.id, &r.prev, &r.next);
		need(manifest_rows_init(&r, &err));
		step = s == 0 ? 1 : 90;
		for (k = s == 0 ? 0 : mix(s) % 90; k < files; k += step) {
			if (s == 0 && version[k] == 0xff)
				continue;
			prev = s == 0 ? NULL : current(k, version, base, &row);
			state_of(k, s, &now);
			/* A tenth of it comes or goes. */
			if (s > 0 && mix(k * 31 + s) % 10 == 0 && prev) {
				need(manifest_rows_set(&r, now.dir, now.name,
				    NULL, prev, NULL, &err));
				version[k] = 0xff;
				continue;
			}
			need(manifest_rows_set(&r, now.dir, now.name, &now.m,
			    prev, NULL, &err));
			version[k] = (uint8_t)s;
		}
		record(&c, r.id, name, files);
		manifest_rows_clear(&r);
		need(catalog_exec(&c, "COMMIT", &err));
		need(catalog_reload(&c, &err));
		if (s == 0 || s == snaps - 1)
			printf("rows of snapshot %-27u %8.1f ms %8" PRIu64
			    " rows\n", s + 1, now_ms() - t, r.added);
	}
	catalog_close(&c);
	free(version);
}

static int
count_file(void *arg, const struct query_file *f, struct err *e)
{
	++*(uint64_t *)arg;
	return 0;
}

static int
count_change(void *arg, const struct query_change *ch, struct err *e)
{
	++*(uint64_t *)arg;
	return 0;
}

static int
count_size(void *arg, const struct query_size *s, struct err *e)
{
	++*(uint64_t *)arg;
	return 0;
}

/* What is asked, and the word that bench/backup knows its limit by. */
struct ask {
	const char *kind, *what, *a, *b;
};

static int
answer(struct catalog *c, const struct ask *q, uint64_t *n, struct err *e)
{
	if (strcmp(q->kind, "exact") == 0 || strcmp(q->kind, "prefix") == 0)
		return query_path(c, q->a, q->kind[0] == 'p', NULL,
		    count_file, n, e);
	if (strcmp(q->kind, "glob") == 0)
		return query_find(c, q->a, NULL, count_file, n, e);
	if (strcmp(q->kind, "diff") == 0)
		return query_diff(c, q->a, q->b, count_change, n, e);
	if (strcmp(q->kind, "du") == 0)
		return query_du(c, q->a, 2, count_size, n, e);
	return catalog_remove(c, q->a, e);
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The median of TIMES, the first among them; of a removal, which is one, that
 * one. */
static void
timed(const char *db, struct ask q)
{
	double t[TIMES], cpu[TIMES], begin, began;
	bool once = strcmp(q.kind, "remove") == 0;
	int i, times = once ? 1 : TIMES;
	struct catalog c;
	uint64_t n = 0;

	/* Opened anew each time, as for a user: no page of it is cached but
	 * by the kernel. */
	for (i = 0; i < times; i++) {
		n = 0;
		begin = now_ms();
		began = cpu_ms();
		need(catalog_open(&c, db, once, &err));
		need(answer(&c, &q, &n, &err));
		catalog_close(&c);
		t[i] = now_ms() - begin;
		cpu[i] = cpu_ms() - began;
	}
	qsort(t, (size_t)times, sizeof(*t), by_value);
	qsort(cpu, (size_t)times, sizeof(*cpu), by_value);
	printf("%-6s %-56s %9.2f ms %9.2f cpu %8" PRIu64 " results\n", q.kind,
	    q.what != NULL ? q.what : q.a, t[times / 2], cpu[times / 2], n);
}

/* How many files its first snapshot was made of: synth() rounds nothing. */
static uint64_t
files_of(const char *db, size_t *ret_snaps)
{
	struct catalog c;
	uint64_t n;

	need(catalog_open(&c, db, false, &err));
	if (c.n < 3) {
		fprintf(stderr, "backup_catalog: %s: three snapshots at "
		    "least\n", db);
		exit(1);
	}
	n = c.snaps[0].files;
	*ret_snaps = c.n;
	catalog_close(&c);
	return n;
}

static void
query(const char *db)
{
	char first[64], last[64], before[64], second[64], path[512];
	struct catalog_row row;
	uint64_t files;
	size_t n, i;

	files = files_of(db, &n);
	snap_name(first, 0);
	snap_name(second, n > 10 ? 10 : 1);
	snap_name(before, (unsigned)n - 2);
	snap_name(last, (unsigned)n - 1);
	/* 1 of 1000 is not there at first. */
	state_of(files / 9 * 7 + 1, 0, &row);
	path_of(&row, path, sizeof(path));
	const struct ask all[] = {
		{ "exact", NULL, path, NULL },
		{ "exact", NULL, "/home/user000/project-0000/nothing", NULL },
		{ "prefix", NULL, "/home/user000/project-0017/", NULL },
		{ "prefix", NULL, "/home/user000/project-001", NULL },
		{ "glob", NULL, "/home/user000/project-0017/src1**", NULL },
		{ "glob", NULL, row.name, NULL },
		{ "glob", NULL, "*0ff*7.conf", NULL },
		{ "glob", NULL, "nothing*", NULL },
		{ "glob", NULL, "src07/*0ff*.c", NULL },
		{ "glob", NULL, "/home/*/project-00*/src01/b*.py", NULL },
		{ "glob", NULL, "/home/**/src01/b12*.py", NULL },
		{ "diff", "the last two", before, last },
		{ "diff", "the 11th and the last", second, last },
		{ "diff", "the first and the last", first, last },
		{ "du", "the last one", last, NULL },
		{ "remove", "one in the midst", second, NULL },
		{ "remove", "the first", first, NULL },
		{ "remove", "the last", last, NULL },
	};
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		timed(db, all[i]);
	peak();
}

static void
tree(const char *mode, const char *db, const char *client, const char *snap,
    unsigned threads);

static void
run_mode(char **argv)
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		execv("/proc/self/exe", argv);
		_exit(127);
	}
	if (pid == -1 || waitpid(pid, &status, 0) != pid || status != 0)
		exit(1);
}

static int
found(void *arg, const struct verify_found *f, struct err *e)
{
	return 0;
}

static void
tree(const char *mode, const char *db, const char *client, const char *snap,
    unsigned threads)
{
	int cfd = open(client, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int root = openat(cfd, snap, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct manifest_opts o = { .name = snap, .root = root, .client = cfd,
		.now = time(NULL), .threads = threads };
	struct verify_opts v = { .snapshot = snap, .root = root,
		.now = time(NULL), .since = INT64_MAX, .threads = threads,
		.found = found };
	struct manifest_stats ms = { 0 };
	struct verify_stats vs = { 0 };
	double begin = now_ms();
	struct catalog c;

	if (root == -1) {
		perror(snap);
		exit(1);
	}
	need(catalog_open(&c, db, true, &err));
	if (strcmp(mode, "make") == 0)
		need(manifest_make(&c, &o, &ms, &err));
	else
		need(verify_run(&c, &v, &vs, &err));
	catalog_close(&c);
	printf("%s, %u threads: %.1f ms, %.1f cpu, %" PRIu64 " files, read %" PRIu64
	    " (%" PRIu64 " MB), rows %" PRIu64 ", found %" PRIu64 "\n", mode,
	    threads, now_ms() - begin, cpu_ms(), ms.files + vs.files,
	    ms.hashed + vs.read, (ms.hashed_bytes + vs.bytes) / 1000000,
	    ms.rows, vs.found);
	peak();
}

int
main(int argc, char **argv)
{
	char dir[] = "/var/tmp/postern-bench-XXXXXX", db[128];
	char *synth_argv[] = { argv[0], "synth", db, "1000000", "30", NULL };
	char *query_argv[] = { argv[0], "query", db, NULL };
	struct stat st;

	if (argc == 5 && strcmp(argv[1], "synth") == 0) {
		synth(argv[2], strtoull(argv[3], NULL, 10),
		    (unsigned)strtoul(argv[4], NULL, 10));
		peak();
	} else if (argc == 3 && strcmp(argv[1], "query") == 0) {
		query(argv[2]);
	} else if (argc == 6) {
		tree(argv[1], argv[2], argv[3], argv[4],
		    (unsigned)strtoul(argv[5], NULL, 10));
	} else if (argc == 1 && mkdtemp(dir) != NULL) {
		snprintf(db, sizeof(db), "%s/catalog.db", dir);
		run_mode(synth_argv);
		if (stat(db, &st) == 0)
			printf("%-44s %8.1f MB\n", "catalogue",
			    (double)st.st_size / 1e6);
		run_mode(query_argv);
		need(catalog_discard(db, &err));
		rmdir(dir);
	} else {
		fprintf(stderr, "usage: backup_catalog [synth|query|make|"
		    "verify …]\n");
		return 64;
	}
	return 0;
}
