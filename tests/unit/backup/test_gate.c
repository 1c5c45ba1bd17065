/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "failmalloc.h"
#include "gate.h"

#define HEAD	"rsync --server --sender "
#define OK	HEAD "-logDtpre.iLsfxCIvu --numeric-ids . "
#define OK_R	HEAD "-logDtprRe.iLsfxCIvu --numeric-ids . "
#define CL(s)	HEAD s " --numeric-ids . /"
#define LONG(s)	HEAD "-logDtpre.LsfxCIvu --numeric-ids " s " . /"

static const char *const root_list[] = { "/", "/home", "/my dir*", "/\xff",
	"/it's", NULL };

static struct strv roots;

static int
setup(void **state)
{
	return strv_addv(&roots, (char *const *)(uintptr_t)root_list);
}

static int
teardown(void **state)
{
	strv_clear(&roots);
	return 0;
}

static int
parse(const char *cmd, struct strv *argv, struct err *e)
{
	*argv = (struct strv){ 0 };
	*e = (struct err)ERR_INIT;
	return gate_parse(cmd, strlen(cmd), &roots, argv, e);
}

/* What rsync 3.5.0 sends for options of ours, and the edges of the grammar. */
static void
what_real_receivers_send_is_taken(void **state)
{
	static const char *const t[] = {
		HEAD "-lHogDtpAXrze.iLsfxCIvu --numeric-ids . /",
		HEAD "-lHogDtpAXre.iLsfxCIvu --numeric-ids --inplace . /",
		HEAD "-logDtprRe.iLsfxCIvu --numeric-ids . / /home",
		HEAD "-lHogDtpAXre.iLsfxCIvu --compress-level=-3 --timeout=60 "
		    "--bwlimit=1024 --compress-choice=zstd --numeric-ids . /",
		HEAD "-logDtpre.iLsfxCIvu --checksum-choice=xxh64 "
		    "--numeric-ids . /",
		HEAD "-logDtpre.iLsfxCIvu --checksum-choice=xxh64,md5 "
		    "--numeric-ids . /home",
		HEAD "-logDtUUpre.iLsfxCIvu --numeric-ids . /",
		HEAD "-lWogDtprcIe.iLsfxCIvu --no-specials --numeric-ids . /",
		HEAD "-logDtprze.iLsfxCIvu --old-compress --numeric-ids . /",
		HEAD "-logDtpre.iLsfxCIvu --new-compress --numeric-ids . /",
		HEAD "-logDtpre.iLsfxCIvu --checksum-seed=32761 "
		    "--numeric-ids . /",
		HEAD "-logDtpre.iLsfxCIvu --list-only --numeric-ids . /",
		HEAD "-vvnlHHogDtpAXXrxxSe.iLsfxCIvu --numeric-ids . /",
		CL("-vvnlWHHogDtUUpAXXrcIRxxSze.iLsfxCIvuiiu"),
		CL("-logDtpre."),
		LONG("--inplace --list-only --specials --no-specials "
		    "--open-noatime --new-compress --old-compress "
		    "--compress-level=9 --compress-choice=none "
		    "--checksum-seed=0 --checksum-choice=md5 --timeout=99999 "
		    "--bwlimit=999999999"),
		LONG("--compress-level=-123456"), LONG("--timeout=1"),
		LONG("--checksum-seed=0123456789"),
		LONG("--compress-choice=lz4"), LONG("--compress-choice=zlib"),
		LONG("--compress-choice=zlibx"),
		LONG("--checksum-choice=xxh128,xxh128"),
		LONG("--checksum-choice=xxh3"),
		OK "/my\\ dir\\*", OK "/\xff", OK "/it\\'s",
	};
	struct strv argv;
	struct buf out;
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (parse(t[i], &argv, &e) == -1)
			fail_msg("%s: %s", t[i], e.msg);
		assert_string_equal(argv.v[0], "rsync");
		buf_init(&out, GATE_MAX);
		assert_int_equal(gate_emit(&argv, &out), 0);
		assert_string_equal(out.data, t[i]);
		buf_clear(&out);
		strv_clear(&argv);
	}
}

static void
the_canonical_command_is_printed_anew(void **state)
{
	struct strv argv;
	struct buf out;
	struct err e;

	assert_int_equal(parse("\\r\\sync --s\\erver --sender -logDtpr\\e\\. "
	    "--numeric-ids \\. \\/home", &argv, &e), 0);
	buf_init(&out, GATE_MAX);
	assert_int_equal(gate_emit(&argv, &out), 0);
	assert_string_equal(out.data, HEAD "-logDtpre. --numeric-ids . "
	    "/home");
	assert_string_equal(argv.v[argv.n - 1], "/home");
	buf_clear(&out);
	strv_clear(&argv);
}

