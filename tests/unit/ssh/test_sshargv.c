/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include <sys/wait.h>
#include <unistd.h>

#include "failmalloc.h"
#include "ssh/sshargv.h"

/* Where word stands in argv; fails when it does not. */
static size_t
at(const struct strv *v, const char *word)
{
	size_t i;

	for (i = 0; i < v->n; i++)
		if (strcmp(v->v[i], word) == 0)
			return i;
	fail_msg("no '%s' in the argv", word);
	return 0;
}

static void
the_promises_stand_before_the_users_options(void **state)
{
	static const char *const promises[] = { "-T", "-x", "-a", "-e",
		"-oBatchMode=yes", "-oStrictHostKeyChecking=yes",
		"-oNoHostAuthenticationForLocalhost=no",
		"-oForwardAgent=no", "-oPermitLocalCommand=no",
		"-oClearAllForwardings=yes" };
	struct strv o = { 0 }, v = { 0 };
	struct sshargv_opts opts = { .options = &o, .config = "/c",
		.connect_timeout_s = 7 };
	struct err e = ERR_INIT;
	size_t i, user;

	strv_add(&o, "StrictHostKeyChecking=no");
	strv_add(&o, "ServerAliveInterval=1");
	assert_int_equal(sshargv_build(&opts, "h", "cmd arg", &v, &e), 0);
	assert_string_equal(v.v[0], "ssh");
	assert_string_equal(v.v[at(&v, "-F") + 1], "/c");
	assert_string_equal(v.v[at(&v, "-e") + 1], "none");
	user = at(&v, "StrictHostKeyChecking=no");
	assert_string_equal(v.v[user - 1], "-o");
	for (i = 0; i < sizeof(promises) / sizeof(promises[0]); i++)
		assert_true(at(&v, promises[i]) < user);
	assert_true(at(&v, "-oConnectTimeout=7") > user);
	assert_true(at(&v, "-oServerAliveInterval=5") >
	    at(&v, "ServerAliveInterval=1"));
	assert_string_equal(v.v[v.n - 3], "--");
	assert_string_equal(v.v[v.n - 2], "h");
	assert_string_equal(v.v[v.n - 1], "cmd arg");
	strv_clear(&v);
	strv_clear(&o);
}

static void
remote_forwards_rule_out_a_master_that_stays(void **state)
{
	struct strv r = { 0 }, v = { 0 };
	struct sshargv_opts opts = { .remote_forwards = &r };
	struct err e = ERR_INIT;

	strv_add(&r, "/run/x:/run/y");
	assert_int_equal(sshargv_build(&opts, "h", "c", &v, &e), 0);
	assert_string_equal(v.v[at(&v, "-R") + 1], "/run/x:/run/y");
	at(&v, "-oControlPath=none");
	assert_false(strv_has(&v, "-oClearAllForwardings=yes"));
	strv_clear(&v);
	strv_clear(&r);
	assert_int_equal(sshargv_build(&opts, "h", "c", &v, &e), 0);
	at(&v, "-oClearAllForwardings=yes");
	assert_false(strv_has(&v, "-oControlPath=none"));
	strv_clear(&v);
}

static void
the_user_is_only_for_destinations_without_one(void **state)
{
	struct sshargv_opts opts = { .user = "admin", .program = "/my/ssh" };
	struct err e = ERR_INIT;
	struct strv v = { 0 };

	assert_int_equal(sshargv_build(&opts, "h", "c", &v, &e), 0);
	assert_string_equal(v.v[0], "/my/ssh");
	assert_string_equal(v.v[at(&v, "-l") + 1], "admin");
	strv_clear(&v);
	assert_int_equal(sshargv_build(&opts, "root@h", "c", &v, &e), 0);
	assert_false(strv_has(&v, "-l"));
	strv_clear(&v);
}

static void
bad_destinations_and_users_are_refused(void **state)
{
	static const char *const users[] = { "", "-oX", "a b", "a;b", "a@b",
		"ssh://x" };
	struct sshargv_opts opts = { 0 };
	struct err e = ERR_INIT;
	struct strv v = { 0 };
	size_t i;

	assert_int_equal(sshargv_build(&opts, "-h", "c", &v, &e), -1);
	assert_int_equal(e.code, ERR_CONFIG);
	for (i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
		opts.user = users[i];
		if (sshargv_build(&opts, "h", "c", &v, &e) == 0)
			fail_msg("user '%s' passed", users[i]);
		assert_int_equal(e.code, ERR_CONFIG);
	}
	assert_int_equal(v.n, 0);
	strv_clear(&v);
}

