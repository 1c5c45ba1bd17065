/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cage.h"
#include "conf.h"

struct result {
	struct buf text;
	struct strv needs, notes;
	struct err e;
	int rc;
};

static void
emit_all(struct result *r, const char *conf, const char *self,
	const char *fifo, const struct strv *roots)
{
	const struct cfg *cfgs[1];
	struct strv fifos = { 0 };
	struct cage_input in = { .cfgs = cfgs, .ncfgs = 1, .self = self,
		.fifos = &fifos, .roots = roots };
	struct cfg c;

	*r = (struct result){ 0 };
	buf_init(&r->text, 65536);
	conf_parse(&c, "/etc/csync2.cfg", conf);
	cfgs[0] = &c;
	if (fifo != NULL)
		strv_add(&fifos, fifo);
	r->rc = cage_emit(&in, &r->text, &r->needs, &r->notes, &r->e);
	strv_clear(&fifos);
	cfg_clear(&c);
}

static void
emit(struct result *r, const char *conf, const char *self, const char *fifo)
{
	emit_all(r, conf, self, fifo, NULL);
}

static void
emit_beside(struct result *r, const char *conf, const struct strv *roots)
{
	emit_all(r, conf, "h1", NULL, roots);
}

static void
clear(struct result *r)
{
	buf_clear(&r->text);
	strv_clear(&r->needs);
	strv_clear(&r->notes);
}

static void
has(const struct result *r, const char *line)
{
	if (r->rc != 0)
		fail_msg("%s", r->e.msg);
	if (strstr(r->text.data, line) == NULL)
		fail_msg("no '%s' in:\n%s", line, r->text.data);
}

static void
refused(const char *conf, const char *fifo, const char *why)
{
	struct result r;

	emit(&r, conf, "h1", fifo);
	assert_int_equal(r.rc, -1);
	assert_int_equal(r.e.code, ERR_CONFIG);
	if (strstr(r.e.msg, why) == NULL)
		fail_msg("'%s' does not say '%s'", r.e.msg, why);
	clear(&r);
}

static void
cage_binds_what_the_groups_of_the_host_need(void **state)
{
	struct result r;

	emit(&r, "group pub { host h1 h2; key k1; include /srv/pub;\n"
	    "backup-directory /srv/old; }\n"
	    "group far { host h2 h3; key k2; include /srv/far; }\n"
	    "tempdir /srv/tmp;\n", "h1", NULL);
	has(&r, "\nTemporaryFileSystem=/:ro\n");
	has(&r, "\nBindReadOnlyPaths=\"/etc/csync2.cfg\"\n");
	has(&r, "\nBindReadOnlyPaths=\"/etc/k1\"\n");
	/* csync2 reads the keys of all groups. */
	has(&r, "\nBindReadOnlyPaths=\"/etc/k2\"\n");
	has(&r, "\nBindReadOnlyPaths=-\"/etc/csync2_ssl_key.pem\"\n");
	has(&r, "\nBindPaths=\"/srv/pub\"\n");
	has(&r, "\nBindPaths=\"/srv/old\"\n");
	has(&r, "\nBindPaths=\"/srv/tmp\"\n");
	has(&r, "\nBindPaths=\"/var/lib/csync2\"\n");
	assert_null(strstr(r.text.data, "/srv/far"));
	assert_true(strv_has(&r.needs, "rw /srv/pub"));
	assert_true(strv_has(&r.needs, "ro /etc/k1"));
	assert_false(strv_has(&r.needs, "ro /etc/csync2_ssl_key.pem"));
	assert_int_equal(r.notes.n, 0);
	clear(&r);
}

static void
cage_uses_the_prefix_of_its_own_host(void **state)
{
	static const char conf[] = "prefix p { on h1: /a; on h2: /b; }\n"
	    "group pub { host h1 h2; key k1; include %p%/pub; }\n";
	struct result r;

	emit(&r, conf, "h2", NULL);
	has(&r, "\nBindPaths=\"/b/pub\"\n");
	assert_null(strstr(r.text.data, "/a/pub"));
	clear(&r);
}

