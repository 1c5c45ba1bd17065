/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "failmalloc.h"
#include "gitcmd.h"

static struct strv admin, archive, more;
static const struct gitcmd_policy plain;
static struct gitcmd_policy all;

static int
setup(void **state)
{
	static const char *const names[] = { "info", "desc", "perms", "fork",
		"create", "D", "readme", "motd", "option", "config",
		"who-pushed", "lock", "newbranch", "symbolic-ref", "sskm",
		"writable", "help", "mirror", "rsync", NULL };

	if (strv_add(&admin, "gitolite-admin") == -1 ||
	    strv_add(&admin, "secret/*") == -1 ||
	    strv_add(&archive, "old/*") == -1)
		return -1;
	all = (struct gitcmd_policy){ .lfs = true, .login_info = true,
		.deny_repos = &admin, .read_only = &archive,
		.commands = &more };
	return strv_addv(&more, (char *const *)(uintptr_t)names);
}

static int
teardown(void **state)
{
	strv_clear(&admin);
	strv_clear(&archive);
	strv_clear(&more);
	return 0;
}

static int
parse(const char *cmd, const struct gitcmd_policy *p, struct gitcmd *c,
    struct err *e)
{
	*c = (struct gitcmd){ 0 };
	*e = (struct err)ERR_INIT;
	return gitcmd_parse(cmd, cmd != NULL ? strlen(cmd) : 0, p, c, e);
}

/* The canonical form is as given unless a row says otherwise. */
static void
what_clients_send_is_taken(void **state)
{
	static const struct {
		const char *cmd, *repo;
		bool write, extra;
		enum gitcmd_kind kind;
		const char *canonical;
	} t[] = {
		{ "git-upload-pack 'r'", "r", false, false, GITCMD_GIT },
		{ "git-upload-pack '/a/b.git'", "a/b", false, false,
		    GITCMD_GIT, "git-upload-pack 'a/b.git'" },
		{ "git-upload-archive '/srv/a'", "srv/a", false, false,
		    GITCMD_GIT, "git-upload-archive 'srv/a'" },
		{ "git-receive-pack 'r.git3'", "r", true, false, GITCMD_GIT,
		    "git-receive-pack 'r'" },
		{ "git-upload-pack '/a/r/.git0'", "a/r", false, false,
		    GITCMD_GIT, "git-upload-pack 'a/r'" },
		{ "git-receive-pack 'r'", "r", true, false, GITCMD_GIT },
		{ "git-upload-archive 'r'", "r", .kind = GITCMD_GIT },
		{ "git-upload-pack 'old/r'", "old/r", false, true,
		    GITCMD_GIT },
		{ "git-lfs-authenticate r download", "r", false, true,
		    GITCMD_LFS },
		{ "git-lfs-authenticate 'r.git' upload", "r", true, true,
		    GITCMD_LFS },
		{ "git-lfs-authenticate r upload 0123456789abcdef", "r", true,
		    true, GITCMD_LFS },
		{ "git-lfs-transfer r download", "r", false, true,
		    GITCMD_LFS },
		{ "git-lfs-transfer /r upload", "r", true, true, GITCMD_LFS },
		{ "info", NULL, .kind = GITCMD_GITOLITE },
		{ "info -lc -json foo", NULL, .kind = GITCMD_GITOLITE },
		{ "help", NULL, .kind = GITCMD_GITOLITE },
		{ "desc r", "r", false, false, GITCMD_GITOLITE },
		{ "desc -h", NULL, false, false, GITCMD_GITOLITE },
		{ "desc r a new text", "r", true, false, GITCMD_GITOLITE },
		{ "perms r -l", "r", false, false, GITCMD_GITOLITE },
		{ "perms r + READERS alice", "r", true, false,
		    GITCMD_GITOLITE },
		{ "perms r - WRITERS @team", "r", true, false,
		    GITCMD_GITOLITE },
		{ "perms -c r", "r", true, false, GITCMD_GITOLITE },
		{ "writable @all status", NULL, false, false,
		    GITCMD_GITOLITE },
		{ "writable r off for a backup", "r", true, false,
		    GITCMD_GITOLITE },
		{ "writable r on", "r", true, false, GITCMD_GITOLITE },
		{ "fork old/r new", "old/r", true, true, GITCMD_GITOLITE },
		{ "D restore r/2012-04-11_05:58:51", NULL, true, true,
		    GITCMD_GITOLITE },
		{ "D list-trash", NULL, false, true, GITCMD_GITOLITE },
		{ "who-pushed --tip r 12ab", "r", false, true,
		    GITCMD_GITOLITE },
		{ "lock --break r a/file", "r", true, true,
		    GITCMD_GITOLITE },
		{ "config r --get-all a.b", "r", false, true,
		    GITCMD_GITOLITE },
		{ "option r add k v", "r", true, true, GITCMD_GITOLITE },
		{ "sskm add @home", NULL, true, true, GITCMD_GITOLITE },
		{ "sskm confirm-del @home", NULL, true, true,
		    GITCMD_GITOLITE },
		{ "sskm list", NULL, false, true, GITCMD_GITOLITE },
		{ "", NULL, false, true, GITCMD_GITOLITE, "info" },
		{ NULL, NULL, false, true, GITCMD_GITOLITE, "info" },
	};
	struct gitcmd c;
	struct buf out;
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (parse(t[i].cmd, t[i].extra ? &all : &plain, &c, &e) == -1)
			fail_msg("%s: %s", t[i].cmd, e.msg);
		assert_int_equal(c.kind, t[i].kind);
		if (c.write != t[i].write)
			fail_msg("%s: write %d", t[i].cmd, c.write);
		if (t[i].repo == NULL)
			assert_null(c.repo);
		else
			assert_string_equal(c.repo, t[i].repo);
		buf_init(&out, GITWORD_LINE_MAX);
		assert_int_equal(gitcmd_emit(&c, &out), 0);
		assert_string_equal(out.data, t[i].canonical != NULL ?
		    t[i].canonical : t[i].cmd);
		assert_string_equal(c.line.words.v[0], c.verb);
		buf_clear(&out);
		gitcmd_clear(&c);
	}
}

