/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "secret/secret.h"

#define NOBODY	65534

/* AddressSanitizer puts an mlock(2) that does nothing in place of libc's. */
#if defined(__SANITIZE_ADDRESS__)
#define NO_MLOCK 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define NO_MLOCK 1
#endif
#endif
#ifndef NO_MLOCK
#define NO_MLOCK 0
#endif

/*
 * Run f in a forked child and give its exit status: 0 is good; the tests of
 * limits and of other users can't be undone in this process.
 */
static int
in_child(int (*f)(void))
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(f());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status))
		fail_msg("the child was killed by signal %d",
		    WTERMSIG(status));
	return WEXITSTATUS(status);
}

/* The value of a field of /proc/self/smaps for the page at p, into out. */
static int
smaps(const void *p, const char *field, char *out, size_t cap)
{
	unsigned long first, end;
	char line[512];
	int found = 0;
	FILE *f;

	f = fopen("/proc/self/smaps", "re");
	if (f == NULL)
		return -1;
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%lx-%lx ", &first, &end) == 2)
			found = (uintptr_t)p >= first && (uintptr_t)p < end;
		else if (found && strncmp(line, field, strlen(field)) == 0) {
			snprintf(out, cap, "%s", line + strlen(field));
			fclose(f);
			return 0;
		}
	}
	fclose(f);
	return -1;
}

static void
a_new_secret_is_zero_and_has_its_length(void **state)
{
	struct err e = ERR_INIT;
	struct secret *s = secret_new(100, &e);
	size_t i;

	assert_non_null(s);
	assert_int_equal(secret_len(s), 100);
	for (i = 0; i < 100; i++)
		assert_int_equal(secret_data(s)[i], 0);
	secret_free(s);
	secret_free(NULL);
}

static void
lengths_out_of_bounds_are_refused(void **state)
{
	struct err e = ERR_INIT;

	assert_null(secret_new(0, &e));
	assert_int_equal(e.code, ERR_MEM);
	assert_null(secret_new(65537, &e));
	assert_null(secret_read(0, 0, 1, "x", &e));
	assert_null(secret_read(0, 65537, 1, "x", &e));
}

static void
the_pages_are_locked_undumped_and_wiped_on_fork(void **state)
{
	struct err e = ERR_INIT;
	struct secret *s = secret_new(5000, &e);
	char flags[512] = "";

	assert_non_null(s);
	if (smaps(secret_data(s) + 4999, "VmFlags:", flags,
	    sizeof(flags)) == -1)
		fail_msg("/proc/self/smaps has no VmFlags");
	assert_true(NO_MLOCK || strstr(flags, " lo") != NULL);
	assert_non_null(strstr(flags, " dd"));
	assert_non_null(strstr(flags, " wf"));
	assert_int_equal(smaps(secret_data(s), "VmFlags:", flags,
	    sizeof(flags)), 0);
	assert_true(NO_MLOCK || strstr(flags, " lo") != NULL);
	secret_free(s);
}

static struct secret *shared;

static int
reads_zeros_and_frees(void)
{
	size_t i;

	for (i = 0; i < secret_len(shared); i++)
		if (secret_data(shared)[i] != 0)
			return 1;
	secret_free(shared);
	return 0;
}

static void
a_forked_child_reads_zeros_and_may_free(void **state)
{
	struct err e = ERR_INIT;

	shared = secret_new(64, &e);
	assert_non_null(shared);
	memset(secret_data_mut(shared), 'k', 64);
	assert_int_equal(in_child(reads_zeros_and_frees), 0);
	assert_int_equal(secret_data(shared)[63], 'k');
	secret_free(shared);
}

static int
low_memlock(void)
{
	struct rlimit rl = { 4096, 4096 };
	struct err e = ERR_INIT;
	struct secret *s;

	/* Root's CAP_IPC_LOCK passes over the limit. */
	if (setrlimit(RLIMIT_MEMLOCK, &rl) == -1 ||
	    (geteuid() == 0 && setresuid(NOBODY, NOBODY, NOBODY) == -1))
		return 2;
	s = secret_new(3 * 4096, &e);
	if (s != NULL)
		return 3;
	if (e.code != ERR_SYS || strstr(e.msg, "RLIMIT_MEMLOCK") == NULL)
		return 4;
	s = secret_read(0, 65536, 1, "x", &e);
	if (s != NULL || e.code != ERR_SYS)
		return 5;
	s = secret_random(3 * 4096, "01", &e);
	return s != NULL || e.code != ERR_SYS ? 6 : 0;
}

static int
no_memlock(void)
{
	struct rlimit rl = { 0, 0 };
	struct err e = ERR_INIT;

	if (setrlimit(RLIMIT_MEMLOCK, &rl) == -1 ||
	    (geteuid() == 0 && setresuid(NOBODY, NOBODY, NOBODY) == -1))
		return 2;
	if (secret_new(16, &e) != NULL)
		return 3;
	return e.code == ERR_SYS &&
	    strstr(e.msg, "RLIMIT_MEMLOCK") != NULL ? 0 : 4;
}

static void
memory_that_cannot_be_locked_is_an_error(void **state)
{
	if (NO_MLOCK)
		skip();
	assert_int_equal(in_child(low_memlock), 0);
	assert_int_equal(in_child(no_memlock), 0);
}

static int
hardened(void)
{
	struct rlimit rl = { 4096, 65536 };
	struct err e = ERR_INIT;

	if (setrlimit(RLIMIT_MEMLOCK, &rl) == -1)
		return 2;
	if (secret_harden(&e) == -1)
		return 3;
	/* Not 0, under which a core may still be piped to a program. */
	if (getrlimit(RLIMIT_CORE, &rl) == -1 || rl.rlim_cur != 1 ||
	    rl.rlim_max != 1)
		return 4;
	if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		return 5;
	if (getrlimit(RLIMIT_MEMLOCK, &rl) == -1 || rl.rlim_cur != 65536)
		return 6;
	return 0;
}

