/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include "allow.h"
#include "failmalloc.h"
#include "keys.h"
#include "settings.h"

static struct settings s;
static struct err e;

static int
parse(const char *text)
{
	settings_clear(&s);
	e = (struct err)ERR_INIT;
	return settings_parse(&s, text, strlen(text), "f", &e);
}

static void
refuses(const char *text, const char *message)
{
	assert_int_equal(parse(text), -1);
	assert_int_equal(e.code, ERR_CONFIG);
	assert_string_equal(e.msg, message);
}

static int
clear(void **state)
{
	(void)state;
	settings_clear(&s);
	return 0;
}

static const char whole[] =
    "[job home]\n"
    "destination = backup@store\n"
    "name = laptop-home\n"
    "root = /home\n"
    "root = /etc\n"
    "exclude = /home/a/cache\n"
    "exclude = *.o\n"
    "one-file-system = yes\n"
    "compress = zstd\n"
    "bandwidth = 2M\n"
    "nice = 19\n"
    "ionice = best-effort:7\n"
    "mode = direct\n"
    "ssh-option = Port=2222\n"
    "before = sync; echo a=b\n"
    "on-failure = mail root\n"
    "timeout = 2h\n"
    "command-timeout = 90s\n"
    "beat = 5s\n"
    "[job all]\n"
    "destination = ssh://store:22\n"
    "root = /\n"
    "[store]\n"
    "dir = /srv/my backup\n"
    "min-free = 10G\n"
    "evict-others = no\n"
    "keep-daily = 7\n"
    "keep-weekly = 4\n"
    "min-keep = 2\n"
    "rate-limit = 10m\n"
    "metadata = real\n"
    "[client laptop]\n"
    "keep-last = 3\n"
    "quota = 1T\n"
    "allow = list,run\n"
    "destination = root@laptop\n"
    "root = /\n";

static void
settings_reads_each_section(void **state)
{
	(void)state;
	assert_int_equal(parse(whole), 0);
	assert_int_equal(settings_check(&s, &e), 0);
	assert_int_equal(s.njobs, 2);
	assert_string_equal(s.jobs[0].section, "home");
	assert_string_equal(s.jobs[0].name, "laptop-home");
	assert_string_equal(s.jobs[0].destination, "backup@store");
	assert_int_equal(s.jobs[0].roots.n, 2);
	assert_string_equal(s.jobs[0].roots.v[1], "/etc");
	assert_string_equal(s.jobs[0].excludes.v[1], "*.o");
	assert_int_equal(s.jobs[0].one_file_system, 1);
	assert_int_equal(s.jobs[0].compress, COMPRESS_ZSTD);
	assert_int_equal(s.jobs[0].bandwidth, 2 << 20);
	assert_int_equal(s.jobs[0].nice, 19);
	assert_int_equal(s.jobs[0].ionice, SETTINGS_IONICE(2, 7));
	assert_int_equal(s.jobs[0].mode, MODE_DIRECT);
	assert_string_equal(s.jobs[0].ssh_options.v[0], "Port=2222");
	assert_string_equal(s.jobs[0].before, "sync; echo a=b");
	assert_int_equal(s.jobs[0].timeout, 7200000);
	assert_int_equal(s.jobs[0].beat, 5000);
	assert_true(s.store.there);
	assert_string_equal(s.store.dir, "/srv/my backup");
	assert_true(s.store.min_free == 10ll << 30);
	assert_int_equal(s.store.evict_others, 0);
	assert_int_equal(s.nclients, 1);
	assert_string_equal(s.clients[0].pull.destination, "root@laptop");
	assert_int_equal(s.clients[0].policy.allow, ALLOW_RUN | ALLOW_LIST);
}

static void
settings_gives_no_two_the_same_user_or_textfile(void **state)
{
	(void)state;
	assert_int_equal(parse("[client a]\nuser = one\n[client b]\n"
	    "quota = 1\n[client c]\nuser = two\n"), 0);
	assert_int_equal(settings_check(&s, &e), 0);
	assert_string_equal(settings_client_user(&s, "a"), "one");
	assert_null(settings_client_user(&s, "b"));
	assert_null(settings_client_user(&s, "d"));
	assert_int_equal(parse("[client a]\nuser = one\n[client b]\n"
	    "user = one\n"), 0);
	assert_int_equal(settings_check(&s, &e), -1);
	assert_err(&e, ERR_CONFIG, "[client a] and [client b] have the same "
	    "user 'one'");
	assert_int_equal(parse("[job a]\ndestination = s\nroot = /\n"
	    "textfile = /m\n[job b]\ndestination = s\nroot = /\n"
	    "textfile = /m\n"), 0);
	assert_int_equal(settings_check(&s, &e), -1);
	assert_err(&e, ERR_CONFIG, "[job a] and [job b] have the same "
	    "textfile");
	refuses("[store]\nuser = a\n", "f:2: unknown key 'user'");
}