/* Those of the facts, and the edges of the grammar. */
static void
everything_else_is_refused_with_its_reason(void **state)
{
	static const struct { const char *cmd, *why; } t[] = {
		{ NULL, "no command was given" },
		{ "", "no command was given" },
		/* Bytes and words. */
		{ "git-upload-pack 'r\n'", "byte 0x0a" },
		{ "git-upload-pack 'r'\nid", "byte 0x0a" },
		{ "git-upload-pack 'r'\n", "byte 0x0a" },
		{ "git-upload-pack 'r'\r", "byte 0x0d" },
		{ "git-upload-pack '\x1b[2J'", "byte 0x1b" },
		{ "git-upload-pack\t'r'", "byte 0x09" },
		{ "git-upload-pack 'r\x7f'", "byte 0x7f" },
		{ "git-upload-pack 'r\xff'", "no ASCII (0xff)" },
		{ "git-upload-pack '\xc3\xa9'", "no ASCII (0xc3)" },
		{ " git-upload-pack 'r'", "a space at" },
		{ "git-upload-pack 'r' ", "a space at" },
		{ "git-upload-pack  'r'", "a space at" },
		{ "git-upload-pack 'r", "not closed" },
		{ "git-upload-pack '", "not closed" },
		{ "git-upload-pack 'r'\\''", "not closed" },
		{ "git-upload-pack r'", "a ''' outside" },
		{ "git-upload-pack 'r';id", "';' right behind" },
		{ "git-upload-pack 'r'x", "'x' right behind" },
		{ "git-upload-pack 'r''x'", "''' right behind" },
		{ "git-upload-pack 'r'\\", "a '\\' that is not git's" },
		{ "git-upload-pack 'r'\\'", "a '\\' that is not git's" },
		{ "git-upload-pack 'r'\\x'y'", "a '\\' that is not" },
		{ "git-upload-pack \"r\"", "a '\"' outside" },
		{ "git-upload-pack $(id)", "a '$' outside" },
		{ "git-upload-pack `id`", "a '`' outside" },
		{ "git-upload-pack r;id", "a ';' outside" },
		{ "git-upload-pack r|id", "a '|' outside" },
		{ "git-upload-pack r>x", "a '>' outside" },
		{ "git-upload-pack r&", "a '&' outside" },
		{ "git-upload-pack ~/r", "a '~' outside" },
		{ "git-upload-pack r*", "a '*' outside" },
		/* Verbs. */
		{ "-x", "not among" }, { "--auth-update", "not among" },
		{ "'git-upload-pack' 'r'", "a command in quotes" },
		{ "git upload-pack 'r'", "with a dash" },
		{ "git", "with a dash" },
		{ "GIT-UPLOAD-PACK 'r'", "not among" },
		{ "/usr/bin/git-upload-pack 'r'", "not among" },
		{ "git-upload-packs 'r'", "not among" },
		{ "git-shell -c id", "not among" },
		{ "USER=bob SOC=git-receive-pack 'r'", "mirrors" },
		{ "CREATOR=bob perms -c 'r'", "mirrors" },
		{ "mirror push copy r", "mirrors" },
		{ "/usr/lib/openssh/sftp-server", "sftp" },
		{ "internal-sftp", "sftp" }, { "scp -f x", "scp" },
		{ "scp -t .", "scp" },
		{ "rsync --server --sender -logDtpre.iLsfxCIvu . /", "rsync" },
		{ "git-annex-shell 'configlist' '/~/r'", "git-annex" },
		{ "bash -i", "no shell" }, { "/bin/sh", "no shell" },
		{ "auth-update", "not among" }, { "id", "not among" },
		{ "git-lfs-transfer r upload", "LFS is not let through" },
		{ "git-lfs-authenticate r download", "LFS is not" },
		{ "fork a b", "command of gitolite is not let" },
		{ "create a", "command of gitolite is not let" },
		{ "D rm r", "command of gitolite is not let" },
		{ "access r alice R any", "not among" },
		/* Arguments. */
		{ "git-upload-pack", "names no repository" },
		{ "git-upload-pack r", "in single quotes" },
		{ "git-upload-pack --upload-pack=x 'r'", "is an option" },
		{ "git-upload-pack '--upload-pack=x' 'r'", "is an option" },
		{ "git-upload-pack --strict 'r'", "is an option" },
		{ "git-upload-pack '-r'", "is an option" },
		{ "git-upload-pack 'r' --timeout=1", "is an option" },
		{ "git-upload-pack 'r' 's'", "one argument only" },
		{ "git-upload-pack r s", "one argument only" },
		{ "git-upload-pack '../../etc'", "has to begin" },
		{ "git-upload-pack 'a/../../etc'", "'..' in it" },
		{ "git-upload-pack '$(id)'", "has to begin" },
		{ "git-upload-pack 'r;id'", "other characters" },
		{ "git-upload-pack ''", "has no name" },
		{ "git-upload-pack 'it'\\''s'", "other characters" },
		{ "git-upload-pack 'a'\\!'b'", "'a!b' has other" },
		{ "git-upload-pack 'r\\x'", "other characters" },
		{ "git-upload-pack 'sp ace'", "other characters" },
		{ "git-upload-pack '@all'", "has to begin" },
		{ "help me", "'help' takes: [-h]" },
		{ "info 'x'", "take no quotes" },
		{ "info --lc", "takes: [-h|-lc|" }, { "info a b", "takes:" },
		{ "info ../x", "'../' in it" },
		{ "desc r ../x", "'../' in it" },
		{ "desc", "'desc' takes: -h, or REPO, or REPO TEXT" },
		{ "desc 'r'", "take no quotes" }, { "desc ..", "has to" },
		{ "desc @all", "takes:" },
		{ "writable @all off x", "takes:" },
		{ "writable @all on", "takes:" },
		{ "perms r", "takes:" }, { "perms r + READERS", "takes:" },
		{ "perms r + -x alice", "takes:" },
		{ "perms r * READERS alice", "a '*' outside" },
		{ "perms r + READERS --x", "takes:" },
		{ "perms r + READERS a/b", "takes:" },
		{ "perms -c", "takes:" }, { "perms -c r s", "takes:" },
		{ "writable r", "takes:" }, { "writable r maybe", "takes:" },
		{ "writable @none off", "takes:" },
		{ "writable gitolite-admin off", "not reached" },
		/* Repositories that are not reached. */
		{ "git-upload-pack 'gitolite-admin'", "not reached" },
		{ "git-receive-pack '/gitolite-admin.git/'", "not reached" },
		{ "git-upload-archive 'gitolite-admin.git3'", "not reached" },
		{ "git-receive-pack 'gitolite-admin/'", "not reached" },
		{ "git-receive-pack 'x/../gitolite-admin'", "'..' in it" },
		{ "git-receive-pack 'gitolite-admin/.'", "plainest" },
		{ "git-receive-pack 'gitolite-admin//'", "plainest" },
		{ "git-receive-pack 'gitolite-admin/.git'", "plainest" },
		{ "perms gitolite-admin + READERS bob", "not reached" },
		{ "desc gitolite-admin", "not reached" },
	};
	struct gitcmd c;
	struct err e;
	const char *p;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (parse(t[i].cmd, &plain, &c, &e) != -1)
			fail_msg("taken: %s", t[i].cmd);
		assert_err(&e, ERR_REFUSED, t[i].why);
		for (p = e.msg; *p != '\0'; p++)
			assert_in_range((unsigned char)*p, 0x20, 0x7e);
		assert_null(c.line.words.v);
	}
}