static void
cage_hides_a_fifo_that_lies_in_a_bound_folder(void **state)
{
	static const char conf[] =
	    "group pub { host h1 h2; key k1; include /srv/pub; }\n";
	struct result r;

	emit(&r, conf, "h1", "/var/lib/csync2/privileged.key");
	has(&r, "\nInaccessiblePaths=-\"/var/lib/csync2/privileged.key\"\n");
	clear(&r);
	emit(&r, conf, "h1", "/etc/privileged.key");
	assert_null(strstr(r.text.data, "InaccessiblePaths=-\""));
	clear(&r);
}

static void
cage_keeps_privileged_paths_away_from_ordinary_groups(void **state)
{
	static const char conf[] =
	    "group pub { host h1 h2; key k1; include /srv/pub; }\n";
	struct strv roots = { 0 };
	struct result r;

	strv_add(&roots, "/srv/pub/priv");
	strv_add(&roots, "/srv/else");
	emit_beside(&r, conf, &roots);
	has(&r, "\nInaccessiblePaths=-\"/srv/pub/priv\"\n");
	assert_null(strstr(r.text.data, "/srv/else"));
	clear(&r);
	strv_add(&roots, "/srv");
	emit_beside(&r, conf, &roots);
	assert_int_equal(r.rc, -1);
	assert_non_null(strstr(r.e.msg, "/etc/csync2.cfg:1: "));
	assert_non_null(strstr(r.e.msg, "privileged group carries"));
	clear(&r);
	strv_clear(&roots);
}

static void
cage_binds_nothing_inside_of_what_is_writable(void **state)
{
	struct result r;

	emit(&r, "group a { host h1 h2; key k1; include /srv/a;\n"
	    "backup-directory /srv/a/x/old; }\n"
	    "group b { host h1 h2; key k1; include /srv/a/b/c; }\n"
	    "tempdir /srv/a/x/tmp;\n", "h1", NULL);
	has(&r, "\nBindPaths=\"/srv/a\"\n");
	assert_null(strstr(r.text.data, "\"/srv/a/"));
	/* csync2 still needs them to be there. */
	assert_true(strv_has(&r.needs, "rw /srv/a/b/c"));
	assert_true(strv_has(&r.needs, "rw /srv/a/x/old"));
	clear(&r);
	emit(&r, "group a { host h1 h2; key k1; include /srv/a; }\n"
	    "tempdir /srv/a/;\n", "h1", NULL);
	has(&r, "\nBindPaths=\"/srv/a\"\n");
	assert_null(strstr(r.text.data, "\"/srv/a/"));
	clear(&r);
}

/* The folder in between can be renamed, and another put in its place. */
static void
cage_refuses_to_cover_what_lies_deep_in_a_writable_folder(void **state)
{
	static const char conf[] =
	    "group pub { host h1 h2; key k1;\ninclude /srv/pub; }\n";
	struct strv roots = { 0 };
	struct result r;

	strv_add(&roots, "/srv/pub/x/priv");
	emit_beside(&r, conf, &roots);
	assert_int_equal(r.rc, -1);
	assert_non_null(strstr(r.e.msg, "/etc/csync2.cfg:2: group path "
	    "/srv/pub holds /srv/pub/x/priv"));
	clear(&r);
	strv_clear(&roots);
	refused(conf, "/var/lib/csync2/keys/fifo",
	    "database /var/lib/csync2 holds /var/lib/csync2/keys/fifo");
	refused("group pub { host h1 h2; key /var/lib/csync2/keys/k;\n"
	    "include /srv/pub; }\n", NULL,
	    "database /var/lib/csync2 holds /var/lib/csync2/keys/k");
	emit(&r, "group pub { host h1 h2; key /var/lib/csync2/k;\n"
	    "include /srv/pub; }\n", "h1", NULL);
	has(&r, "\nBindReadOnlyPaths=\"/var/lib/csync2/k\"\n");
	clear(&r);
}

