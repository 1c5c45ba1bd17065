/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "secret/memfile.h"

static void
its_path_gives_the_bytes_to_its_own_uid_and_nobody_can_change_them(
    void **state)
{
	struct memfile m;
	struct err e = ERR_INIT;
	struct stat st;
	char back[16];
	int fd;

	assert_int_equal(memfile_init(&m, "private", 7, &e), 0);
	fd = open(m.path, O_RDWR);
	assert_int_not_equal(fd, -1);
	assert_int_equal(read(fd, back, sizeof(back)), 7);
	assert_memory_equal(back, "private", 7);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(fcntl(m.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	memfile_clear(&m);
	/* Who still has it open sees zeros. */
	assert_int_equal(pread(fd, back, 7, 0), 7);
	assert_memory_equal(back, "\0\0\0\0\0\0\0", 7);
	close(fd);
}

static void
it_may_be_cleared_twice_and_unmade(void **state)
{
	struct memfile m = { 0 };

	memfile_clear(&m);
	memfile_clear(&m);
}

static void
hardened_for_it_we_are_dumpable_and_dump_nothing(void **state)
{
	struct err e = ERR_INIT;
	struct rlimit rl;

	assert_int_equal(memfile_harden(&e), 0);
	assert_int_equal(prctl(PR_GET_DUMPABLE), 1);
	assert_int_equal(getrlimit(RLIMIT_CORE, &rl), 0);
	assert_in_range(rl.rlim_max, 0, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
its_path_gives_the_bytes_to_its_own_uid_and_nobody_can_change_them),
		cmocka_unit_test(it_may_be_cleared_twice_and_unmade),
		cmocka_unit_test(
		    hardened_for_it_we_are_dumpable_and_dump_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
