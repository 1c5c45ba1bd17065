/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "ssh/oneshot_conf.h"

#define KEY "ssh-ed25519 AAAAC3"

static struct strv peers;

static struct oneshot_conf
good(void)
{
	return (struct oneshot_conf){ .host_key = "/proc/5/fd/7",
		.user = "ann", .login_key = KEY, .peers = &peers,
		.command = "exec '/opt/a b/gate' --dir /tmp/x" };
}

static int
emit(const struct oneshot_conf *c, struct buf *b, struct err *e)
{
	*e = (struct err)ERR_INIT;
	buf_clear(b);
	return oneshot_conf_emit(c, b, e);
}

static void
the_key_is_restricted_to_the_peers_and_the_command_is_forced(void **state)
{
	struct oneshot_conf c = good();
	struct err e;
	struct buf b;

	buf_init(&b, 16384);
	assert_int_equal(emit(&c, &b, &e), 0);
	assert_non_null(strstr(b.data, "\nAuthorizedKeysCommand /bin/echo "
	    "restrict,from=\\\"10.0.0.1,fe80::1%eth0\\\" " KEY "\n"));
	assert_non_null(strstr(b.data, "\nForceCommand exec '/opt/a b/gate' "
	    "--dir /tmp/x\n"));
	assert_non_null(strstr(b.data, "\nAllowUsers ann\n"));
	assert_non_null(strstr(b.data, "\nHostKey /proc/5/fd/7\n"));
	buf_clear(&b);
}

static void
nothing_that_sshd_would_read_otherwise_gets_in(void **state)
{
	static const char *const words[] = { "", "a b", "a\nUsePAM yes",
		"a\"", "a'", "a\\", "#a", "*", "a,b", "!a", "\x80" };
	struct strv one = { 0 };
	struct oneshot_conf c;
	struct err e;
	struct buf b;
	size_t i;

	buf_init(&b, 16384);
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		c = good();
		c.user = words[i];
		assert_int_equal(emit(&c, &b, &e), -1);
		assert_int_equal(e.code, ERR_CONFIG);
		c = good();
		c.host_key = words[i];
		assert_int_equal(emit(&c, &b, &e), -1);
		c = good();
		assert_int_equal(strv_add(&one, words[i]), 0);
		c.peers = &one;
		assert_int_equal(emit(&c, &b, &e), -1);
		strv_clear(&one);
	}
	c = good();
	c.command = "gate\nUsePAM yes";
	assert_int_equal(emit(&c, &b, &e), -1);
	c = good();
	c.login_key = KEY "\nUsePAM yes";
	assert_int_equal(emit(&c, &b, &e), -1);
	buf_init(&b, 100);
	c = good();
	assert_int_equal(emit(&c, &b, &e), -1);
	assert_int_equal(e.code, ERR_MEM);
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    the_key_is_restricted_to_the_peers_and_the_command_is_forced),
		cmocka_unit_test(
		    nothing_that_sshd_would_read_otherwise_gets_in),
	};
	int rc;

	if (strv_add(&peers, "10.0.0.1") == -1 ||
	    strv_add(&peers, "fe80::1%eth0") == -1)
		return 1;
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	strv_clear(&peers);
	return rc;
}
