/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "gitssh.h"
#include "ssh/sshcipher.h"

static struct gitconf c;

static int
setup(void **state)
{
	return gitconf_init(&c, NULL);
}

static int
teardown(void **state)
{
	gitconf_clear(&c);
	return 0;
}

/* The index of word in v, or -1. */
static int
find(const struct strv *v, const char *word)
{
	size_t i;

	for (i = 0; i < v->n; i++)
		if (strcmp(v->v[i], word) == 0)
			return (int)i;
	return -1;
}

static void
a_session_reads_no_configuration_and_checks_the_key(void **state)
{
	struct gitssh s = { &c.gateway, "git@gl", "/run/m/0", "/log", "v1 x" };
	/* One key, and nothing of the user's own or of an agent's. */
	static const char *const want[] = { "ControlPath=\"/run/m/0\"",
		"ControlMaster=no", "ControlPersist=no",
		"GlobalKnownHostsFile=none", "UpdateHostKeys=no",
		"UserKnownHostsFile=\"/etc/postern/git/known_hosts\"",
		"IdentityFile=\"/etc/postern/git/id_ed25519\"",
		"IdentitiesOnly=yes", "IdentityAgent=none",
		"PreferredAuthentications=publickey",
		"CanonicalizeHostname=no", "ConnectTimeout=5",
		"ServerAliveInterval=3", "ServerAliveCountMax=2" };
	struct strv v = { 0 };
	size_t i;
	int at;

	assert_int_equal(gitssh_argv(&s, &v, NULL), 0);
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		if (find(&v, want[i]) < 1)
			fail_msg("no %s", want[i]);
	assert_string_equal(v.v[0], "/usr/bin/ssh");
	assert_string_equal(v.v[1], "-E");
	assert_string_equal(v.v[2], "/log");
	at = find(&v, "-F");
	assert_true(at > 0);
	assert_string_equal(v.v[at + 1], "none");
	assert_true(find(&v, "-oStrictHostKeyChecking=yes") > 0);
	assert_int_equal(find(&v, SSHCIPHER_FIRST) > 0, sshcipher_here());
	assert_string_equal(v.v[v.n - 3], "--");
	assert_string_equal(v.v[v.n - 2], "git@gl");
	assert_string_equal(v.v[v.n - 1], "v1 x");
	strv_clear(&v);
}

static void
a_master_notices_a_dead_server_before_an_answer_is_due(void **state)
{
	static const struct {
		int64_t alive_ms, answer_ms;
		const char *session, *master;
	} row[] = {
		{ 3000, 20000, "ServerAliveInterval=3",
		    "ServerAliveInterval=3" },
		{ 6000, 20000, "ServerAliveInterval=6",
		    "ServerAliveInterval=6" },
		{ 7000, 20000, "ServerAliveInterval=7",
		    "ServerAliveInterval=6" },
		{ 3600000, 3000, "ServerAliveInterval=3600",
		    "ServerAliveInterval=1" },
		/* ssh has whole seconds. */
		{ 5000, 1000, "ServerAliveInterval=5",
		    "ServerAliveInterval=1" },
	};
	struct gitssh s = { &c.gateway, "git@gl", "/m", "/log", "v1 x" };
	struct gitssh m = { .conf = &c.gateway, .dest = "git@gl",
		.socket = "/m" };
	struct strv v = { 0 };
	size_t i;

	for (i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		c.gateway.alive_ms = row[i].alive_ms;
		c.gateway.answer_ms = row[i].answer_ms;
		assert_int_equal(gitssh_argv(&s, &v, NULL), 0);
		assert_true(find(&v, row[i].session) > 0);
		strv_clear(&v);
		assert_int_equal(gitssh_argv(&m, &v, NULL), 0);
		assert_true(find(&v, row[i].master) > 0);
		strv_clear(&v);
	}
	c.gateway.alive_ms = 3000;
	c.gateway.answer_ms = 20000;
}