static void
policy_holds_for_whichever_argument_names_a_repository(void **state)
{
	static const struct { const char *cmd, *why; } t[] = {
		{ "git-upload-pack 'secret/x'", "not reached" },
		{ "git-lfs-transfer secret/x download", "not reached" },
		{ "git-lfs-authenticate gitolite-admin upload", "not" },
		{ "fork secret/x mine", "not reached" },
		{ "fork mine secret/x", "not reached" },
		{ "fork mine old/x", "only be read" },
		{ "create old/x", "only be read" },
		{ "git-receive-pack 'old/x'", "only be read" },
		{ "git-receive-pack '/old/x.git'", "only be read" },
		{ "git-lfs-transfer old/x upload", "only be read" },
		{ "git-lfs-authenticate old/x upload", "only be read" },
		{ "desc old/x text", "only be read" },
		{ "perms old/x + READERS a", "only be read" },
		{ "perms -c old/x", "only be read" },
		{ "lock -l old/x f", "only be read" },
		{ "who-pushed --tip secret/x 12", "not reached" },
		{ "D rm old/x", "only be read" },
		{ "D rm secret/x", "not reached" },
		{ "motd secret/x rm", "not reached" },
		/* What no setting opens. */
		{ "mirror push c r", "mirrors" }, { "rsync --x", "rsync" },
		{ "git-lfs-transfer r", "takes: REPO download" },
		{ "git-lfs-transfer r delete", "takes: REPO download" },
		{ "git-lfs-transfer --x r upload", "is an option" },
		{ "git-lfs-authenticate r upload xyz", "takes:" },
		{ "git-lfs-authenticate r upload ''", "takes:" },
		{ "git-lfs-authenticate", "names no repository" },
		{ "D restore -x", "takes:" },
		{ "config r --get-regexp x", "takes:" },
		{ "config r --add core.pager --x", "takes:" },
		{ "symbolic-ref r -d HEAD", "takes:" },
		{ "newbranch r -D master", "takes:" },
	};
	struct gitcmd c;
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (parse(t[i].cmd, &all, &c, &e) != -1)
			fail_msg("taken: %s", t[i].cmd);
		assert_err(&e, ERR_REFUSED, t[i].why);
	}
	assert_int_equal(parse("git-upload-pack 'gitolite-admin'",
	    &(struct gitcmd_policy){ .deny_repos = &archive }, &c, &e), 0);
	gitcmd_clear(&c);
	assert_true(gitcmd_known("info"));
	assert_false(gitcmd_known("mirror"));
	assert_false(gitcmd_known("git-upload-pack"));
	assert_false(gitcmd_known(""));
}