/* Each refusal of the facts, and each edge of the grammar. */
static void
everything_else_is_refused_with_its_reason(void **state)
{
	static const struct { const char *cmd, *why; } t[] = {
		{ "", "is empty" },
		{ "sh", "'sh' is not rsync" },
		{ "/bin/sh -c id", "is not rsync" },
		{ "/usr/bin/rsync --server --sender -logDtpre. --numeric-ids "
		    ". /", "is not rsync" },
		{ "rsync", "is cut before '--server'" },
		{ "rsync --daemon", "'--daemon' is not --server" },
		{ "rsync --server --daemon .", "'--daemon' is not --sender" },
		{ "rsync --sender --server -logDtpre. --numeric-ids . /",
		    "is not --server" },
		{ "rsync --server -logDtpre.iLsfxCIvu --numeric-ids . /",
		    "is not --sender: an rsync that would write" },
		{ "rsync --server --sender", "cut before rsync's letters" },
		{ "rsync --server --sender .", "where rsync's letters must" },
		{ HEAD "--numeric-ids -logDtpre. . /", "letters must" },
		/* The cluster. */
		{ CL("-slogDtpre.iLsfxCIvu"), "hides the real arguments" },
		{ HEAD "-slogDtpre.iLsfxCIvu", "hides the real arguments" },
		{ CL("-lLogDtpre.iLsfxCIvu"), "follow symlinks" },
		{ CL("-lkogDtpre.iLsfxCIvu"), "follow symlinks" },
		{ CL("-logDtprCe.iLsfxCIvu"), "read files with rules" },
		{ CL("-vvvlogDtpre."), "is not the -logDtpr" },
		{ CL("-nnlogDtpre."), "is not the -logDtpr" },
		{ CL("-llogDtpre."), "is not the" },
		{ CL("-ogDtpre."), "is not the" },
		{ CL("-lgDtpre."), "is not the" },
		{ CL("-loDtpre."), "is not the" },
		{ CL("-logtpre."), "is not the" },
		{ CL("-logDpre."), "is not the" },
		{ CL("-logDtre."), "is not the" },
		{ CL("-logDtpe."), "is not the" },
		{ CL("-logDtpr"), "is not the" },
		{ CL("-logDtpre"), "is not the" },
		{ CL("-logDtpr.e"), "is not the" },
		{ CL("-lHHHogDtpre."), "is not the" },
		{ CL("-logDtUUUpre."), "is not the" },
		{ CL("-logDtpAAre."), "is not the" },
		{ CL("-logDtpXXXre."), "is not the" },
		{ CL("-logDtprcce."), "is not the" },
		{ CL("-logDtprIIe."), "is not the" },
		{ CL("-logDtprRRe."), "is not the" },
		{ CL("-logDtprxxxe."), "is not the" },
		{ CL("-logDtprSSe."), "is not the" },
		{ CL("-logDtprzze."), "is not the" },
		{ CL("-rlogDtpe."), "is not the" },
		{ CL("-blogDtpre."), "is not the" },
		{ CL("-e"), "is not the" }, { CL("-"), "is not the" },
		{ CL("-logDtpre./bin/sh"), "behind e." },
		{ CL("-logDtpre.iLsfxCIvuiiii"), "behind e." },
		{ CL("-logDtpre.iLsfxCIvuq"), "behind e." },
		/* Long options. */
		{ HEAD "-logDtpre. . /", "--numeric-ids is missing" },
		{ LONG("--files-from=/etc/passwd"), "not among the options" },
		{ LONG("--files-from /etc/passwd"), "not among the options" },
		{ LONG("--exclude-from=/etc/shadow"), "not among" },
		{ LONG("--include-from=/etc/shadow"), "not among" },
		{ LONG("--filter=!"), "unescaped" },
		{ LONG("--filter=\\!"), "not among" },
		{ LONG("--log-file=/tmp/x"), "not among" },
		{ LONG("--write-batch=/tmp/x"), "not among" },
		{ LONG("--only-write-batch=/tmp/x"), "not among" },
		{ LONG("--read-batch=/tmp/x"), "not among" },
		{ LONG("--copy-devices"), "not among" },
		{ LONG("--write-devices"), "not among" },
		{ LONG("--copy-links"), "not among" },
		{ LONG("--copy-dirlinks"), "not among" },
		{ LONG("--copy-unsafe-links"), "not among" },
		{ LONG("--insecure-links"), "not among" },
		{ LONG("--remove-source-files"), "not among" },
		{ LONG("--remove-sent-files"), "not among" },
		{ LONG("--rsh=/bin/sh"), "not among" },
		{ LONG("--rsync-path=/bin/sh"), "not among" },
		{ LONG("--remote-option=--super"), "not among" },
		{ LONG("-M--super"), "where a long option or '.' must" },
		{ LONG("-e /bin/sh"), "where a long option" },
		{ LONG("-s"), "where a long option" },
		{ LONG("--secluded-args"), "not among" },
		{ LONG("--protect-args"), "not among" },
		{ LONG("--fake-super"), "not among" },
		{ LONG("--super"), "not among" },
		{ LONG("--daemon"), "not among" },
		{ LONG("--config=/tmp/x"), "not among" },
		{ LONG("--dparam=x"), "not among" },
		{ LONG("--debug=all4"), "not among" },
		{ LONG("--info=all4"), "not among" },
		{ LONG("--iconv=utf8"), "not among" },
		{ LONG("--max-alloc=0"), "not among" },
		{ LONG("--temp-dir=/tmp"), "not among" },
		{ LONG("--confine-root=/"), "not among" },
		{ LONG("--delete"), "not among" },
		{ LONG("--password-file=/etc/shadow"), "not among" },
		{ LONG("--"), "not among" },
		{ LONG("--numeric-id"), "not among" },
		{ LONG("--numeric-ids"), "comes twice" },
		{ LONG("--inplace --inplace"), "comes twice" },
		{ LONG("--timeout=1 --timeout=2"), "comes twice" },
		{ LONG("--inplace=1"), "a value where none" },
		{ LONG("--inplace="), "a value where none" },
		{ LONG("--timeout"), "not let through" },
		{ LONG("--timeout="), "not let through" },
		{ LONG("--timeout=0"), "not let through" },
		{ LONG("--timeout=00"), "not let through" },
		{ LONG("--timeout=100000"), "not let through" },
		{ LONG("--timeout=1s"), "not let through" },
		{ LONG("--timeout=-1"), "not let through" },
		{ LONG("--bwlimit=0"), "not let through" },
		{ LONG("--bwlimit=1000000000"), "not let through" },
		{ LONG("--bwlimit=1.5"), "not let through" },
		{ LONG("--compress-level=--1"), "not let through" },
		{ LONG("--compress-level=-"), "not let through" },
		{ LONG("--compress-level=1234567"), "not let through" },
		{ LONG("--compress-choice=gzip"), "not let through" },
		{ LONG("--compress-choice=zstd,zstd"), "not let through" },
		{ LONG("--compress-choice="), "not let through" },
		{ LONG("--checksum-choice=none"), "not let through" },
		{ LONG("--checksum-choice=md5,"), "not let through" },
		{ LONG("--checksum-choice=,md5"), "not let through" },
		{ LONG("--checksum-choice=md5,md5,md5"), "not let through" },
		{ LONG("--checksum-choice=md4"), "not let through" },
		{ LONG("--checksum-seed=12345678901"), "not let through" },
		{ LONG("--checksum-seed=-1"), "not let through" },
		/* Paths. */
		{ HEAD "-logDtpre. --numeric-ids", "no '.' before its paths" },
		{ HEAD "-logDtpre. --numeric-ids /", "where a long option" },
		{ HEAD "-logDtpre. --numeric-ids .", "names no path" },
		{ OK "/etc", "'/etc' is not a root" },
		{ OK "/home/", "is not a root" },
		{ OK "/home/..", "is not a root" },
		{ OK "/home/../etc", "is not a root" },
		{ OK "/../etc", "is not a root" },
		{ OK "//", "is not a root" }, { OK "/.", "is not a root" },
		{ OK ".", "is not a root" }, { OK "home", "is not a root" },
		{ OK "/hom", "is not a root" }, { OK "/homes", "is not a" },
		{ OK "\\~root", "'~root' is not a root" },
		{ OK "~root", "unescaped" }, { OK "~", "unescaped" },
		{ OK "$HOME", "unescaped" }, { OK "\\$HOME", "is not a root" },
		{ OK "/ho*", "unescaped" }, { OK "/h?me", "unescaped" },
		{ OK "/[h]ome", "unescaped" }, { OK "/{home,etc}", "unesc" },
		{ OK "'/home'", "unescaped" }, { OK "\"/home\"", "unescaped" },
		{ OK "/home;id", "unescaped" }, { OK "/home|id", "unescaped" },
		{ OK "/home&", "unescaped" }, { OK "`id`", "unescaped" },
		{ OK "$(id)", "unescaped" }, { OK "/home>x", "unescaped" },
		{ OK "/home<x", "unescaped" }, { OK "/home #x", "unescaped" },
		{ OK "!id", "unescaped" }, { OK "/home]", "unescaped" },
		{ OK "/ /home", "more than one path" },
		{ OK_R "/ /", "'/' comes twice" },
		{ OK_R "/ /home /", "'/' comes twice" },
		{ OK_R "/ /etc", "'/etc' is not a root" },
		/* Bytes. */
		{ OK "/home\n", "control character (byte 0x0a)" },
		{ OK "/home\\\nid", "control character (byte 0x0a)" },
		{ OK "/\r", "control character" },
		{ OK "/\t", "control character" },
		{ OK "/\177", "byte 0x7f" }, { OK "/\33[2J", "byte 0x1b" },
		{ OK "/ ", "a space at its begin or end" },
		{ " " OK "/", "a space at its begin" },
		{ HEAD " -logDtpre. --numeric-ids . /", "two in a row" },
		{ OK "/\\", "ends in a '\\'" },
	};
	struct strv argv;
	struct err e;
	const char *p;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (parse(t[i].cmd, &argv, &e) != -1)
			fail_msg("taken: %s", t[i].cmd);
		assert_err(&e, ERR_REFUSED, t[i].why);
		assert_memory_equal(e.msg, "refused: ", 9);
		for (p = e.msg; *p != '\0'; p++)
			assert_true((unsigned char)*p >= 0x20);
		assert_null(argv.v);
	}
}