static void
out_of_memory_is_an_error_wherever_it_happens(void **state)
{
	struct strv o = { 0 }, r = { 0 }, v;
	struct sshargv_opts opts = { .options = &o, .remote_forwards = &r,
		.user = "u", .config = "c", .connect_timeout_s = 1 };
	struct err e = ERR_INIT;
	unsigned long n;
	int rc;

	strv_add(&o, "A=b");
	strv_add(&r, "a:b");
	for (n = 1;; n++) {
		v = (struct strv){ 0 };
		e.code = ERR_NONE;
		failmalloc_arm(n);
		rc = sshargv_build(&opts, "h", "c", &v, &e);
		if (!failmalloc_disarm())
			break;
		assert_int_equal(rc, -1);
		assert_int_not_equal(e.code, ERR_NONE);
		strv_clear(&v);
	}
	assert_int_equal(rc, 0);
	assert_true(n > v.n);
	strv_clear(&v);
	strv_clear(&o);
	strv_clear(&r);
}

/* What ssh -G makes of argv. */
static void
ssh_says(const struct strv *v, char *out, size_t cap)
{
	struct strv g = { 0 };
	int p[2], status;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	strv_add(&g, v->v[0]);
	strv_add(&g, "-G");
	strv_addv(&g, v->v + 1);
	assert_int_equal(pipe(p), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(p[1], 1);
		close(p[0]);
		close(p[1]);
		execvp(g.v[0], g.v);
		_exit(127);
	}
	close(p[1]);
	while (len < cap - 1 && (n = read(p[0], out + len, cap - 1 - len)) > 0)
		len += (size_t)n;
	out[len] = '\0';
	close(p[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	strv_clear(&g);
}

/* The real ssh must know each option, and let none of ours be relaxed. */
static void
the_real_ssh_resolves_it_as_promised(void **state)
{
	static const char *const want[] = { "batchmode yes\n",
		"stricthostkeychecking true\n", "forwardagent no\n",
		"permitlocalcommand no\n", "clearallforwardings yes\n",
		"connecttimeout 9\n", "serveraliveinterval 2\n",
		"escapechar none\n", "forwardx11 no\n", "requesttty false\n",
		"sessiontype default\n", "stdinnull no\n",
		"forkafterauthentication no\n", "tunnel false\n",
		"nohostauthenticationforlocalhost no\n", "user admin\n" };
	struct strv o = { 0 }, v = { 0 };
	struct sshargv_opts opts = { .options = &o, .user = "admin",
		.config = "/dev/null", .connect_timeout_s = 9 };
	struct err e = ERR_INIT;
	char out[65536];
	size_t i;

	strv_add(&o, "StrictHostKeyChecking=no");
	strv_add(&o, "BatchMode=no");
	strv_add(&o, "ForwardAgent=yes");
	strv_add(&o, "PermitLocalCommand=yes");
	strv_add(&o, "SessionType=none");
	strv_add(&o, "ServerAliveInterval=2");
	assert_int_equal(sshargv_build(&opts, "h", "c", &v, &e), 0);
	ssh_says(&v, out, sizeof(out));
	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		if (strstr(out, want[i]) == NULL)
			fail_msg("ssh -G does not say %s", want[i]);
	strv_clear(&v);
	strv_clear(&o);
}

/* It takes no such URL itself. */
static void
the_real_ssh_goes_to_an_ipv6_address(void **state)
{
	static const struct { const char *dest, *host, *port, *user; } t[] = {
		{ "ssh://ann@[fd77::1]:4054", "hostname fd77::1\n",
		    "port 4054\n", "user ann\n" },
		{ "ssh://[fe80::1%eth0]", "hostname fe80::1%eth0\n",
		    "port 22\n", "user admin\n" },
		{ "ssh://ann@h:4054", "hostname h\n", "port 4054\n",
		    "user ann\n" },
		{ "fd77::1", "hostname fd77::1\n", "port 22\n",
		    "user admin\n" },
	};
	struct sshargv_opts opts = { .user = "admin", .config = "/dev/null" };
	struct err e = ERR_INIT;
	struct strv v;
	char out[65536];
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		v = (struct strv){ 0 };
		assert_int_equal(sshargv_build(&opts, t[i].dest, "c", &v, &e),
		    0);
		ssh_says(&v, out, sizeof(out));
		if (strstr(out, t[i].host) == NULL || strstr(out,
		    t[i].port) == NULL || strstr(out, t[i].user) == NULL)
			fail_msg("%s: %s", t[i].dest, out);
		strv_clear(&v);
	}
}

/* Lines as OpenSSH 9.2 writes them. */
static void
the_words_of_ssh_are_understood(void **state)
{
	static const struct { enum sshfail want; const char *line; } rows[] = {
	{ SSHFAIL_UNREACHABLE, "ssh: connect to host 127.0.0.1 port 1: "
	    "Connection refused" },
	{ SSHFAIL_UNREACHABLE, "ssh: connect to host 10.0.0.9 port 22: "
	    "Connection timed out" },
	{ SSHFAIL_UNREACHABLE, "ssh: connect to host h port 22: "
	    "No route to host" },
	{ SSHFAIL_UNREACHABLE, "ssh: connect to host h port 22: "
	    "Network is unreachable" },
	{ SSHFAIL_UNREACHABLE, "ssh: Could not resolve hostname "
	    "nosuch.invalid: Name or service not known" },
	{ SSHFAIL_UNREACHABLE, "kex_exchange_identification: "
	    "Connection closed by remote host" },
	{ SSHFAIL_UNREACHABLE, "kex_exchange_identification: read: "
	    "Connection reset by peer" },
	{ SSHFAIL_UNREACHABLE, "Connection timed out during banner exchange" },
	{ SSHFAIL_UNREACHABLE, "Connection to 10.0.0.9 port 22 timed out" },
	{ SSHFAIL_HOSTKEY_CHANGED, "@    WARNING: REMOTE HOST IDENTIFICATION "
	    "HAS CHANGED!     @" },
	{ SSHFAIL_HOSTKEY_CHANGED, "Host key for h has changed and you have "
	    "requested strict checking." },
	{ SSHFAIL_HOSTKEY_UNKNOWN, "No ED25519 host key is known for h and "
	    "you have requested strict checking." },
	{ SSHFAIL_HOSTKEY_UNKNOWN, "Host key verification failed." },
	{ SSHFAIL_DENIED, "root@h: Permission denied "
	    "(publickey,password)." },
	{ SSHFAIL_DENIED, "Received disconnect from 10.0.0.9 port 22:2: "
	    "Too many authentication failures" },
	{ SSHFAIL_LOST, "Connection closed by 10.0.0.9 port 22" },
	{ SSHFAIL_LOST, "Connection reset by 10.0.0.9 port 22" },
	{ SSHFAIL_LOST, "Connection to h closed by remote host." },
	{ SSHFAIL_LOST, "Timeout, server h not responding." },
	{ SSHFAIL_LOST, "client_loop: send disconnect: Broken pipe" },
	{ SSHFAIL_LOST, "client_loop: send disconnect: "
	    "Connection timed out" },
	{ SSHFAIL_LOST, "Read from remote host h: Connection reset by peer" },
	{ SSHFAIL_OTHER, "" },
	{ SSHFAIL_OTHER, "cat: /etc/shadow: Permission denied" },
	{ SSHFAIL_OTHER, "channel 2: open failed: connect failed: "
	    "Connection refused" },
	{ SSHFAIL_OTHER, "Welcome to host1" },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (sshargv_fail(rows[i].line) != rows[i].want)
			fail_msg("'%s' means '%s'", rows[i].line,
			    sshargv_failname(sshargv_fail(rows[i].line)));
}

static enum sshfail
worst(const char *const *lines)
{
	enum sshfail max = SSHFAIL_OTHER, f;

	for (; *lines != NULL; lines++)
		if ((f = sshargv_fail(*lines)) > max)
			max = f;
	return max;
}

static void
the_highest_of_all_lines_is_the_cause(void **state)
{
	static const char *const changed[] = {
		"@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @",
		"Host key for h has changed and you have requested strict "
		    "checking.",
		"Host key verification failed.", NULL };
	static const char *const jump[] = {
		"root@jump: Permission denied (publickey).",
		"Connection closed by UNKNOWN port 65535", NULL };
	static const char *const down[] = {
		"ssh: connect to host jump port 22: Connection refused",
		"Connection closed by UNKNOWN port 65535", NULL };

	assert_int_equal(worst(changed), SSHFAIL_HOSTKEY_CHANGED);
	assert_int_equal(worst(jump), SSHFAIL_DENIED);
	assert_int_equal(worst(down), SSHFAIL_UNREACHABLE);
}

static void
each_failure_has_a_name(void **state)
{
	assert_string_equal(sshargv_failname(SSHFAIL_OTHER), "failed");
	assert_string_equal(sshargv_failname(SSHFAIL_LOST),
	    "connection lost");
	assert_string_equal(sshargv_failname(SSHFAIL_UNREACHABLE),
	    "unreachable");
	assert_string_equal(sshargv_failname(SSHFAIL_DENIED),
	    "not permitted");
	assert_string_equal(sshargv_failname(SSHFAIL_HOSTKEY_UNKNOWN),
	    "host key not known");
	assert_string_equal(sshargv_failname(SSHFAIL_HOSTKEY_CHANGED),
	    "host key changed");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_promises_stand_before_the_users_options),
		cmocka_unit_test(remote_forwards_rule_out_a_master_that_stays),
		cmocka_unit_test(
		    the_user_is_only_for_destinations_without_one),
		cmocka_unit_test(bad_destinations_and_users_are_refused),
		cmocka_unit_test(out_of_memory_is_an_error_wherever_it_happens),
		cmocka_unit_test(the_real_ssh_resolves_it_as_promised),
		cmocka_unit_test(the_real_ssh_goes_to_an_ipv6_address),
		cmocka_unit_test(the_words_of_ssh_are_understood),
		cmocka_unit_test(the_highest_of_all_lines_is_the_cause),
		cmocka_unit_test(each_failure_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