static void
settings_names_file_and_line_of_what_is_wrong(void **state)
{
	(void)state;
	refuses("[job a]\nroots = /\n", "f:2: unknown key 'roots'");
	refuses("[jobs a]\n", "f:1: unknown section 'jobs a'");
	refuses("[store]\nroot = /\n", "f:2: unknown key 'root'");
	refuses("[job a]\nnice = 20\n", "f:2: nice: '20': must be from 0 to 19");
	refuses("[job a]\ncompress = lz4\n",
	    "f:2: compress: one of: none zstd zlib");
	refuses("[job a]\none-file-system = true\n",
	    "f:2: one-file-system: one of: no yes");
	refuses("[job a]\nionice = realtime\n", "f:2: ionice: idle, "
	    "best-effort or best-effort:0 to best-effort:7");
	refuses("[job a]\nroot = home\n", "f:2: root: not an absolute path");
	refuses("[job a]\nssh = ./ssh\n", "f:2: ssh: neither an absolute path "
	    "nor a name to be found in PATH");
	refuses("[job a]\nroot = /home/\n", "f:2: root: a slash at the end");
	refuses("[job a]\nroot = /a//b\n", "f:2: root: two slashes in a row");
	refuses("[job a]\nroot = /a/../b\n",
	    "f:2: root: '.' or '..' in a path");
	refuses("[job a]\nroot = /a\nroot = /a\n",
	    "f:3: root: the same path for a second time");
	refuses("[job a]\nexclude =\n", "f:2: exclude: has no value");
	refuses("[job a]\ntimeout = 1x\n", "f:2: timeout: '1x': "
	    "not a duration such as 500ms, 10s, 5m, 2h or 1h30m");
	assert_int_equal(parse("[job a]\ndestination = -oX\n"), -1);
	assert_err(&e, ERR_CONFIG, "f:2: destination: ssh destination '-oX'");
	assert_int_equal(parse("[job A]\nroot = /\n"), -1);
	assert_err(&e, ERR_CONFIG, "f:2: [job NAME]: a name has 1 to 63");
	assert_int_equal(parse("[client x.2026-01-31.1]\nquota = 1\n"), -1);
	assert_err(&e, ERR_CONFIG, "looks like the name of a snapshot");
	assert_int_equal(parse("[client a]\nallow = run,delete\n"), -1);
	assert_err(&e, ERR_CONFIG, "f:2: allow: what is allowed is a list");
}

static void
settings_misses_what_a_section_needs(void **state)
{
	(void)state;
	assert_int_equal(parse("[job a]\nroot = /\n"), 0);
	assert_int_equal(settings_check(&s, &e), 0);
	assert_int_equal(parse("[job a]\ndestination = h\n"), 0);
	assert_int_equal(settings_check(&s, &e), -1);
	assert_err(&e, ERR_CONFIG, "[job a] has no root");
	assert_int_equal(parse("[store]\nmin-free = 1G\n"), 0);
	assert_int_equal(settings_check(&s, &e), -1);
	assert_err(&e, ERR_CONFIG, "[store] has no dir");
	assert_int_equal(parse(""), 0);
	assert_int_equal(settings_check(&s, &e), 0);
}

static void
settings_job_is_the_only_one_or_the_one_named(void **state)
{
	(void)state;
	assert_int_equal(parse(whole), 0);
	assert_null(settings_job(&s, NULL, &e));
	assert_err(&e, ERR_CONFIG, "has 2 jobs");
	assert_string_equal(settings_job(&s, "all", &e)->destination,
	    "ssh://store:22");
	assert_null(settings_job(&s, "x", &e));
	assert_err(&e, ERR_CONFIG, "no [job x]");
	assert_int_equal(parse("[job a]\nroot = /\n"), 0);
	assert_string_equal(settings_job(&s, NULL, &e)->section, "a");
	assert_int_equal(parse(""), 0);
	assert_null(settings_job(&s, NULL, &e));
	assert_err(&e, ERR_CONFIG, "postern backup setup");
}