static void
cage_hides_privileged_paths_beside_the_systems_own_programs(void **state)
{
	static const char conf[] =
	    "group pub { host h1 h2; key k1; include /srv/pub; }\n";
	struct strv roots = { 0 };
	struct result r;

	strv_add(&roots, "/usr/local/sbin");
	strv_add(&roots, "/usr/sbin/backup");
	emit_beside(&r, conf, &roots);
	has(&r, "\nInaccessiblePaths=-\"/usr/local/sbin\"\n"
	    "InaccessiblePaths=-\"/usr/sbin/backup\"\n");
	clear(&r);
	strv_clear(&roots);
	/* Without these the daemon would not start. */
	strv_add(&roots, "/usr/sbin");
	strv_add(&roots, "/usr/lib");
	strv_add(&roots, "/usr");
	emit_beside(&r, conf, &roots);
	assert_null(strstr(r.text.data, "InaccessiblePaths=-\""));
	clear(&r);
	strv_clear(&roots);
}

static void
cage_refuses_a_privileged_group_among_the_ordinary_ones(void **state)
{
	refused("group pub { host h1 h2; key k1; include /srv/pub; }\n"
	    "group priv { host h1 h2;\nkey /etc/fifo; include /srv/priv; }\n",
	    "/etc/fifo", "/etc/csync2.cfg:3: group priv has the FIFO");
}

static void
cage_refuses_what_it_can_not_hold(void **state)
{
	static const char *const roots[] = { "/", "/etc", "/usr",
		"/usr/local/sbin", "/root", "/var", "/var/spool/cron",
		"/home/a/.ssh", "/etc/systemd/system", "/etc/csync2.cfg",
		"/etc/k1", "/dev/shm", "/run/x" };
	char conf[256];
	size_t i;

	for (i = 0; i < sizeof(roots) / sizeof(*roots); i++) {
		snprintf(conf, sizeof(conf), "group pub { host h1 h2; "
		    "key k1;\n\ninclude %s; }\n", roots[i]);
		refused(conf, NULL, "/etc/csync2.cfg:3: group path");
	}
	refused("group g { host h1 h2; key k1; include /srv/a;\n"
	    "backup-directory /usr/old; }\n", NULL, "backup-directory");
	refused("database mysql://x/y;\n"
	    "group g { host h1 h2; key k1; include /srv/a; }\n", NULL,
	    "on a server");
	refused("database foo://x/y;\n"
	    "group g { host h1 h2; key k1; include /srv/a; }\n", NULL,
	    "unknown kind");
	refused("database sqlite3://x;\n"
	    "group g { host h1 h2; key k1; include /srv/a; }\n", NULL,
	    "not an absolute path");
	refused("database /etc/systemd;\n"
	    "group g { host h1 h2; key k1; include /srv/a; }\n", NULL,
	    "database");
}

/* Only plain paths compare as text: the kernel sees these as others. */
static void
cage_refuses_paths_that_are_not_plain(void **state)
{
	static const char *const roots[] = { "/etc//cron.d", "/srv/./x",
		"/etc/../etc/cron.d", "/srv/x/.." };
	char conf[256];
	size_t i;

	for (i = 0; i < sizeof(roots) / sizeof(*roots); i++) {
		snprintf(conf, sizeof(conf), "group pub { host h1 h2; "
		    "key k1;\n\ninclude %s; }\n", roots[i]);
		refused(conf, NULL, "cfg:3: group path '");
		snprintf(conf, sizeof(conf), "group pub { host h1 h2; "
		    "key k1;\ninclude /srv/a; }\ntempdir %s;\n", roots[i]);
		refused(conf, NULL, "cfg:1: tempdir '");
	}
}

static void
binds_database(const char *database, const char *folder, const char *file)
{
	struct result r;
	char conf[256], line[128];

	snprintf(conf, sizeof(conf), "group g { host h1 h2; key k1; "
	    "include /srv/a; }\ndatabase %s;\n", database);
	emit(&r, conf, "h1", NULL);
	snprintf(line, sizeof(line), "\nBindPaths=\"%s\"\n", folder);
	has(&r, line);
	snprintf(line, sizeof(line), "rw %s", folder);
	assert_true(strv_has(&r.needs, line));
	if (file != NULL) {
		snprintf(line, sizeof(line), "file %s", file);
		assert_true(strv_has(&r.needs, line));
	}
	clear(&r);
}

