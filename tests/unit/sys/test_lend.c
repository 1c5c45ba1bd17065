/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "sys/lend.h"

#define OWNER	(ACL_READ | ACL_WRITE)
#define WHOM	65000

/* By acl(5): user::rw-, user:65000:r--, group::---, mask::r--, other::---,
 * little-endian. */
static const unsigned char bytes[] = { 2, 0, 0, 0,
	0x01, 0, 6, 0, 0xff, 0xff, 0xff, 0xff,
	0x02, 0, 4, 0, 0xe8, 0xfd, 0, 0,
	0x04, 0, 0, 0, 0xff, 0xff, 0xff, 0xff,
	0x10, 0, 4, 0, 0xff, 0xff, 0xff, 0xff,
	0x20, 0, 0, 0, 0xff, 0xff, 0xff, 0xff };

static char path[] = "/tmp/postern-test-XXXXXX";
static int fd = -1;

static int
make_file(void **state)
{
	(void)state;
	fd = mkstemp(path);
	return fd == -1 ? -1 : 0;
}

static int
remove_file(void **state)
{
	(void)state;
	close(fd);
	return unlink(path);
}

static void
lend_makes_the_list_that_its_header_draws(void **state)
{
	struct lend l = lend_make(WHOM, OWNER, ACL_READ);

	(void)state;
	assert_int_equal(sizeof(l), sizeof(bytes));
	assert_memory_equal(&l, bytes, sizeof(bytes));
}

static void
lend_knows_its_own_list_and_whose_it_is(void **state)
{
	struct lend l = lend_make(WHOM, OWNER, ACL_READ);
	uid_t uid = 1;

	(void)state;
	assert_true(lend_whose(&l, sizeof(l), OWNER, ACL_READ, &uid));
	assert_int_equal(uid, WHOM);
}

static void
lend_takes_no_list_with_other_rights_or_of_another_length(void **state)
{
	struct lend l = lend_make(WHOM, OWNER, ACL_READ);
	unsigned char *p = (unsigned char *)&l;
	uid_t uid = 1;
	size_t i;

	(void)state;
	assert_false(lend_whose(&l, sizeof(l), OWNER, 0, &uid));
	assert_false(lend_whose(&l, sizeof(l), ACL_READ, ACL_READ, &uid));
	assert_false(lend_whose(&l, sizeof(l) - 8, OWNER, ACL_READ, &uid));
	assert_false(lend_whose(&l, sizeof(l) + 8, OWNER, ACL_READ, &uid));
	assert_false(lend_whose(&l, -1, OWNER, ACL_READ, &uid));
	/* Each byte counts, but those that say whose it is. */
	for (i = 0; i < sizeof(l); i++) {
		p[i] ^= 1;
		assert_int_equal(lend_whose(&l, sizeof(l), OWNER, ACL_READ,
		    &uid), i >= 16 && i < 20);
		p[i] ^= 1;
	}
	assert_int_not_equal(uid, 1);
	uid = 1;
	p[0] ^= 1;
	assert_false(lend_whose(&l, sizeof(l), OWNER, ACL_READ, &uid));
	assert_int_equal(uid, 1);
}

static void
lend_makes_what_the_kernel_takes_and_gives_back(void **state)
{
	struct lend l = lend_make(WHOM, OWNER, ACL_READ), has;
	struct stat st;
	uid_t uid = 1;
	ssize_t n;

	(void)state;
	assert_int_equal(fsetxattr(fd, LEND_XATTR, &l, sizeof(l), 0), 0);
	n = fgetxattr(fd, LEND_XATTR, &has, sizeof(has));
	assert_true(lend_whose(&has, n, OWNER, ACL_READ, &uid));
	assert_int_equal(uid, WHOM);
	/* The group's bits are the mask. */
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	/* And chmod() takes away what is lent. */
	assert_int_equal(fchmod(fd, 0600), 0);
	n = fgetxattr(fd, LEND_XATTR, &has, sizeof(has));
	assert_false(lend_whose(&has, n, OWNER, ACL_READ, &uid));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lend_makes_the_list_that_its_header_draws),
		cmocka_unit_test(lend_knows_its_own_list_and_whose_it_is),
		cmocka_unit_test(
		    lend_takes_no_list_with_other_rights_or_of_another_length),
		cmocka_unit_test_setup_teardown(
		    lend_makes_what_the_kernel_takes_and_gives_back, make_file,
		    remove_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