static void
paths_are_one_word_each(void **state)
{
	struct strv v = { 0 };

	assert_int_equal(gitssh_path(&v, "Key", "/a b/100%/%h"), 0);
	assert_string_equal(v.v[0], "Key=\"/a b/100%%/%%h\"");
	assert_int_equal(gitssh_path(&v, "Key", "/a\"b"), -1);
	assert_int_equal(gitssh_path(&v, "Key", "/a\\b"), -1);
	assert_int_equal(v.n, 1);
	strv_clear(&v);
}

static void
a_master_has_no_command(void **state)
{
	struct gitssh s = { &c.gateway, "git@gl", "/run/m/0", NULL, NULL };
	struct strv v = { 0 };

	assert_int_equal(gitssh_argv(&s, &v, NULL), 0);
	assert_string_equal(v.v[1], "-N");
	assert_true(find(&v, "ControlMaster=yes") > 0);
	assert_string_equal(v.v[v.n - 1], "git@gl");
	assert_null(v.v[v.n]);
	strv_clear(&v);
}

static void
a_destination_that_is_an_option_is_refused(void **state)
{
	struct gitssh s = { &c.gateway, "-oProxyCommand=x", NULL, NULL, "x" };
	struct err e = ERR_INIT;
	struct strv v = { 0 };

	assert_int_equal(gitssh_argv(&s, &v, &e), -1);
	assert_int_equal(e.code, ERR_CONFIG);
	strv_clear(&v);
}

/* As OpenSSH 9.2 says it. */
static void
what_ssh_says_is_understood(void **state)
{
	static const struct {
		const char *text;
		bool stood;
		enum sshfail fail;
		const char *why;
	} t[] = {
		{ "", false, SSHFAIL_OTHER, "" },
		{ "debug2: fd 4 setting O_NONBLOCK\n", false,
		    SSHFAIL_OTHER, "" },
		{ "debug2: fd 4 setting O_NONBLOCK\n"
		    "debug2: mux_client_hello_exchange: master version 4\n",
		    false, SSHFAIL_OTHER, "" },
		{ "debug1: mux_client_request_session: master session id: 2\n",
		    true, SSHFAIL_OTHER, "" },
		{ "Authenticated to gl ([10.0.0.1]:22) using \"publickey\".\n"
		    "debug1: Entering interactive session.\n"
		    "Timeout, server gl not responding.\r\n", true,
		    SSHFAIL_LOST, "Timeout, server gl not responding." },
		{ "debug1: connect to address 10.0.0.1 port 22: Connection "
		    "refused\nssh: connect to host gl port 22: Connection "
		    "refused\r\n", false, SSHFAIL_UNREACHABLE,
		    "ssh: connect to host gl port 22: Connection refused" },
		{ "Control socket connect(/run/m/0): Connection refused\n"
		    "debug1: Connecting to gl\n"
		    "kex_exchange_identification: read: Connection reset by "
		    "peer\n", false, SSHFAIL_UNREACHABLE,
		    "kex_exchange_identification: read: Connection reset by "
		    "peer" },
		{ "Host key verification failed.\r\n", false,
		    SSHFAIL_HOSTKEY_UNKNOWN, "Host key verification failed." },
		{ "ssh: connect to host \033[2Jgl port 22: No route to host",
		    false, SSHFAIL_UNREACHABLE, "ssh: connect to host "
		    "\\x1b[2Jgl port 22: No route to host" },
	};
	struct gitssh_said r;
	struct buf why;
	size_t i;

	buf_init(&why, 2048);
	for (i = 0; i < sizeof(t) / sizeof(*t); i++) {
		buf_clear(&why);
		r = gitssh_said(t[i].text, strlen(t[i].text), &why);
		assert_int_equal(r.stood, t[i].stood);
		assert_int_equal(r.fail, t[i].fail);
		assert_string_equal(why.data, t[i].why);
	}
	buf_clear(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_session_reads_no_configuration_and_checks_the_key),
		cmocka_unit_test(
		    a_master_notices_a_dead_server_before_an_answer_is_due),
		cmocka_unit_test(paths_are_one_word_each),
		cmocka_unit_test(a_master_has_no_command),
		cmocka_unit_test(a_destination_that_is_an_option_is_refused),
		cmocka_unit_test(what_ssh_says_is_understood),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
