/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gitask.h"
#include "gitssh.h"

#define HOME "/tmp/postern-gitask.XXXXXX"

static struct gitconf c;
static struct gitask a;
static struct err e;
static char home[] = HOME, keydir[128], key[160], rc[128], admins[128];

static void
put(const char *path, const char *text)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);

	assert_true(fd != -1);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static int
setup(void **state)
{

	memcpy(home, HOME, sizeof(home));
	assert_non_null(mkdtemp(home));
	snprintf(keydir, sizeof(keydir), "%s/keydir", home);
	snprintf(key, sizeof(key), "%s/alice.pub", keydir);
	assert_int_equal(mkdir(keydir, 0700), 0);
	put(key, "");
	snprintf(rc, sizeof(rc), "%s/.gitolite.rc", home);
	snprintf(admins, sizeof(admins), "%s/admins", home);
	e = (struct err)ERR_INIT;
	gitask_init(&a);
	memcpy(a.w.ip, "-", 2);
	memcpy(a.w.fp, "-", 2);
	memcpy(a.w.sid, "0123456789abcdef", 17);
	assert_int_equal(gitconf_init(&c, &e), 0);
	c.server.keydir = strdup(keydir);
	free(c.server.state_dir);
	c.server.state_dir = strdup(home);
	return 0;
}

static int
teardown(void **state)
{
	gitask_clear(&a);
	gitconf_clear(&c);
	unlink(key);
	unlink(rc);
	unlink(admins);
	rmdir(keydir);
	rmdir(home);
	return 0;
}

static void
a_gateway_makes_the_wire_line_of_what_it_allows(void **state)
{
	assert_int_equal(gitask_gateway(&c.gateway, "alice",
	    "git-upload-pack '/t/a.git'", "version=2:x", &a, &e), 0);
	assert_string_equal(a.line.data, "v1 id=alice ip=- fp=- "
	    "sid=0123456789abcdef gitproto=version=2 -- git-upload-pack "
	    "'t/a.git'");
	assert_string_equal(a.cmd.repo, "t/a");
	assert_false(a.cmd.write);
}

static void
a_gateway_refuses_and_knows_whom(void **state)
{
	assert_int_equal(gitask_gateway(&c.gateway, "alice", "sh", NULL, &a,
	    &e), -1);
	assert_err(&e, ERR_REFUSED, "'sh'");
	assert_string_equal(a.w.id, "alice");
	assert_int_equal(gitask_gateway(&c.gateway, "alice", "info",
	    "version=2;id", &a, &e), -1);
	assert_int_equal(e.code, ERR_REFUSED);
	assert_int_equal(gitask_gateway(&c.gateway, "-oX", "info", NULL, &a,
	    &e), -1);
	assert_err(&e, ERR_CONFIG, "no key id");
	assert_int_equal(gitask_gateway(&c.gateway, "alice", NULL, NULL, &a,
	    &e), -1);
	assert_err(&e, ERR_REFUSED, "no shell here");
}

static void
a_server_judges_line_id_and_command_anew(void **state)
{
	static const struct { const char *line; enum err_code code;
	    const char *why; } t[] = {
		{ NULL, ERR_PEER, "there is no command" },
		{ "info", ERR_PEER, "" },
		{ "v1 id=bob ip=- fp=- sid=0123456789abcdef -- info",
		    ERR_REFUSED, "gitolite has no user 'bob'" },
		{ "v1 id=server-x ip=- fp=- sid=0123456789abcdef -- info",
		    ERR_REFUSED, "may not come through a gateway" },
		{ "v1 id=postern-check ip=- fp=- sid=0123456789abcdef -- "
		    "git-upload-pack 't/a'", ERR_REFUSED, "is no user" },
		{ "v1 id=alice ip=- fp=- sid=0123456789abcdef -- sh",
		    ERR_REFUSED, "'sh'" },
		{ "v1 id=alice ip=- fp=- sid=0123456789abcdef -- "
		    "git-upload-pack 'gitolite-admin'", ERR_REFUSED,
		    "is not reached" },
	};
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(*t); i++) {
		e = (struct err)ERR_INIT;
		assert_int_equal(gitask_server(&c.server, home, t[i].line, &a,
		    &e), -1);
		assert_err(&e, t[i].code, t[i].why);
	}
	assert_int_equal(gitask_server(&c.server, home, "v1 id=alice ip=- "
	    "fp=- sid=0123456789abcdef -- git-receive-pack 't/a'", &a, &e),
	    0);
	assert_string_equal(a.canon.data, "git-receive-pack 't/a'");
}

#define ALICE "v1 id=alice ip=- fp=- sid=0123456789abcdef -- info"

