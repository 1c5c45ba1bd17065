/* SPDX-License-Identifier: ISC */
/* The file of runs does not grow for ever, and loses nothing that counts. */
#include "store_tmp.h"

#include "../failmalloc.h"
#include "store_file.h"
#include "store_runs.h"
#include "sys/lock.h"

static const struct store_run new_one = { 1700000000, "run", "failed", "", 1,
    2, 3, "the newest" };

/* n lines, of the times first and on, into out. */
static void
lines(struct buf *out, int first, int n, const char *what)
{
	int i;

	for (i = first; i < first + n; i++)
		assert_int_equal(buf_addf(out, "%d %s - 0 0 0 -\n", i, what),
		    0);
}

static void
text_of(struct buf *out)
{
	buf_init(out, 16u << 20);
	lines(out, 1, 1, "verify warn");
	lines(out, 2, 1, "run ok");
	lines(out, 3, 1, "verify failed");
	lines(out, 4, 1, "run warn");
	lines(out, 5, 1, "restore ok");
	assert_int_equal(buf_adds(out, "rubbish\n"), 0);
}

static void
the_newest_runs_stay_and_the_last_that_matter(void **state)
{
	struct store_runs r;
	struct store_runs_state s;
	struct err e = ERR_INIT;
	struct buf b, out;

	(void)state;
	buf_init(&out, 16u << 20);
	text_of(&b);
	lines(&b, 100, STORE_RUNS_KEEP, "run failed");
	assert_int_equal(store_runs_trim(b.data, b.len, &out, &e), 0);
	assert_int_equal(store_runs_parse(out.data, out.len, &r, &e), 0);
	assert_int_equal(r.n, STORE_RUNS_KEEP + 2);
	assert_int_equal(r.bad, 0);
	assert_int_equal(r.v[0].time_s, 3);
	assert_int_equal(r.v[1].time_s, 4);
	assert_int_equal(r.v[2].time_s, 100);
	/* What status says is the same as before. */
	store_runs_state(&r, 1700000000, &s);
	assert_true(s.verify_bad);
	assert_int_equal(s.good->time_s, 4);
	assert_int_equal(s.failures, STORE_RUNS_KEEP);
	store_runs_clear(&r);
	/* Once more: they are not gathered. */
	buf_clear(&b);
	lines(&out, 200000, 1, "run failed");
	assert_int_equal(store_runs_trim(out.data, out.len, &b, &e), 0);
	assert_int_equal(store_runs_parse(b.data, b.len, &r, &e), 0);
	assert_int_equal(r.n, STORE_RUNS_KEEP + 2);
	assert_int_equal(r.v[2].time_s, 101);
	store_runs_clear(&r);
	buf_clear(&b);
	buf_clear(&out);
}

static void
long_lines_are_counted_by_their_bytes(void **state)
{
	struct err e = ERR_INIT;
	struct buf b, out;
	char word[1100];

	(void)state;
	memset(word, 'x', sizeof(word));
	word[sizeof(word) - 1] = '\0';
	buf_init(&out, 16u << 20);
	text_of(&b);
	while (b.len <= STORE_RUNS_BYTES) {
		assert_false(store_runs_many(b.data, b.len));
		assert_int_equal(buf_addf(&b, "9 run failed - 0 0 0 %s\n",
		    word), 0);
	}
	assert_true(store_runs_many(b.data, b.len));
	assert_int_equal(store_runs_trim(b.data, b.len, &out, &e), 0);
	assert_true(out.len < STORE_RUNS_KEEP_BYTES + 100);
	assert_true(out.len > STORE_RUNS_KEEP_BYTES - 1200);
	assert_memory_equal(out.data, "3 verify failed", 15);
	assert_memory_equal(out.data + out.len - 5, "xxxx\n", 5);
	buf_clear(&b);
	buf_clear(&out);
}

static void
what_fits_is_not_many(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 16u << 20);
	assert_false(store_runs_many("", 0));
	lines(&b, 0, STORE_RUNS_MAX, "run ok");
	assert_false(store_runs_many(b.data, b.len));
	lines(&b, 0, 1, "run ok");
	assert_true(store_runs_many(b.data, b.len));
	buf_clear(&b);
}

static void
write_runs(const struct buf *b)
{
	int fd = openat(client.admin_fd, "runs", O_WRONLY | O_CREAT | O_TRUNC,
	    0600);

	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, b->data, b->len), (ssize_t)b->len);
	close(fd);
}