static void
another_quoting_is_written_as_git_does(void **state)
{
	struct gitword w = { 0 }, again = { 0 };
	struct err e = ERR_INIT;
	struct buf out;

	buf_init(&out, 100);
	assert_int_equal(gitword_split("a '!' 'b'\\''!' ''", 17, &w, &e), 0);
	assert_int_equal(w.words.n, 4);
	assert_string_equal(w.words.v[1], "!");
	assert_string_equal(w.words.v[2], "b'!");
	assert_string_equal(w.words.v[3], "");
	assert_int_equal(w.quoted, 14);
	assert_int_equal(gitword_emit(&w, &out), 0);
	assert_string_equal(out.data, "a ''\\!'' 'b'\\'''\\!'' ''");
	assert_int_equal(gitword_split(out.data, out.len, &again, &e), 0);
	assert_string_equal(again.words.v[2], "b'!");
	buf_clear(&out);
	buf_init(&out, 22);
	assert_int_equal(gitword_emit(&w, &out), -1);
	assert_int_equal(out.len, 0);
	gitword_clear(&w);
	gitword_clear(&again);
	buf_clear(&out);
}

static void
floods_are_refused(void **state)
{
	static char cmd[128 * 1024 + 1];
	struct gitcmd c;
	struct err e;
	size_t i, n;

	n = strlen("git-upload-pack '");
	memcpy(cmd, "git-upload-pack '", n);
	memset(cmd + n, 'a', sizeof(cmd) - n - 2);
	cmd[sizeof(cmd) - 2] = '\'';
	assert_int_equal(parse(cmd, &plain, &c, &e), -1);
	assert_err(&e, ERR_REFUSED, "longer than 3072 bytes: 131072, which "
	    "begin with 'git-upload-pack 'aaaaa");
	assert_non_null(strstr(e.msg, "aa...'"));
	assert_true(strlen(e.msg) < 200);
	cmd[GITWORD_LINE_MAX - 1] = '\'';
	cmd[GITWORD_LINE_MAX] = '\0';
	assert_int_equal(parse(cmd, &plain, &c, &e), -1);
	assert_err(&e, ERR_REFUSED, "too long");
	cmd[GITWORD_LINE_MAX - 1] = 'a';
	cmd[GITWORD_LINE_MAX] = 'a';
	cmd[GITWORD_LINE_MAX + 1] = '\0';
	assert_int_equal(parse(cmd, &plain, &c, &e), -1);
	assert_err(&e, ERR_REFUSED, "longer than 3072");
	/* A word of it: cut, and so that this is seen. */
	memset(cmd, 'v', 200);
	cmd[200] = '\0';
	assert_int_equal(parse(cmd, &plain, &c, &e), -1);
	assert_err(&e, ERR_REFUSED, "vvv...': not among");
	assert_true(strlen(e.msg) < 180);
	cmd[100] = '\0';
	assert_int_equal(parse(cmd, &plain, &c, &e), -1);
	assert_err(&e, ERR_REFUSED, "vvv': not among");
	n = (size_t)snprintf(cmd, sizeof(cmd), "desc r");
	for (i = 0; i < 62; i++)
		n += (size_t)snprintf(cmd + n, sizeof(cmd) - n, " a");
	assert_int_equal(parse(cmd, &plain, &c, &e), 0);
	assert_int_equal(c.line.words.n, GITWORD_MAX);
	gitcmd_clear(&c);
	snprintf(cmd + n, sizeof(cmd) - n, " a");
	assert_int_equal(parse(cmd, &plain, &c, &e), -1);
	assert_err(&e, ERR_REFUSED, "more than 64 words");
	assert_int_equal(gitcmd_parse("info\0x", 6, &plain, &c, &e), -1);
	assert_err(&e, ERR_REFUSED, "byte 0x00");
}

