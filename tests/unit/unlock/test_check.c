/* SPDX-License-Identifier: ISC */
#include "checkrun.h"

static void
check_finds_nothing_in_a_sound_configuration(void **state)
{
	struct run r = { .mode = CHECK_FIFO };

	tells(&r, "h1", "csync2 /usr/sbin/csync2\nrun tmpfs\nswap off\n"
	    "fifo ok 4096 /var/lib/csync2/p.key\ndaemon none\n"
	    "cert ok 600 /etc/csync2_ssl_key.pem\ncert-subject CN=csync2\n"
	    "pins known\npin h2\npin h3\n");
	tells(&r, "h2", "fifo ok 4096 /var/lib/csync2/p.key\ndaemon none\n"
	    "cert-subject CN=csync2\n");
	run(&r, PRIV, NULL);
	if (r.list.n > 0)
		fail_msg("%s: %s", r.list.v[0].id, r.list.v[0].text);
	end(&r);
}

static void
check_calls_an_ordinary_group_on_the_daemon_a_risk(void **state)
{
	const struct check_finding *f;
	struct run r = { 0 };

	run(&r, PRIV, PUB);
	f = finds(&r, "ordinary-group", CHECK_RISK);
	at(f, "/etc/csync2.cfg", 1);
	assert_string_equal(f->host, "h1");
	assert_int_equal(count(&r, "ordinary-group"), 2);
	assert_int_equal(check_worst(&r.list), CHECK_RISK);
	end(&r);

	tells(&r, "h1", "daemon socket csync2.socket active enabled\n"
	    "daemon-uid 0\ncage in-force\n");
	tells(&r, "h2", "daemon none\n");
	run(&r, PRIV, PUB);
	assert_null(find(&r, "ordinary-group"));
	assert_null(find(&r, "daemon-root"));
	end(&r);
}

static void
check_does_not_take_a_daemon_beside_the_cage_for_caged(void **state)
{
	struct run r = { 0 };

	tells(&r, "h1", "daemon socket csync2.socket active enabled\n"
	    "daemon-uid 0\ndaemon process 0 123\ndaemon-uid 0\n"
	    "cage in-force\n");
	tells(&r, "h2", "daemon none\n");
	run(&r, PRIV, PUB);
	assert_int_equal(count(&r, "ordinary-group"), 1);
	assert_string_equal(finds(&r, "ordinary-group", CHECK_RISK)->host,
	    "h1");
	assert_int_equal(count(&r, "other-daemon"), 1);
	end(&r);
}

static void
check_knows_a_group_with_another_fifo_as_privileged(void **state)
{
	struct run r = { 0 };

	/* The pusher's word counts for who was not asked. */
	tells(&r, "h1", "key fifo /etc/k1\n");
	run(&r, PRIV, PUB);
	assert_null(find(&r, "ordinary-group"));
	end(&r);
	tells(&r, "h1", "fifo ok 4096 /etc/k1\n");
	run(&r, PRIV, PUB);
	assert_null(find(&r, "ordinary-group"));
	end(&r);
	tells(&r, "h1", "fifo not-fifo 0 /etc/k1\n");
	run(&r, PRIV, PUB);
	assert_int_equal(count(&r, "ordinary-group"), 2);
	end(&r);
}

/* A receiver is trusted with what is its own, and no more. */
static void
check_does_not_take_a_receivers_word_for_another_host(void **state)
{
	struct run r = { 0 };

	tells(&r, "h1", "uid 0\n");
	tells(&r, "h2", "key fifo /etc/k1\nfifo ok 4096 /etc/k1\n");
	run(&r, PRIV, PUB);
	assert_int_equal(count(&r, "ordinary-group"), 1);
	assert_string_equal(finds(&r, "ordinary-group", CHECK_RISK)->host,
	    "h1");
	end(&r);
	/* And the pusher's is no excuse for a host that says otherwise. */
	tells(&r, "h1", "key fifo /etc/k1\n");
	tells(&r, "h2", "uid 0\n");
	run(&r, PRIV, PUB);
	assert_int_equal(count(&r, "ordinary-group"), 1);
	assert_string_equal(finds(&r, "ordinary-group", CHECK_RISK)->host,
	    "h2");
	end(&r);
}

static void
check_finds_a_compare_with_several_patterns(void **state)
{
	struct run r = { 0 };

	run(&r, "group priv { host h1 (h2); key p;\ncompare /a /b;\n }",
	    NULL);
	at(finds(&r, "compare", CHECK_WARN), "/etc/csync2_priv.cfg", 2);
	end(&r);
	run(&r, "group priv { host h1 (h2); key p;\ninclude /a;\n"
	    "compare /b;\n }", NULL);
	assert_null(find(&r, "compare"));
	end(&r);
}

