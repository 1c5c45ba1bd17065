/* SPDX-License-Identifier: ISC */
/* Groups that carry what a host trusts, or what another group carries. */
#include "checkrun.h"

static void
covers(const char *include, const char *want)
{
	const struct check_finding *f;
	struct run r = { 0 };
	char conf[512];
	size_t i;

	snprintf(conf, sizeof(conf), "group pub {\nhost h1 h2;\nkey k1;\n"
	    "%s\naction { pattern /srv/*; exec \"/opt/hook --x\"; "
	    "do-local; }\n}\n", include);
	run(&r, PRIV, conf);
	f = find(&r, "covers");
	if (want == NULL) {
		if (f != NULL)
			fail_msg("%s: %s", include, f->text);
		end(&r);
		return;
	}
	assert_non_null(f);
	assert_int_equal(f->level, CHECK_RISK);
	at(f, "/etc/csync2.cfg", 1);
	for (i = 0; i < r.list.n; i++)
		if (strcmp(r.list.v[i].id, "covers") == 0 &&
		    strstr(r.list.v[i].text, want) != NULL)
			break;
	if (i == r.list.n)
		fail_msg("%s: nothing says %s", include, want);
	end(&r);
}

static void
check_finds_groups_that_carry_what_the_host_trusts(void **state)
{
	covers("include /srv/pub;", NULL);
	covers("include /etc;", "/etc/csync2.cfg");
	covers("include /etc/csync2_ssl_*;", "certificate");
	covers("include /etc/k1;", "a group's key");
	covers("include /var/lib/csync2;", "database");
	covers("include /root;", "/root/.ssh");
	covers("include /home/a/.ssh;", "who may log in");
	covers("include /etc/cron.d;", "cron");
	covers("include /etc/cron.d/a*;", "cron");
	covers("include /etc/systemd/system;", "systemd");
	covers("include /opt;", "what an action runs");
	covers("include /usr/local/bin;", "commands that root runs");
	covers("include /root/.ssh/id_*;", "who may log in");
	covers("include /opt; exclude /opt/hook;", NULL);
	covers("include /etc/*/b*;", "/etc/cron.d");
	covers("include /etc/c*/b*;", "/etc/cron.d");
	covers("include /etc/nginx/*.conf;", NULL);
	covers("include /etc; exclude /etc/*; include /etc/default/x;",
	    "/etc/default");
	covers("include /var/lib/csync2/*.db3;", "database");
	covers("include /root/.config;", "root");
	covers("include /root; exclude /root/.*;", NULL);
	covers("include /opt/a; exclude /opt/*;", NULL);
}

static void
action(const char *line, const char *path, int level)
{
	struct run r = { 0 };
	char conf[512];
	size_t i;

	snprintf(conf, sizeof(conf), "group pub {\nhost h1 h2;\nkey k1;\n"
	    "include /opt;\naction { pattern /srv/*; exec '%s'; "
	    "do-local; }\n}\n", line);
	for (i = 0; conf[i] != '\0'; i++)
		if (conf[i] == '\'')
			conf[i] = '"';
	run(&r, PRIV, conf);
	for (i = 0; i < r.list.n; i++)
		if (strcmp(r.list.v[i].id, "covers") == 0 &&
		    strstr(r.list.v[i].text, path) != NULL)
			break;
	if (level == -1) {
		if (i < r.list.n)
			fail_msg("%s: %s", line, r.list.v[i].text);
	} else {
		if (i == r.list.n)
			fail_msg("%s: nothing about %s", line, path);
		assert_int_equal(r.list.v[i].level, level);
	}
	end(&r);
}

static void
check_looks_at_each_word_of_an_action(void **state)
{
	action("/opt/hook %%", "/opt/hook", CHECK_RISK);
	action("/bin/sh /opt/hook", "/opt/hook", CHECK_RISK);
	action("sh -e /opt/hook", "/opt/hook", CHECK_RISK);
	action("A=/srv/x nice -n 5 /opt/hook", "/opt/hook", CHECK_RISK);
	action("cd / && /opt/hook", "/opt/hook", CHECK_RISK);
	action("test -e x; . /opt/hook", "/opt/hook", CHECK_RISK);
	action("echo $(/opt/hook)", "/opt/hook", CHECK_RISK);
	action("if /opt/hook; then true; fi", "/opt/hook", CHECK_RISK);
	action("/usr/bin/rsync /opt/data /srv/x", "/opt/data", CHECK_NOTE);
	action("logger </opt/data", "/opt/data", CHECK_NOTE);
	action("/usr/bin/rsync /srv/data /srv/x", "/srv/data", -1);
	action("/optional/hook", "/optional", -1);
}

static void
check_says_the_same_of_several_hosts_once(void **state)
{
	struct run r = { 0 };

	run(&r, PRIV, "group pub { host h1 h2 h3; key k1; "
	    "include /etc/crontab; }");
	assert_int_equal(count(&r, "covers"), 1);
	assert_int_equal(count(&r, "ordinary-group"), 3);
	end(&r);
}

static void
check_finds_overlapping_groups(void **state)
{
	struct run r = { 0 };

	run(&r, "group priv { host h1 (h2); key p; include /srv/a/priv; }",
	    "group pub { host h1 h2; key k1; include /srv/a; }");
	finds(&r, "overlap", CHECK_RISK);
	end(&r);
	run(&r, "group priv { host h1 (h2); key p; include /srv/a/priv; }",
	    "group pub { host h1 h2; key k1; include /srv/a; "
	    "exclude /srv/a/priv; }");
	assert_null(find(&r, "overlap"));
	end(&r);
	run(&r, "group priv { host h1 (h2); key p; include /srv/a/priv; }",
	    "group pub { host h1 h2; key k1; include /srv/ab; }");
	assert_null(find(&r, "overlap"));
	end(&r);
}

static void
overlaps(const char *priv, const char *pub, bool want)
{
	struct run r = { 0 };
	char a[256], b[256];

	snprintf(a, sizeof(a), "group priv { host h1 (h2); key p; %s }", priv);
	snprintf(b, sizeof(b), "group pub { host h1 h2; key k1; %s }", pub);
	run(&r, a, b);
	if ((find(&r, "overlap") != NULL) != want)
		fail_msg("%s and %s", priv, pub);
	end(&r);
}

static void
check_tells_overlaps_by_each_part_of_a_pattern(void **state)
{
	overlaps("include /srv/a;", "include /srv/*/x*;", true);
	overlaps("include /srv/*/*.sh;", "include /srv/pub;", true);
	overlaps("include /srv/**.sh;", "include /srv/pub;", true);
	overlaps("include /srv/priv;", "include /srv/p[a-z]*/x;", true);
	overlaps("include /srv/priv;", "include /srv/p[a-z]*/x; "
	    "exclude /srv/priv;", false);
	overlaps("include /srv; exclude /srv/pub;", "include /srv/pub;",
	    false);
	overlaps("include /srv; exclude /srv/pub; include /srv/pub/x;",
	    "include /srv/pub;", true);
	overlaps("include /srv/*.sh;", "include /srv/pub;", false);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    check_finds_groups_that_carry_what_the_host_trusts),
		cmocka_unit_test(check_looks_at_each_word_of_an_action),
		cmocka_unit_test(check_says_the_same_of_several_hosts_once),
		cmocka_unit_test(check_finds_overlapping_groups),
		cmocka_unit_test(
		    check_tells_overlaps_by_each_part_of_a_pattern),
	};

	return cmocka_run_group_tests_name("check_covers", tests, NULL, NULL);
}