static void
out_of_memory_is_an_error_wherever_it_happens(void **state)
{
	struct gitcmd c;
	struct err e;
	unsigned long n;
	int rc;

	for (n = 1;; n++) {
		failmalloc_arm(n);
		rc = parse("git-upload-pack 'r'", &plain, &c, &e);
		if (!failmalloc_disarm())
			break;
		assert_int_equal(rc, -1);
		assert_int_equal(e.code, ERR_MEM);
		assert_null(c.line.words.v);
	}
	assert_int_equal(rc, 0);
	assert_true(n > 3);
	gitcmd_clear(&c);
	/* A refusal stays one, though it can't show what it is about. */
	for (n = 1;; n++) {
		failmalloc_arm(n);
		rc = parse("info -x", &plain, &c, &e);
		if (!failmalloc_disarm())
			break;
		assert_int_equal(rc, -1);
		assert_true(e.code == ERR_MEM || e.code == ERR_REFUSED);
	}
	assert_err(&e, ERR_REFUSED, "takes:");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_clients_send_is_taken),
		cmocka_unit_test(everything_else_is_refused_with_its_reason),
		cmocka_unit_test(
		    policy_holds_for_whichever_argument_names_a_repository),
		cmocka_unit_test(another_quoting_is_written_as_git_does),
		cmocka_unit_test(floods_are_refused),
		cmocka_unit_test(
		    out_of_memory_is_an_error_wherever_it_happens),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