static void
check_finds_nossl_for_hosts_of_the_group_only(void **state)
{
	struct run r = { .mode = CHECK_FIFO };

	run(&r, PRIV "nossl h1 *;\n", NULL);
	at(finds(&r, "nossl", CHECK_RISK), "/etc/csync2_priv.cfg", 6);
	end(&r);
	run(&r, PRIV "nossl h1 *;\n", NULL);
	finds(&r, "nossl", CHECK_WARN);
	end(&r);
	r.mode = CHECK_FIFO;
	run(&r, PRIV "nossl h1 x*;\n", NULL);
	assert_null(find(&r, "nossl"));
	end(&r);
}

static void
check_finds_names_given_twice(void **state)
{
	struct run r = { 0 };

	run(&r, PRIV PRIV, NULL);
	at(finds(&r, "duplicate-name", CHECK_WARN), "/etc/csync2_priv.cfg",
	    6);
	end(&r);
}

static void
check_finds_a_pusher_that_may_not_push(void **state)
{
	struct run r = { .pusher = "h9" };

	run(&r, PRIV, NULL);
	assert_non_null(strstr(finds(&r, "pusher", CHECK_RISK)->text,
	    "no member"));
	end(&r);
	r.pusher = "h2";
	run(&r, PRIV, NULL);
	assert_non_null(strstr(finds(&r, "pusher", CHECK_RISK)->text,
	    "slave"));
	end(&r);
}

static void
check_wants_slaves_where_daemons_take_part(void **state)
{
	static const char conf[] =
	    "group priv { host h1 h2; key p; include /srv/p; }";
	struct run r = { .mode = CHECK_FIFO };

	run(&r, conf, NULL);
	assert_string_equal(finds(&r, "not-slave", CHECK_RISK)->host, "h2");
	end(&r);
	run(&r, conf, NULL);
	assert_null(find(&r, "not-slave"));
	end(&r);
}

static void
check_judges_each_state_of_a_fifo(void **state)
{
	static const struct { const char *fact; int level; } t[] = {
		{ "fifo ok 4096 /p\n", -1 },
		{ "fifo missing 0 /p\n", CHECK_WARN },
		{ "fifo not-fifo 0 /p\n", CHECK_RISK },
		{ "fifo symlink 0 /p\n", CHECK_RISK },
		{ "fifo owner 0 /p\n", CHECK_RISK },
		{ "fifo mode 0 /p\n", CHECK_RISK },
		{ "fifo parent 0 /p\n", CHECK_RISK },
	};
	struct run r = { 0 };
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(*t); i++) {
		tells(&r, "h2", t[i].fact);
		run(&r, PRIV, NULL);
		if (t[i].level == -1)
			assert_null(find(&r, "fifo"));
		else
			assert_string_equal(finds(&r, "fifo",
			    (enum check_level)t[i].level)->host, "h2");
		end(&r);
	}
}

static void
check_judges_what_hosts_tell(void **state)
{
	struct run r = { .mode = CHECK_FIFO, .key_file = true };

	tells(&r, "h1", "csync2 missing\nrun ext2/ext3\nswap on\n"
	    "cert mode 644 /etc/csync2_ssl_key.pem\ncert-subject CN=h1\n"
	    "pins known\npin h2\ndaemon process 0 17\ndaemon-uid 0\n"
	    "cage none\n");
	tells(&r, "h2", "cert-subject CN=h2\ncage installed, not loaded\n"
	    "daemon socket csync2.socket active enabled\ndaemon-uid 0\n");
	run(&r, PRIV, NULL);
	finds(&r, "csync2-missing", CHECK_RISK);
	finds(&r, "run", CHECK_RISK);
	finds(&r, "swap", CHECK_WARN);
	finds(&r, "cert-mode", CHECK_RISK);
	assert_string_equal(finds(&r, "cert-subject", CHECK_WARN)->host,
	    "h2");
	at(finds(&r, "not-pinned", CHECK_RISK), "/etc/csync2_priv.cfg", 2);
	assert_int_equal(count(&r, "not-pinned"), 1);
	finds(&r, "daemon-root", CHECK_WARN);
	finds(&r, "other-daemon", CHECK_WARN);
	assert_string_equal(finds(&r, "cage-not-in-force", CHECK_WARN)->host,
	    "h2");
	end(&r);
	tells(&r, "h1", "pins unknown sqlite3 is not installed\n");
	run(&r, PRIV, NULL);
	finds(&r, "pins-unknown", CHECK_NOTE);
	end(&r);
}