static void
a_server_that_knows_no_administrators_takes_nobody(void **state)
{
	put(rc, "");
	assert_int_equal(gitask_server(&c.server, home, ALICE, &a, &e), -1);
	assert_err(&e, ERR_REFUSED, "before gitolite was asked who");
	assert_err(&e, ERR_REFUSED, "postern git setup-server --mirror");
	c.server.gateway = strdup("git@gw");
	assert_int_equal(gitask_server(&c.server, home, ALICE, &a, &e), -1);
	assert_err(&e, ERR_REFUSED, "postern git push-keys");
	put(admins, "ada\nalice\n");
	assert_int_equal(gitask_server(&c.server, home, ALICE, &a, &e), -1);
	assert_err(&e, ERR_REFUSED, "rules all");
	/* An answer, too. */
	put(admins, "");
	assert_int_equal(gitask_server(&c.server, home, ALICE, &a, &e), 0);
}

static void
whoever_has_no_administrators_to_deny_needs_no_such_answer(void **state)
{
	put(rc, "");
	c.server.deny_admins = 0;
	assert_int_equal(gitask_server(&c.server, home, ALICE, &a, &e), 0);
	c.server.deny_admins = 1;
	gitask_clear(&a);
	gitask_init(&a);
	/* Without a .gitolite.rc it is another program. */
	unlink(rc);
	assert_int_equal(gitask_server(&c.server, home, ALICE, &a, &e), 0);
}

/* Whatever git.conf says of people's. */
static void
a_checks_repository_is_reached_and_its_rights_are_not_asked(void **state)
{
	struct passwd pw = { .pw_name = "git", .pw_dir = "/home/git" };
	struct strv env = { 0 };
	bool past = false;
	size_t i;

	assert_int_equal(strv_add(&c.gateway.side.deny_repos, "*"), 0);
	assert_int_equal(strv_add(&c.server.side.deny_repos, "*"), 0);
	assert_int_equal(gitask_gateway(&c.gateway, "postern-check",
	    "git-upload-pack 'postern-check'", "version=2", &a, &e), 0);
	gitask_clear(&a);
	gitask_init(&a);
	assert_int_equal(gitask_server(&c.server, home, "v1 id=postern-check "
	    "ip=- fp=- sid=0123456789abcdef gitproto=version=2 -- "
	    "git-upload-pack 'postern-check'", &a, &e), 0);
	assert_int_equal(a.probe, GITPROBE_GIT);
	assert_string_equal(a.canon.data, "git-upload-pack 'gitolite-admin'");
	assert_int_equal(gitask_env(&a, &pw, &env, &e), 0);
	for (i = 0; i < env.n; i++)
		past |= strcmp(env.v[i], "GL_BYPASS_ACCESS_CHECKS=1") == 0;
	assert_true(past);
	strv_clear(&env);
}

static void
a_keydir_that_can_not_be_read_is_no_refusal(void **state)
{
	unlink(key);
	rmdir(keydir);
	assert_int_equal(gitask_server(&c.server, home, "v1 id=alice ip=- "
	    "fp=- sid=0123456789abcdef -- info", &a, &e), -1);
	assert_int_equal(e.code, ERR_SYS);
}

static void
gitolite_gets_this_environment_and_no_other(void **state)
{
	struct passwd pw = { .pw_name = "git", .pw_dir = "/home/git" };
	static const char *const want[] = { "PATH=/usr/local/bin:/usr/bin:"
	    "/bin", "LANG=C.UTF-8", "HOME=/home/git", "USER=git",
	    "LOGNAME=git", "SSH_CONNECTION=10.0.0.1 0 0.0.0.0 0",
	    "SSH_ORIGINAL_COMMAND=info", "GIT_PROTOCOL=version=1",
	    "POSTERN_SID=0123456789abcdef", NULL };
	struct strv env = { 0 };
	size_t i;

	assert_int_equal(gitask_server(&c.server, home, "v1 id=alice "
	    "ip=10.0.0.1 fp=- sid=0123456789abcdef gitproto=version=1 -- "
	    "info", &a, &e), 0);
	assert_int_equal(gitask_env(&a, &pw, &env, &e), 0);
	for (i = 0; want[i] != NULL; i++)
		assert_string_equal(env.v[i], want[i]);
	assert_int_equal(env.n, i);
	strv_clear(&env);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_gateway_makes_the_wire_line_of_what_it_allows),
		T(a_gateway_refuses_and_knows_whom),
		T(a_server_judges_line_id_and_command_anew),
		T(a_server_that_knows_no_administrators_takes_nobody),
		T(whoever_has_no_administrators_to_deny_needs_no_such_answer),
		T(a_checks_repository_is_reached_and_its_rights_are_not_asked),
		T(a_keydir_that_can_not_be_read_is_no_refusal),
		T(gitolite_gets_this_environment_and_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