static void
settings_job_fill_changes_nothing_that_was_said(void **state)
{
	struct settings_job *j;

	(void)state;
	assert_int_equal(parse(whole), 0);
	j = &s.jobs[0];
	assert_int_equal(settings_job_fill(j, &e), 0);
	assert_string_equal(j->name, "laptop-home");
	assert_int_equal(j->beat, 5000);
	assert_int_equal(j->command_timeout, 90000);
	assert_int_equal(j->connect_timeout, 30000);
	assert_non_null(strstr(j->key, "/postern/backup_key"));
	j = &s.jobs[1];
	assert_int_equal(settings_job_fill(j, &e), 0);
	assert_string_equal(j->name, "all");
	assert_int_equal(j->mode, MODE_CHANNEL);
	assert_int_equal(j->compress, COMPRESS_NONE);
	assert_int_equal(j->one_file_system, 0);
	assert_int_equal(j->timeout, 0);
	assert_int_equal(j->command_timeout, 3600000);
}

static void
settings_of_a_client_go_before_those_of_the_store(void **state)
{
	struct settings_policy p;
	struct settings_job *pull;

	(void)state;
	assert_int_equal(parse(whole), 0);
	settings_client_get(&s, NULL, "laptop", &p, &pull);
	/* The client's keep-last alone: rules are not mixed. */
	assert_int_equal(p.keep[KEEP_LAST], 3);
	assert_int_equal(p.keep[KEEP_DAILY], 0);
	assert_int_equal(p.min_keep, 2);
	assert_true(p.quota == 1ll << 40);
	assert_int_equal(p.rate_limit, 600000);
	assert_int_equal(p.metadata, METADATA_REAL);
	assert_string_equal(pull->destination, "root@laptop");
	settings_client_get(&s, NULL, "other", &p, &pull);
	assert_null(pull);
	assert_int_equal(p.keep[KEEP_DAILY], 7);
	assert_int_equal(p.keep[KEEP_LAST], 0);
	assert_int_equal(p.quota, 0);
	assert_int_equal(p.allow, 15);
	assert_int_equal(parse(""), 0);
	settings_client_get(&s, NULL, "other", &p, NULL);
	assert_int_equal(p.min_keep, 1);
	assert_int_equal(p.max_jobs, 16);
	assert_int_equal(p.backend, BACKEND_AUTO);
	assert_int_equal(parse("[store]\nmax-jobs = 3\n[client a]\n"
	    "max-jobs = 40\n"), 0);
	settings_client_get(&s, NULL, "a", &p, NULL);
	assert_int_equal(p.max_jobs, 40);
	settings_client_get(&s, NULL, "b", &p, NULL);
	assert_int_equal(p.max_jobs, 3);
	refuses("[store]\nmax-jobs = 0\n",
	    "f:2: max-jobs: '0': must be from 1 to 100000");
}

static void
settings_gives_a_command_its_time(void **state)
{
	(void)state;
	assert_int_equal(parse(""), 0);
	assert_int_equal(settings_command_ms(&s), 3600000);
	assert_int_equal(parse("[store]\ndir = /s\n"), 0);
	assert_int_equal(settings_command_ms(&s), 3600000);
	assert_int_equal(parse("[store]\ncommand-timeout = 5m\n"), 0);
	assert_int_equal(settings_command_ms(&s), 300000);
	assert_int_equal(parse("[store]\ncommand-timeout = 0\n"), 0);
	assert_int_equal(settings_command_ms(&s), 0);
}

static void
settings_of_the_owner_go_before_what_accept_wrote(void **state)
{
	const char *written = "[client laptop]\nallow = run,verify\n"
	    "quota = 5\n[client other]\nquota = 6\n";
	struct settings accepted = { 0 };
	struct settings_policy p;

	(void)state;
	assert_int_equal(parse(whole), 0);
	assert_int_equal(settings_parse(&accepted, written, strlen(written),
	    "f", &e), 0);
	settings_client_get(&s, &accepted, "laptop", &p, NULL);
	assert_true(p.quota == 1ll << 40);
	assert_int_equal(p.allow, ALLOW_RUN | ALLOW_LIST);
	assert_int_equal(p.keep[KEEP_LAST], 3);
	settings_client_get(&s, &accepted, "other", &p, NULL);
	assert_int_equal(p.quota, 6);
	assert_int_equal(p.keep[KEEP_DAILY], 7);
	settings_clear(&accepted);
	assert_int_equal(settings_accepted("/nowhere", "laptop", &accepted,
	    &e), 0);
	assert_int_equal(accepted.nclients, 0);
}

