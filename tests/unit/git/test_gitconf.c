/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "gitconf.h"

static struct gitconf c;
static struct err e;

static int
setup(void **state)
{
	e = (struct err)ERR_INIT;
	return gitconf_init(&c, &e);
}

static int
teardown(void **state)
{
	gitconf_clear(&c);
	return 0;
}

static int
parse(const char *text)
{
	return gitconf_parse(&c, text, strlen(text), "git.conf", &e);
}

static void
an_empty_file_is_safe(void **state)
{
	struct gitcmd_policy p;

	assert_int_equal(parse(""), 0);
	p = gitconf_policy(&c.gateway.side);
	assert_false(p.lfs);
	assert_false(p.login_info);
	assert_null(p.commands);
	assert_true(strv_has(p.deny_repos, "gitolite-admin"));
	p = gitconf_policy(&c.server.side);
	assert_true(strv_has(p.deny_repos, "gitolite-admin"));
	assert_true(c.gateway.sessions > 0);
	assert_true(c.gateway.sessions_per_id > 0);
	assert_true(c.gateway.answer_ms > 0);
	assert_null(c.gateway.server);
	assert_int_equal(c.gateway.lookup_index, 0);
}

static void
each_section_has_its_own_values(void **state)
{
	assert_int_equal(parse("[gateway]\nserver = git@gl\nlfs = yes\n"
	    "mirror = git@a\nmirror = git@b\ndeny-repo = x/*\n"
	    "connect-timeout = 1500ms\nmux = 0\nmux-start = service\n"
	    "command = info\naudit = json\nlookup = index\n"
	    "audit-bytes = yes\n"
	    "[server]\nread-only = old/*\naudit-syslog = no\n"), 0);
	assert_string_equal(c.gateway.server, "git@gl");
	assert_int_equal(c.gateway.mirrors.n, 2);
	assert_int_equal(c.gateway.connect_ms, 1500);
	assert_int_equal(c.gateway.lookup_index, 1);
	assert_int_equal(c.gateway.mux, 0);
	assert_int_equal(c.gateway.mux_demand, 0);
	assert_true(gitconf_policy(&c.gateway.side).lfs);
	assert_false(gitconf_policy(&c.server.side).lfs);
	assert_int_equal(gitconf_policy(&c.gateway.side).commands->n, 1);
	assert_int_equal(c.gateway.side.deny_repos.n, 2);
	assert_int_equal(c.server.side.deny_repos.n, 1);
	assert_true(strv_has(&c.server.side.read_only, "old/*"));
	assert_int_equal(c.gateway.side.audit_json, 1);
	assert_int_equal(c.server.side.audit_json, 0);
	assert_int_equal(c.gateway.side.audit_bytes, 1);
	assert_int_equal(c.server.side.audit_bytes, 0);
	assert_int_equal(c.server.side.audit_syslog, 0);
}

static void
what_is_wrong_is_named_with_its_line(void **state)
{
	static const struct { const char *text, *why; } t[] = {
		{ "server = git@gl\n", "git.conf:1" },
		{ "[gateway]\nserver = -oProxyCommand=x\n", "git.conf:2: "
		    "server" },
		{ "[gateway]\nmirror = a b\n", "mirror" },
		{ "[gateway]\nkey = id_ed25519\n", "key: not an absolute" },
		{ "[gateway]\nrun-dir = /run/../etc\n", "run-dir: '..'" },
		{ "[gateway]\nkey = /a\"b\n", "key: a quote" },
		{ "[gateway]\nlfs = maybe\n", "lfs: one of: no yes" },
		{ "[gateway]\nmux = 33\n", "mux" },
		{ "[gateway]\nmux = -1\n", "mux" },
		{ "[gateway]\nconnect-timeout = 0\n", "connect-timeout: from "
		    "1 s" },
		{ "[gateway]\ncommand = mirror\n", "command: 'mirror'" },
		{ "[gateway]\ncommand = git-upload-pack\n", "command" },
		{ "[gateway]\nlfs =\n", "lfs" },
		{ "[gateway]\nserver = a\nserver = b\n", "git.conf:3" },
		{ "[server]\nmux = 1\n", "mux" },
		/* Rules that are about nothing. */
		{ "[gateway]\ndeny-repo = secret.git\n", "git.conf:2: "
		    "deny-repo: repository 'secret.git' has a '.git' too" },
		{ "[gateway]\ndeny-repo = x*.git\n", "'.git' too many" },
		{ "[server]\ndeny-repo = /secret\n", "deny-repo: repository "
		    "'/secret' has to begin with a letter, a digit or *" },
		{ "[server]\nread-only = archive/\n", "read-only: repository "
		    "'archive/' is not the plainest" },
		{ "[server]\nread-only = @all\n", "has to begin" },
		{ "[server]\nread-only = a b\n", "other characters" },
		{ "[server]\nread-only = old/.*$\n", "other characters" },
		{ "[server]\nread-only = a//*\n", "plainest" },
		{ "[server]\nread-only = a/../*\n", "'..' in it" },
		{ "[server]\ndeny-id = @admins\n", "deny-id: '@admins' fits "
		    "no key id" },
		{ "[server]\ndeny-id = -x\n", "fits no key id" },
		{ "[server]\ndeny-id = a|b\n", "fits no key id" },
		{ "[other]\n", "other" },
	};
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(*t); i++) {
		e = (struct err)ERR_INIT;
		assert_int_equal(parse(t[i].text), -1);
		assert_err(&e, ERR_CONFIG, t[i].why);
	}
}

static void
patterns_that_fit_something_are_taken(void **state)
{
	assert_int_equal(parse("[server]\ndeny-repo = *\ndeny-repo = a/*\n"
	    "deny-repo = */secret\ndeny-repo = *-x.y_z+1@b*\n"
	    "read-only = 0\nread-only = a*/*/b\nread-only = */.x\n"
	    "deny-id = *\ndeny-id = admin-*\ndeny-id = *@h.com\n"), 0);
	assert_int_equal(c.server.side.deny_repos.n, 5);
	assert_int_equal(c.server.deny_ids.n, 3);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(an_empty_file_is_safe),
		T(each_section_has_its_own_values),
		T(what_is_wrong_is_named_with_its_line),
		T(patterns_that_fit_something_are_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
