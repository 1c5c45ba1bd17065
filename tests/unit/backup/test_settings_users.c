/* SPDX-License-Identifier: ISC */
/* A user for each client: by uid, as the user database has it; ours has names
 * that share one, which a machine's need not have. */
#include "../unit.h"

#include <errno.h>
#include <pwd.h>

#include "../failmalloc.h"
#include "settings.h"

static const struct { const char *name; uid_t uid; } users[] = {
	{ "one", 4101 }, { "two", 4102 }, { "toor", 4101 } };

/* In libc's place. */
struct passwd *
getpwnam(const char *name)
{
	static struct passwd pw;
	size_t i;

	for (i = 0; i < sizeof(users) / sizeof(users[0]); i++)
		if (strcmp(users[i].name, name) == 0) {
			pw = (struct passwd){ .pw_uid = users[i].uid };
			return &pw;
		}
	errno = strcmp(name, "broken") == 0 ? EIO : ENOENT;
	return NULL;
}

static int
check(const char *text, struct err *e)
{
	struct settings s = { 0 };
	int rc;

	*e = (struct err)ERR_INIT;
	assert_int_equal(settings_parse(&s, text, strlen(text), "f", e), 0);
	rc = settings_check(&s, e);
	settings_clear(&s);
	return rc;
}

static void
clients_with_users_of_their_own_are_right(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(check("", &e), 0);
	assert_int_equal(check("[client a]\nuser = one\n[client b]\n"
	    "quota = 1\n[client c]\nuser = two\n", &e), 0);
	/* Nobody is received by one that there is not: serve_user(). */
	assert_int_equal(check("[client a]\nuser = x\n[client b]\n"
	    "user = y\n[client c]\nuser = one\n", &e), 0);
}

static void
two_names_of_one_uid_are_one_user(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(check("[client a]\nuser = one\n[client b]\n"
	    "user = two\n[client c]\nuser = toor\n", &e), -1);
	assert_err(&e, ERR_CONFIG, "[client a] and [client c] have users of "
	    "the same uid, 'one' and 'toor' (4101)");
	assert_int_equal(check("[client a]\nuser = x\n[client b]\n"
	    "user = x\n", &e), -1);
	assert_err(&e, ERR_CONFIG, "[client a] and [client b] have the same "
	    "user 'x'");
}

static void
a_database_that_can_not_be_asked_is_an_error(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(check("[client a]\nuser = broken\n", &e), -1);
	assert_err(&e, ERR_SYS, "[client a] user = broken");
}

static void
without_memory_it_says_so(void **state)
{
	struct settings s = { 0 };
	struct err e = ERR_INIT;

	(void)state;
	failmalloc_arm(1);
	assert_int_equal(settings_users(&s, &e), -1);
	assert_true(failmalloc_disarm());
	assert_int_equal(e.code, ERR_MEM);
}

int
main(void)
{
	const struct CMUnitTest all[] = {
		cmocka_unit_test(clients_with_users_of_their_own_are_right),
		cmocka_unit_test(two_names_of_one_uid_are_one_user),
		cmocka_unit_test(a_database_that_can_not_be_asked_is_an_error),
		cmocka_unit_test(without_memory_it_says_so),
	};

	return cmocka_run_group_tests(all, NULL, NULL);
}