static void
settings_name_refuses_what_could_be_a_path_or_a_snapshot(void **state)
{
	static const char *const good[] = { "a", "0", "web1.example.org",
		"a_b-c", "a.2026-01-31", "a.2026-1-31.5", "a.20260131.5",
		"2026-01-31.5" };
	static const char *const bad[] = { "", ".", "..", ".a", "-a", "_a",
		"a/b", "a..b", "A", "a b", "\xc3\xa4", "a\n",
		"a.2026-01-31.5", "0.0000-00-00.0",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (settings_name(good[i], "x", &e) == -1)
			fail_msg("%s: %s", good[i], e.msg);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (settings_name(bad[i], "x", &e) == 0)
			fail_msg("'%s' passed", bad[i]);
}

static void
allow_is_a_list_of_known_words(void **state)
{
	static const char *const bad[] = { "", ",", "run,", ",run", "run,run",
		"run, list", "Run", "runs", "all", "find" };
	unsigned bits = 0;
	struct buf b;
	size_t i;

	(void)state;
	assert_int_equal(allow_parse("verify,run", &bits, &e), 0);
	assert_int_equal(bits, ALLOW_VERIFY | ALLOW_RUN);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (allow_parse(bad[i], &bits, &e) == 0)
			fail_msg("'%s' passed", bad[i]);
	assert_int_equal(bits, ALLOW_VERIFY | ALLOW_RUN);
	buf_init(&b, 100);
	assert_int_equal(allow_emit(bits, &b, &e), 0);
	assert_string_equal(b.data, "run,verify");
	buf_clear(&b);
	assert_int_equal(allow_for("cat"), ALLOW_RESTORE);
	assert_int_equal(allow_for("find"), ALLOW_LIST);
	assert_int_equal(allow_for("prune"), 0);
}

static void
keys_are_the_users_own_and_ssh_uses_no_others(void **state)
{
	struct settings_job j = { .key = "/k", .known_hosts = "/h h" };
	struct strv v = { 0 };

	(void)state;
	assert_int_equal(keys_options(&j, &v, &e), 0);
	assert_true(strv_has(&v, "IdentityFile=\"/k\""));
	assert_true(strv_has(&v, "UserKnownHostsFile=\"/h h\""));
	assert_true(strv_has(&v, "IdentitiesOnly=yes"));
	assert_true(strv_has(&v, "IdentityAgent=none"));
	assert_true(strv_has(&v, "GlobalKnownHostsFile=/dev/null"));
	strv_clear(&v);
	j.key = "/%h";
	assert_int_equal(keys_options(&j, &v, &e), -1);
	assert_int_equal(e.code, ERR_CONFIG);
	strv_clear(&v);
}

static void
settings_says_when_memory_is_out_wherever_that_is(void **state)
{
	unsigned long n;
	int rc;

	(void)state;
	for (n = 1;; n++) {
		settings_clear(&s);
		e = (struct err)ERR_INIT;
		failmalloc_arm(n);
		rc = settings_parse(&s, whole, strlen(whole), "f", &e);
		if (rc == 0 && s.njobs > 0)
			rc = settings_job_fill(&s.jobs[0], &e);
		if (!failmalloc_disarm())
			break;
		assert_int_equal(rc, -1);
		assert_int_equal(e.code, ERR_MEM);
	}
	assert_int_equal(rc, 0);
	assert_true(n > 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_reads_each_section),
		cmocka_unit_test(settings_names_file_and_line_of_what_is_wrong),
		cmocka_unit_test(
		    settings_gives_no_two_the_same_user_or_textfile),
		cmocka_unit_test(settings_misses_what_a_section_needs),
		cmocka_unit_test(settings_job_is_the_only_one_or_the_one_named),
		cmocka_unit_test(
		    settings_job_fill_changes_nothing_that_was_said),
		cmocka_unit_test(
		    settings_of_a_client_go_before_those_of_the_store),
		cmocka_unit_test(settings_gives_a_command_its_time),
		cmocka_unit_test(
		    settings_of_the_owner_go_before_what_accept_wrote),
		cmocka_unit_test(
		    settings_name_refuses_what_could_be_a_path_or_a_snapshot),
		cmocka_unit_test(allow_is_a_list_of_known_words),
		cmocka_unit_test(keys_are_the_users_own_and_ssh_uses_no_others),
		cmocka_unit_test(
		    settings_says_when_memory_is_out_wherever_that_is),
	};

	return cmocka_run_group_tests(tests, NULL, clear);
}