static void
check_wants_a_database_apart_from_the_caged_one(void **state)
{
	struct run r = { .mode = CHECK_FIFO };

	tells(&r, "h1", "cage in-force\n");
	run(&r, PRIV, PUB);
	finds(&r, "database", CHECK_RISK);
	end(&r);
	tells(&r, "h1", "cage in-force\n");
	run(&r, PRIV "database /var/lib/csync2-priv;\n", PUB);
	assert_null(find(&r, "database"));
	end(&r);
	/* A receiver has one too. */
	r.mode = CHECK_FIFO;
	tells(&r, "h2", "cage in-force\n");
	run(&r, PRIV, PUB);
	assert_string_equal(finds(&r, "database", CHECK_RISK)->host, "h2");
	end(&r);
}

static void
database(const char *priv, const char *pub, bool want)
{
	struct run r = { .mode = CHECK_FIFO };
	char a[512], b[512];

	snprintf(a, sizeof(a), PRIV "database %s;\n", priv);
	snprintf(b, sizeof(b), PUB "database %s;\n", pub);
	tells(&r, "h1", "cage in-force\n");
	run(&r, a, b);
	if ((find(&r, "database") != NULL) != want)
		fail_msg("%s and %s", priv, pub);
	end(&r);
}

static void
check_knows_where_a_database_lies_by_its_url(void **state)
{
	database("sqlite3:///var/lib/csync2", "/var/lib/csync2", true);
	database("/var/lib/csync2", "sqlite:///var/lib/csync2", true);
	database("/var/lib/x/priv.db3", "/var/lib/x/pub.db3", true);
	database("sqlite3:///var/lib/x/p/a.db3", "/var/lib/x/pub.db3", true);
	database("/var/lib/y/priv.db3", "sqlite3:///var/lib/x/pub.db3",
	    false);
	database("mysql://h/var/lib/x", "/var/lib/x", false);
}

static void
check_wants_a_database_that_only_root_writes(void **state)
{
	struct run r = { 0 };

	tells(&r, "h2", "database ok /var/lib/csync2\n"
	    "database writable /var/lib/csync2/h2.db3\n");
	run(&r, PRIV, NULL);
	assert_int_equal(count(&r, "database-mode"), 1);
	assert_non_null(strstr(finds(&r, "database-mode", CHECK_RISK)->text,
	    "/var/lib/csync2/h2.db3"));
	end(&r);
}

static void
check_sorts_the_worst_first(void **state)
{
	struct run r = { 0 };
	size_t i;

	tells(&r, "h1", "swap on\nfifo missing 0 /p\n");
	run(&r, PRIV, PUB);
	assert_true(r.list.n > 2);
	for (i = 1; i < r.list.n; i++)
		assert_true(r.list.v[i - 1].level >= r.list.v[i].level);
	end(&r);
}

static void
check_fact_refuses_what_a_peer_should_not_say(void **state)
{
	struct check_host h = { .name = strdup("h1") };
	struct err e = ERR_INIT;
	char big[5000];
	size_t i;

	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	assert_int_equal(check_fact_add(&h, big, &e), -1);
	assert_int_equal(e.code, ERR_PEER);
	assert_int_equal(check_fact_add(&h, "a \033[2J", &e), -1);
	for (i = 0; i < 1000; i++)
		assert_int_equal(check_fact_add(&h, "a b", &e), 0);
	assert_int_equal(check_fact_add(&h, "a b", &e), -1);
	assert_string_equal(check_fact(&h, "a", 999), "b");
	assert_null(check_fact(&h, "a", 1000));
	assert_null(check_fact(&h, "aa", 0));
	check_host_clear(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_finds_nothing_in_a_sound_configuration),
		cmocka_unit_test(
		    check_calls_an_ordinary_group_on_the_daemon_a_risk),
		cmocka_unit_test(
		    check_does_not_take_a_daemon_beside_the_cage_for_caged),
		cmocka_unit_test(
		    check_knows_a_group_with_another_fifo_as_privileged),
		cmocka_unit_test(
		    check_does_not_take_a_receivers_word_for_another_host),
		cmocka_unit_test(check_finds_a_compare_with_several_patterns),
		cmocka_unit_test(check_finds_nossl_for_hosts_of_the_group_only),
		cmocka_unit_test(check_finds_names_given_twice),
		cmocka_unit_test(check_finds_a_pusher_that_may_not_push),
		cmocka_unit_test(check_wants_slaves_where_daemons_take_part),
		cmocka_unit_test(check_judges_each_state_of_a_fifo),
		cmocka_unit_test(check_judges_what_hosts_tell),
		cmocka_unit_test(
		    check_wants_a_database_apart_from_the_caged_one),
		cmocka_unit_test(check_knows_where_a_database_lies_by_its_url),
		cmocka_unit_test(check_wants_a_database_that_only_root_writes),
		cmocka_unit_test(check_sorts_the_worst_first),
		cmocka_unit_test(check_fact_refuses_what_a_peer_should_not_say),
	};

	return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