static void
floods_are_refused(void **state)
{
	static char cmd[GATE_MAX + 64];
	struct strv argv;
	struct err e;
	size_t n, i;

	/* The longest: what stands before the path, and a root. */
	n = strlen(OK);
	memcpy(cmd, OK, n + 1);
	memset(cmd + n, '/', 5000 < sizeof(cmd) - n - 1 ? 5000 :
	    sizeof(cmd) - n - 1);
	assert_int_equal(parse(cmd, &argv, &e), -1);
	assert_err(&e, ERR_REFUSED, "longer than 4096");
	cmd[GATE_MAX] = '\0';
	assert_int_equal(parse(cmd, &argv, &e), -1);
	assert_err(&e, ERR_REFUSED, "is not a root");
	n = (size_t)snprintf(cmd, sizeof(cmd), "%s-logDtpre. --numeric-ids",
	    HEAD);
	for (i = 0; i < 200; i++)
		n += (size_t)snprintf(cmd + n, sizeof(cmd) - n, " --inplace");
	snprintf(cmd + n, sizeof(cmd) - n, " . /");
	assert_int_equal(parse(cmd, &argv, &e), -1);
	assert_err(&e, ERR_REFUSED, "'--inplace' comes twice");
	assert_int_equal(gate_parse(OK "/\0id", strlen(OK) + 4, &roots, &argv,
	    &e), -1);
	assert_err(&e, ERR_REFUSED, "byte 0x00");
}

static void
out_of_memory_is_an_error_wherever_it_happens(void **state)
{
	struct strv argv;
	struct err e;
	struct buf out;
	unsigned long n;
	int rc;

	for (n = 1;; n++) {
		failmalloc_arm(n);
		rc = parse(OK "/home", &argv, &e);
		if (!failmalloc_disarm())
			break;
		assert_int_equal(rc, -1);
		assert_int_equal(e.code, ERR_MEM);
		assert_null(argv.v);
	}
	assert_int_equal(rc, 0);
	assert_true(n > 6);
	buf_init(&out, strlen(OK "/home") - 1);
	assert_int_equal(gate_emit(&argv, &out), -1);
	assert_int_equal(out.len, 0);
	buf_clear(&out);
	strv_clear(&argv);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_real_receivers_send_is_taken),
		cmocka_unit_test(the_canonical_command_is_printed_anew),
		cmocka_unit_test(everything_else_is_refused_with_its_reason),
		cmocka_unit_test(floods_are_refused),
		cmocka_unit_test(
		    out_of_memory_is_an_error_wherever_it_happens),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