static off_t
size_of_runs(ino_t *ret_ino)
{
	struct stat st;

	assert_int_equal(fstatat(client.admin_fd, "runs", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	*ret_ino = st.st_ino;
	return st.st_size;
}

static void
a_file_that_has_grown_is_replaced_at_the_next_run(void **state)
{
	struct err e = ERR_INIT;
	struct store_runs r;
	struct buf b;
	ino_t was, is;
	off_t size;
	int i;

	(void)state;
	text_of(&b);
	lines(&b, 100, STORE_RUNS_MAX - 7, "run failed");
	write_runs(&b);
	size = size_of_runs(&was);
	/* The last one that fits: a line more, in the same file. */
	assert_int_equal(store_runs_add(&client, &new_one, &e), 0);
	assert_true(size_of_runs(&is) > size && is == was);
	for (i = 0; i < 3; i++)
		assert_int_equal(store_runs_add(&client, &new_one, &e), 0);
	assert_true(size_of_runs(&is) < size && is != was);
	assert_int_equal(store_runs_read(&client, &r, &e), 0);
	assert_int_equal(r.n, STORE_RUNS_KEEP + 2 + 2);
	assert_int_equal(r.v[0].time_s, 3);
	assert_memory_equal(&r.v[r.n - 1], &new_one, sizeof(new_one));
	store_runs_clear(&r);
	buf_clear(&b);
}

static void
a_huge_one_of_before_is_cut_too(void **state)
{
	struct err e = ERR_INIT;
	struct store_runs r;
	struct buf b;
	ino_t ino;

	(void)state;
	buf_init(&b, 32u << 20);
	lines(&b, 0, 300000, "run failed");
	assert_true(b.len > STORE_RUNS_BYTES);
	write_runs(&b);
	assert_int_equal(store_runs_add(&client, &new_one, &e), 0);
	assert_true(size_of_runs(&ino) < (off_t)STORE_RUNS_KEEP * 40);
	assert_int_equal(store_runs_read(&client, &r, &e), 0);
	assert_int_equal(r.n, STORE_RUNS_KEEP);
	assert_int_equal(r.bad, 0);
	assert_string_equal(r.v[r.n - 1].message, "the newest");
	store_runs_clear(&r);
	buf_clear(&b);
}

/* Who has the lock, as one that replaces the file has, loses no line of the
 * others: they wait. */
static void
replace_often(int told)
{
	struct buf b;
	int i, lock;

	buf_init(&b, 16u << 20);
	lines(&b, 0, 3, "run ok");
	if (lock_take_at(client.admin_fd, "runs.lock", "l", 0, &lock,
	    NULL) == -1 || write(told, "x", 1) != 1)
		_exit(1);
	for (i = 0; i < 50; i++)
		if (store_file_put(client.admin_fd, "w", "runs", b.data, b.len,
		    NULL) == -1)
			_exit(2);
	_exit(0);
}

static void
a_line_waits_until_the_file_is_replaced(void **state)
{
	struct err e = ERR_INIT;
	struct store_runs r;
	int p[2], status;
	pid_t pid;
	char c;

	(void)state;
	assert_int_equal(pipe(p), 0);
	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid == 0)
		replace_often(p[1]);
	close(p[1]);
	assert_int_equal(read(p[0], &c, 1), 1);
	close(p[0]);
	assert_int_equal(store_runs_add(&client, &new_one, &e), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(store_runs_read(&client, &r, &e), 0);
	assert_int_equal(r.n, 4);
	assert_memory_equal(&r.v[3], &new_one, sizeof(new_one));
	store_runs_clear(&r);
}

static void
without_memory_it_says_so(void **state)
{
	struct err e = ERR_INIT;
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	failmalloc_arm(1);
	assert_int_equal(store_runs_trim("5 run ok - 0 0 0 -\n", 19, &out, &e),
	    -1);
	assert_true(failmalloc_disarm());
	assert_int_equal(e.code, ERR_MEM);
}

#define T(f) cmocka_unit_test_setup_teardown(f, store_tmp_enter, \
	store_tmp_leave)

int
main(void)
{
	const struct CMUnitTest all[] = {
		cmocka_unit_test(the_newest_runs_stay_and_the_last_that_matter),
		cmocka_unit_test(long_lines_are_counted_by_their_bytes),
		cmocka_unit_test(what_fits_is_not_many),
		cmocka_unit_test(without_memory_it_says_so),
		T(a_file_that_has_grown_is_replaced_at_the_next_run),
		T(a_huge_one_of_before_is_cut_too),
		T(a_line_waits_until_the_file_is_replaced),
	};

	return cmocka_run_group_tests(all, NULL, NULL);
}
