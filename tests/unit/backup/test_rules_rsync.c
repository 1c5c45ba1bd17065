/* SPDX-License-Identifier: ISC */
/* rules and rsyncdconf against the rsync of this machine: a daemon on stdio,
 * with a tree whose names are meant to be misread. */
#include "../unit.h"

#include <ftw.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rsyncdconf.h"
#include "rules.h"

/* Files; their folders are made. */
static const char *const tree[] = {
	"a b/c/f", "a b/c/x y/f", "a b/other/f", "w*d/x/f", "wXd/x/f",
	"b\\s/x/f", "bs/x/f", "b\\*/x/f", "bx/x/f", "q?[z]/f", "qxz/f",
	"n\xff/x/f", " lead/f", "lead/f", "tr /f", "tr/f", "!/f", "#h/f",
	"etc/fstab", "etc/fstab.old", "t*f", "tXf", "o/a.o", "o/a.c",
	"dev/null", "dev/.x", "run/user/f", "run/other", "n\nl/f",
};

struct place {
	char dir[64];
	struct strv roots, excludes;
};

static void
write_file(const char *path, const char *text, mode_t mode)
{
	FILE *f;
	char dir[512], *s;

	snprintf(dir, sizeof(dir), "%s", path);
	for (s = strchr(dir + 1, '/'); s != NULL; s = strchr(s + 1, '/')) {
		*s = '\0';
		mkdir(dir, 0755);
		*s = '/';
	}
	f = fopen(path, "we");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static int
remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return remove(path);
}

static int
setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));
	char path[256];
	size_t i;

	assert_non_null(p);
	snprintf(p->dir, sizeof(p->dir), "/tmp/test_rules.XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	for (i = 0; i < sizeof(tree) / sizeof(tree[0]); i++) {
		snprintf(path, sizeof(path), "%s/src/%s", p->dir, tree[i]);
		write_file(path, "x\n", 0644);
	}
	*state = p;
	return 0;
}