static void
cage_binds_no_more_than_the_databases_folder(void **state)
{
	binds_database("/var/lib/x", "/var/lib/x", NULL);
	binds_database("/var/lib/x/c.db3", "/var/lib/x", "/var/lib/x/c.db3");
	binds_database("sqlite3:///var/lib/x", "/var/lib/x", NULL);
	binds_database("sqlite:///var/lib/x.d", "/var/lib/x.d", NULL);
	binds_database("sqlite3:///var/lib/x/c.db3", "/var/lib/x",
	    "/var/lib/x/c.db3");
	binds_database("sqlite2:///var/lib/x/c.db", "/var/lib/x",
	    "/var/lib/x/c.db");
}

/* For remote/caged.sh. */
static void
cage_names_the_files_that_it_was_made_from(void **state)
{
	struct result r;

	emit(&r, "group g { host h1 h2; key k1; include /srv/a; }\n", "h1",
	    NULL);
	has(&r, "\n#from /etc/csync2.cfg\n");
	assert_null(strstr(r.text.data, "#from /etc/k1"));
	clear(&r);
}

static void
cage_says_that_actions_run_inside(void **state)
{
	struct result r;

	emit(&r, "group g { host h1 h2; key k1; include /srv/a;\n"
	    "action { pattern /srv/a/x; exec \"/bin/true\"; do-local; } }\n",
	    "h1", NULL);
	assert_int_equal(r.rc, 0);
	assert_int_equal(r.notes.n, 1);
	assert_non_null(strstr(r.notes.v[0], "/etc/csync2.cfg:2: "));
	clear(&r);
}

static void
word(const char *path, const char *want)
{
	struct err e = ERR_INIT;
	struct buf b;

	buf_init(&b, 256);
	if (want == NULL) {
		assert_int_equal(cage_word(path, &b, &e), -1);
		assert_int_equal(e.code, ERR_CONFIG);
	} else {
		assert_int_equal(cage_word(path, &b, &e), 0);
		assert_string_equal(b.data, want);
	}
	buf_clear(&b);
}

static void
cage_word_escapes_what_systemd_reads_specially(void **state)
{
	word("/a b:c", "\"/a b:c\"");
	word("/a%b", "\"/a%%b\"");
	word("/a\"b", "\"/a\\\"b\"");
	word("/a\\b", "\"/a\\\\b\"");
	word("/a'b$c", "\"/a'b$c\"");
	word("/a..b/...", "\"/a..b/...\"");
	word("/a\nb", NULL);
	word("/a\x7f", NULL);
	word("a", NULL);
	word("/a/../b", NULL);
	word("/a//b", NULL);
	word("/a/./b", NULL);
	word("/a/", "\"/a/\"");
	word("/a/..", NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cage_binds_what_the_groups_of_the_host_need),
		cmocka_unit_test(cage_uses_the_prefix_of_its_own_host),
		cmocka_unit_test(cage_hides_a_fifo_that_lies_in_a_bound_folder),
		cmocka_unit_test(
		    cage_keeps_privileged_paths_away_from_ordinary_groups),
		cmocka_unit_test(cage_binds_nothing_inside_of_what_is_writable),
		cmocka_unit_test(
		    cage_refuses_to_cover_what_lies_deep_in_a_writable_folder),
		cmocka_unit_test(
		    cage_hides_privileged_paths_beside_the_systems_own_programs),
		cmocka_unit_test(
		    cage_refuses_a_privileged_group_among_the_ordinary_ones),
		cmocka_unit_test(cage_refuses_what_it_can_not_hold),
		cmocka_unit_test(cage_refuses_paths_that_are_not_plain),
		cmocka_unit_test(cage_binds_no_more_than_the_databases_folder),
		cmocka_unit_test(cage_names_the_files_that_it_was_made_from),
		cmocka_unit_test(cage_says_that_actions_run_inside),
		cmocka_unit_test(cage_word_escapes_what_systemd_reads_specially),
	};

	return cmocka_run_group_tests_name("cage", tests, NULL, NULL);
}