static int
hardened_where_cores_are_off(void)
{
	struct rlimit rl = { 0, 0 };
	struct err e = ERR_INIT;

	if (setrlimit(RLIMIT_CORE, &rl) == -1 || secret_harden(&e) == -1)
		return 2;
	if (getrlimit(RLIMIT_CORE, &rl) == -1 || rl.rlim_max != 0)
		return 3;
	return 0;
}

static void
harden_ends_core_dumps_and_raises_the_lock_limit(void **state)
{
	assert_int_equal(in_child(hardened), 0);
	assert_int_equal(in_child(hardened_where_cores_are_off), 0);
}

static void
random_draws_from_the_alphabet_only(void **state)
{
	struct err e = ERR_INIT;
	struct secret *a = secret_random(1000, "abcdef", &e);
	struct secret *b = secret_random(1000, "abcdef", &e);
	size_t i, count[128] = { 0 };

	assert_non_null(a);
	assert_non_null(b);
	for (i = 0; i < 1000; i++) {
		assert_non_null(memchr("abcdef", secret_data(a)[i], 6));
		count[secret_data(a)[i]]++;
	}
	for (i = 'a'; i <= 'f'; i++)
		assert_true(count[i] > 50);
	assert_memory_not_equal(secret_data(a), secret_data(b), 1000);
	secret_free(a);
	secret_free(b);
}

static void
an_alphabet_has_two_characters_each_once(void **state)
{
	struct err e = ERR_INIT;

	assert_null(secret_random(8, "", &e));
	assert_int_equal(e.code, ERR_CONFIG);
	assert_null(secret_random(8, "a", &e));
	assert_null(secret_random(8, "aba", &e));
	assert_null(secret_random(0, "ab", &e));
}

static struct secret *
read_of(const char *data, size_t len, size_t max, struct err *e)
{
	struct secret *s;
	int p[2];

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	assert_int_equal(write(p[1], data, len), (ssize_t)len);
	close(p[1]);
	s = secret_read(p[0], max, 10000, "key file", e);
	close(p[0]);
	return s;
}

static void
read_takes_all_until_end_of_file(void **state)
{
	struct err e = ERR_INIT;
	struct secret *s = read_of("a\0b\n", 4, 4, &e);

	assert_non_null(s);
	assert_int_equal(secret_len(s), 4);
	assert_memory_equal(secret_data(s), "a\0b\n", 4);
	secret_free(s);
	s = read_of("", 0, 4, &e);
	assert_non_null(s);
	assert_int_equal(secret_len(s), 0);
	secret_free(s);
}

static void
read_refuses_more_than_max(void **state)
{
	struct err e = ERR_INIT;

	assert_null(read_of("12345", 5, 4, &e));
	assert_err(&e, ERR_CONFIG, "key file: more than 4 bytes");
}

static void
read_gives_up_at_its_deadline(void **state)
{
	struct err e = ERR_INIT;
	int p[2];

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	assert_int_equal(write(p[1], "x", 1), 1);
	assert_null(secret_read(p[0], 4, 10, "fd 3", &e));
	assert_err(&e, ERR_TIMEOUT, "fd 3");
	close(p[0]);
	close(p[1]);
	assert_null(secret_read(p[0], 4, 10, "fd 3", &e));
	assert_int_equal(e.code, ERR_SYS);
}

static void
cut_keeps_the_front_and_wipes_the_rest(void **state)
{
	struct err e = ERR_INIT;
	struct secret *s = read_of("secret\n", 7, 100, &e);

	assert_non_null(s);
	secret_cut(s, 6);
	assert_int_equal(secret_len(s), 6);
	assert_memory_equal(secret_data(s), "secret\0", 7);
	secret_cut(s, 100);
	assert_int_equal(secret_len(s), 6);
	secret_free(s);
}

static void
write_gives_all_bytes_or_an_error(void **state)
{
	struct err e = ERR_INIT;
	struct secret *s = secret_random(5000, "ab", &e);
	unsigned char got[5001];
	int fd, p[2];

	assert_non_null(s);
	fd = memfd_create("test", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(secret_write(s, fd, &e), 0);
	assert_int_equal(pread(fd, got, sizeof(got), 0), 5000);
	assert_memory_equal(got, secret_data(s), 5000);
	close(fd);
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	close(p[0]);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(secret_write(s, p[1], &e), -1);
	assert_int_equal(e.sys_errno, EPIPE);
	close(p[1]);
	secret_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_secret_is_zero_and_has_its_length),
		cmocka_unit_test(lengths_out_of_bounds_are_refused),
		cmocka_unit_test(
		    the_pages_are_locked_undumped_and_wiped_on_fork),
		cmocka_unit_test(a_forked_child_reads_zeros_and_may_free),
		cmocka_unit_test(memory_that_cannot_be_locked_is_an_error),
		cmocka_unit_test(
		    harden_ends_core_dumps_and_raises_the_lock_limit),
		cmocka_unit_test(random_draws_from_the_alphabet_only),
		cmocka_unit_test(an_alphabet_has_two_characters_each_once),
		cmocka_unit_test(read_takes_all_until_end_of_file),
		cmocka_unit_test(read_refuses_more_than_max),
		cmocka_unit_test(read_gives_up_at_its_deadline),
		cmocka_unit_test(cut_keeps_the_front_and_wipes_the_rest),
		cmocka_unit_test(write_gives_all_bytes_or_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