static int
teardown(void **state)
{
	struct place *p = *state;

	nftw(p->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	strv_clear(&p->roots);
	strv_clear(&p->excludes);
	free(p);
	return 0;
}

/* The daemon's files, for the roots and excludes of p. */
static void
prepare(struct place *p)
{
	char conf[128], sh[128], dst[128], src[128], rules[128], text[512];
	struct rsyncdconf c = { .ids = getuid() == 0 };
	struct err e = ERR_INIT;
	struct buf out;

	snprintf(conf, sizeof(conf), "%s/conf", p->dir);
	snprintf(rules, sizeof(rules), "%s/rules", p->dir);
	snprintf(src, sizeof(src), "%s/src", p->dir);
	snprintf(sh, sizeof(sh), "%s/sh", p->dir);
	snprintf(dst, sizeof(dst), "%s/dst/", p->dir);
	nftw(dst, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	buf_init(&out, RULES_TEXT_MAX);
	if (rules_text(&(struct rules){ &p->roots, &p->excludes }, &out, &e)
	    == -1)
		fail_msg("%s", e.msg);
	write_file(rules, out.data, 0644);
	buf_clear(&out);
	c.path = src;
	c.rules = rules;
	assert_int_equal(rsyncdconf_emit(&c, &out, &e), 0);
	write_file(conf, out.data, 0644);
	buf_clear(&out);
	snprintf(text, sizeof(text), "#!/bin/sh\nexec rsync --server --daemon "
	    "--config=%s .\n", conf);
	write_file(sh, text, 0755);
}

/* rsync with options, from the daemon to dst. */
static pid_t
start(struct place *p, const char *const *options)
{
	char sh[128], dst[128];
	struct strv argv = { 0 };
	pid_t pid;

	snprintf(sh, sizeof(sh), "%s/sh", p->dir);
	snprintf(dst, sizeof(dst), "%s/dst/", p->dir);
	strv_add(&argv, "rsync");
	strv_addv(&argv, (char *const *)(uintptr_t)options);
	strv_add(&argv, "-e");
	strv_add(&argv, sh);
	strv_add(&argv, "x::root/");
	strv_add(&argv, dst);
	pid = fork();
	if (pid == 0) {
		if (freopen("/dev/null", "w", stderr) != NULL &&
		    freopen("/dev/null", "w", stdout) != NULL)
			execvp("rsync", argv.v);
		_exit(127);
	}
	assert_true(pid > 0);
	strv_clear(&argv);
	return pid;
}

static int
status_of(pid_t pid)
{
	int status = -1;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static const char *const plain_pull[] = { "-aH", "--numeric-ids", NULL };

/* Exactly the files of want, '|' between them, of the tree came. */
static void
expect(struct place *p, const char *roots, const char *excludes,
    const char *want)
{
	char path[256], copy[512], *s, *word;
	struct strv wanted = { 0 };
	size_t i;

	strv_clear(&p->roots);
	strv_clear(&p->excludes);
	snprintf(copy, sizeof(copy), "%s", roots);
	for (s = copy; (word = strsep(&s, "|")) != NULL;)
		strv_add(&p->roots, word);
	snprintf(copy, sizeof(copy), "%s", excludes);
	for (s = copy; *excludes != '\0' && (word = strsep(&s, "|")) != NULL;)
		strv_add(&p->excludes, word);
	snprintf(copy, sizeof(copy), "%s", want);
	for (s = copy; (word = strsep(&s, "|")) != NULL;)
		strv_add(&wanted, word);
	prepare(p);
	assert_int_equal(status_of(start(p, plain_pull)), 0);
	for (i = 0; i < sizeof(tree) / sizeof(tree[0]); i++) {
		snprintf(path, sizeof(path), "%s/dst/%s", p->dir, tree[i]);
		if ((access(path, F_OK) == 0) != strv_has(&wanted, tree[i]))
			fail_msg("roots %s, excludes %s: '%s' %s", roots,
			    excludes, tree[i], strv_has(&wanted, tree[i]) ?
			    "is missing" : "came");
	}
	strv_clear(&wanted);
}

static void
each_root_is_what_comes_and_nothing_else(void **state)
{
	struct place *p = *state;

	expect(p, "/a b/c", "", "a b/c/f|a b/c/x y/f");
	expect(p, "/w*d/x", "", "w*d/x/f");
	expect(p, "/w*d", "", "w*d/x/f");
	expect(p, "/b\\s/x", "", "b\\s/x/f");
	expect(p, "/b\\*/x", "", "b\\*/x/f");
	expect(p, "/b\\*", "", "b\\*/x/f");
	expect(p, "/q?[z]", "", "q?[z]/f");
	expect(p, "/n\xff/x", "", "n\xff/x/f");
	expect(p, "/ lead|/tr |/!|/#h", "", " lead/f|tr /f|!/f|#h/f");
	expect(p, "/etc/fstab", "", "etc/fstab");
	expect(p, "/t*f", "", "t*f");
	expect(p, "/n", "", "");
}

static void
excludes_are_read_as_they_were_written(void **state)
{
	struct place *p = *state;

	expect(p, "/a b|/o", "/a b/c/x y|*.o", "a b/c/f|a b/other/f|o/a.c");
	expect(p, "/a b|/o", "f|/o/*.c", "o/a.o");
	expect(p, "/etc", "fstab.*", "etc/fstab");
	expect(p, "/etc", "fstab.old/", "etc/fstab|etc/fstab.old");
	expect(p, "/o", "!|#h|a.?", "");
	expect(p, "/o|/w*d", "a.[oc]|/w\\*d/x", "");
}

static void
the_whole_machine_comes_without_what_is_unreal(void **state)
{
	struct place *p = *state;
	char path[256];

	expect(p, "/|/run/user", "/a b|/w?d|b*|q*|lead|n*|tr*|!|#h|t*|/etc/|"
	    " lead|*.o", "o/a.c|run/user/f");
	snprintf(path, sizeof(path), "%s/dst/dev", p->dir);
	assert_int_equal(access(path, F_OK), 0);
	expect(p, "/|/dev", "/run|/a b|/w?d|b*|q*|lead|/n*|t*|!|#h|/etc/|"
	    " lead", "o/a.c|o/a.o|dev/null|dev/.x");
}

static void
what_our_receivers_send_passes_and_the_rest_does_not(void **state)
{
	static const char *const good[][6] = {
		{ "-aHAX", "--numeric-ids", "--delete", "--fake-super", NULL },
		{ "-aHSx", "--inplace", "--no-whole-file", "--partial", NULL },
		{ "-az", "--compress-choice=zstd", "--compress-level=3", NULL },
		{ "-az", "--compress-choice=zlib", "-vv", "--stats", NULL },
		{ "-a", "--timeout=60", "--bwlimit=100000", "-s", NULL },
		{ "-acI", "--checksum-choice=xxh64", "-n", NULL },
		{ "-aW", "--modify-window=-1", "--list-only", NULL },
		{ "-aU", "--link-dest=/tmp", "--partial-dir=.p", NULL },
	};
	static const char *const refused[][4] = {
		{ "-aL", NULL }, { "-aR", NULL }, { "-aC", NULL },
		{ "-ak", NULL }, { "-ab", NULL },
		{ "-a", "--remove-source-files", NULL },
		{ "-a", "--copy-devices", NULL },
		{ "-a", "--files-from=:/etc/passwd", NULL },
		{ "-a", "-M--log-file=/tmp/never", NULL },
		{ "-a", "-M--filter=+_x", NULL },
		{ "-a", "-M--exclude-from=/etc/passwd", NULL },
		{ "-a", "--iconv=utf8,latin1", NULL },
		{ "-a", "-M--max-alloc=1g", NULL },
		{ "-a", "-M--fake-super", NULL }, { "-a", "-M--super", NULL },
		{ "-a", "-M--daemon", NULL }, { "-a", "-M--config=/x", NULL },
		{ "-a", "-M--write-batch=/tmp/never", NULL },
		{ "-a", "--copy-unsafe-links", NULL },
		{ "-a", "-M--temp-dir=/tmp", NULL },
		{ "-a", "-M--append", NULL }, { "-a", "-M--mkpath", NULL },
	};
	pid_t pids[sizeof(refused) / sizeof(refused[0])];
	struct place *p = *state;
	size_t i;
	int rc;

	strv_clear(&p->excludes);
	strv_clear(&p->roots);
	strv_add(&p->roots, "/o");
	prepare(p);
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (status_of(start(p, good[i])) != 0)
			fail_msg("refused: %s %s", good[i][0], good[i][1]);
	/* All at once: rsync waits a while before it refuses. */
	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		pids[i] = start(p, refused[i]);
	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		rc = status_of(pids[i]);
		if (rc == 0 || rc == 127)
			fail_msg("%d: %s %s", rc, refused[i][0],
			    refused[i][1] != NULL ? refused[i][1] : "");
	}
	assert_int_not_equal(access("/tmp/never", F_OK), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_root_is_what_comes_and_nothing_else),
		cmocka_unit_test(excludes_are_read_as_they_were_written),
		cmocka_unit_test(
		    the_whole_machine_comes_without_what_is_unreal),
		cmocka_unit_test(
		    what_our_receivers_send_passes_and_the_rest_does_not),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
