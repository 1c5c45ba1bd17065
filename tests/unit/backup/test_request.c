/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "failmalloc.h"
#include "proc/msg.h"
#include "request.h"

#define SNAP	"web.1970-01-01.5"
#define BASE	"AAAAC3NzaC1lZDI1NTE5AAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBka" \
	"GxwdHh8g"
#define KEY	"ssh-ed25519\\040" BASE

static int
parse(const char *text, struct request *r, struct err *e)
{
	*r = (struct request){ 0 };
	*e = (struct err)ERR_INIT;
	return request_parse(text, strlen(text), r, e);
}

static void
each_operation_comes_out_as_it_went_in(void **state)
{
	static const char *const t[] = {
		"op run\nversion 1\nroot /\nrsync 3.5.0\n",
		"op run\nversion 1\njob night-1\nroot /home\nroot /etc\n"
		    "exclude /home/a\\040b\nexclude *.o\nexclude *.o\n"
		    "one-file-system yes\nmount /b/c\nmount /a/x\\040y\n"
		    "compress zstd\nrsync 3.4.1pre1\n",
		"op run\nversion 1\nroot /\nrsync 3.5.0\nmode direct\n"
		    "port 4444\nhost-key " KEY "\nuser ann\n",
		"op restore\nversion 1\nrsync 3.2.7\nsnapshot " SNAP "\n"
		    "path /etc\npath /home/\xff\\012\n",
		"op restore\nversion 1\ncompress zlib\nrsync 3.2.7\n"
		    "snapshot " SNAP "\npath /\n",
		"op list\nversion 1\n",
		"op list\nversion 1\nsnapshot " SNAP "\npath /etc\n",
		"op find\nversion 1\npattern *.c\n",
		"op find\nversion 1\nsnapshot " SNAP "\npattern x\n",
		"op verify\nversion 1\n",
		"op verify\nversion 1\nsnapshot " SNAP "\n",
		"op find\nversion 1\npattern /a*b\nmatch prefix\n",
		"op verify\nversion 1\nmax-age 86400\nsample 5\n",
		"op cat\nversion 1\nsnapshot " SNAP "\npath /etc/fstab\n",
		"op list\nversion 1\nbeat 500\n",
		"op run\nversion 1\nroot /\nrsync 3.5.0\nprogress yes\n",
		"op run\nversion 1\nroot /\nrsync 3.5.0\nsince " SNAP "\n",
	};
	struct request r;
	struct buf out;
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		buf_init(&out, MSG_MAX);
		if (parse(t[i], &r, &e) == -1)
			fail_msg("%s: %s", t[i], e.msg);
		assert_int_equal(request_emit(&r, &out, &e), 0);
		assert_string_equal(out.data, t[i]);
		request_clear(&r);
		buf_clear(&out);
	}
}

static void
the_values_land_where_they_belong(void **state)
{
	struct request r;
	struct err e;

	/* In another order than that of emission. */
	assert_int_equal(parse("rsync 3.5.0\ncompress none\nroot /b\n"
	    "one-file-system no\nroot /a\nversion 1\nexclude x\\040y\n"
	    "job j\nop run\n", &r, &e), 0);
	assert_int_equal(r.op, REQUEST_RUN);
	assert_int_equal(r.roots.n, 2);
	assert_string_equal(r.roots.v[0], "/b");
	assert_string_equal(r.roots.v[1], "/a");
	assert_string_equal(r.excludes.v[0], "x y");
	assert_string_equal(r.job, "j");
	assert_string_equal(r.rsync, "3.5.0");
	assert_false(r.one_file_system);
	assert_int_equal(r.compress, REQUEST_COMPRESS_NONE);
	assert_null(r.snapshot);
	assert_null(r.pattern);
	request_clear(&r);
	assert_int_equal(request_op_find("cat"), REQUEST_CAT);
	assert_int_equal(request_op_find("rm"), 0);
	assert_string_equal(request_op_name(REQUEST_VERIFY), "verify");
	assert_string_equal(request_compress_name(REQUEST_COMPRESS_ZLIB),
	    "zlib");
}

#define RUN	"op run\nversion 1\nroot /\nrsync 3.5.0\n"
#define RESTORE	"op restore\nversion 1\nrsync 3\nsnapshot " SNAP "\npath /a\n"

static void
what_is_wrong_is_named(void **state)
{
	static const struct { const char *text, *why; } t[] = {
		{ "", "op: is missing" },
		{ "version 1\n", "op: is missing" },
		{ "op run\nroot /\nrsync 3\n", "version: 'run' needs it" },
		{ "op rm\nversion 1\n", "op: no such value" },
		{ "op run\nversion 2\n", "version: this side speaks" },
		{ "op run\nversion 1\nrsync 3\n", "root: 'run' needs it" },
		{ "op run\nversion 1\nroot /\n", "rsync: 'run' needs it" },
		{ RUN "name web\n", "name: no such key" },
		{ RUN "client web\n", "client: no such key" },
		{ RUN "time 1\n", "time: no such key" },
		{ RUN "op run\n", "op: comes twice" },
		{ RUN "version 1\n", "version: comes twice" },
		{ RUN "rsync 3.5.0\n", "rsync: comes twice" },
		{ RUN "job a\njob b\n", "job: comes twice" },
		{ RUN "compress none\ncompress none\n",
		    "compress: comes twice" },
		{ RUN "root /\n", "root: the same one twice" },
		{ RUN "progress 1\n", "progress: no such value" },
		{ RESTORE "progress yes\n", "progress: 'restore' does not" },
		{ RUN "since latest\n", "since: is no snapshot's name" },
		{ RUN "since ..\n", "since: is no snapshot's name" },
		{ RUN "since /etc\n", "since: is no snapshot's name" },
		{ RUN "since ../" SNAP "\n", "since: is no snapshot's name" },
		{ RUN "since " SNAP "/..\n", "since: is no snapshot's name" },
		{ RUN "since " SNAP "\nsince " SNAP "\n",
		    "since: comes twice" },
		{ RESTORE "since " SNAP "\n", "since: 'restore' does not" },
		{ RUN "path /\n", "path: 'run' does not take it" },
		{ RUN "snapshot " SNAP "\n", "snapshot: 'run' does not" },
		{ RUN "pattern x\n", "pattern: 'run' does not take it" },
		{ RESTORE "root /\n", "root: 'restore' does not take it" },
		{ RESTORE "exclude x\n", "exclude: 'restore' does not" },
		{ RESTORE "path /a\n", "path: the same one twice" },
		{ RESTORE "one-file-system yes\n", "one-file-system: 'res" },
		{ "op cat\nversion 1\nsnapshot " SNAP "\npath /a\npath /b\n",
		    "path: comes twice" },
		{ "op list\nversion 1\npath /a\npath /b\n",
		    "path: comes twice" },
		{ "op cat\nversion 1\npath /a\n", "snapshot: 'cat' needs it" },
		{ "op find\nversion 1\n", "pattern: 'find' needs it" },
		{ "op verify\nversion 1\npath /a\n", "path: 'verify' does" },
		{ RUN "job ..\n", "job: is no name" },
		{ RUN "job -x\n", "job: is no name" },
		{ RUN "job " SNAP "\n", "job: is no name" },
		{ RUN "root etc\n", "root: is not absolute" },
		{ RUN "root \n", "root: is empty" },
		{ RUN "root /a/../b\n", "root: has a part '..'" },
		{ RUN "root /a/.\n", "root: has a part '.'" },
		{ RUN "root //a\n", "root: has '//'" },
		{ RUN "root /a/\n", "root: ends in '/'" },
		{ RUN "exclude \n", "exclude: is empty" },
		{ RUN "one-file-system maybe\n", "one-file-system: no such" },
		{ RUN "mount /a\n", "mount: only with one-file-system" },
		{ RUN "one-file-system no\nmount /a\n", "mount: only with" },
		{ RUN "one-file-system yes\nmount /a/..\n",
		    "mount: has a part '..'" },
		{ RUN "one-file-system yes\nmount /a\nmount /a\n",
		    "mount: the same one twice" },
		{ RESTORE "mount /a\n", "mount: 'restore' does not" },
		{ RUN "compress lz4\n", "compress: no such value" },
		{ "op run\nversion 1\nroot /\nrsync a\n", "rsync: is no ver" },
		{ "op run\nversion 1\nroot /\nrsync \n", "rsync: is no ver" },
		{ "op run\nversion 1\nroot /\nrsync 3-1\n", "rsync: is no v" },
		{ "op run\nversion 1\nroot /\nrsync "
		    "333333333333333333333333333333333\n", "rsync: is no ve" },
		{ "op verify\nversion 1\nsnapshot ../x\n",
		    "snapshot: is no snapshot's name" },
		{ "op verify\nversion 1\nsnapshot web\n",
		    "snapshot: is no snapshot's name" },
		{ "op find\nversion 1\npattern \n", "pattern: is empty" },
		{ "op find\nversion 1\npattern a b\n", "must be escaped" },
		{ "op find\nversion 1\npattern a\nmatch like\n",
		    "match: is none of glob, exact and prefix" },
		{ "op list\nversion 1\nmatch glob\n", "match: 'list' does" },
		{ "op verify\nversion 1\nsample 0\n", "sample: is no numb" },
		{ "op verify\nversion 1\nsample 101\n", "sample: is no nu" },
		{ "op verify\nversion 1\nmax-age 1d\n", "max-age: is no" },
		{ "op verify\nversion 1\nmax-age 0\n", "max-age: is no n" },
		{ "op find\nversion 1\npattern a\nmax-age 1\n",
		    "max-age: 'find' does not" },
		{ "op list\nversion 1\nbeat 0\n", "beat: is no time" },
		{ "op list\nversion 1\nbeat 3600001\n", "beat: is no time" },
		{ "OP run\n", "is no 'key value'" },
		{ "op run", "is cut" },
	};
	struct request r;
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (parse(t[i].text, &r, &e) != -1)
			fail_msg("taken: %s", t[i].text);
		assert_err(&e, ERR_PEER, t[i].why);
		assert_int_equal(r.op, 0);
		assert_null(r.rsync);
		assert_null(r.max_age);
	}
}

static void
a_long_path_and_a_long_text_have_their_limits(void **state)
{
	static char text[MSG_MAX + 64];
	struct request r;
	struct err e;
	size_t n;

	for (n = 4095; n <= 4096; n++) {
		strncpy(text, RUN "root /", sizeof(text));
		memset(text + strlen(RUN "root /"), 'x', n - 1);
		memcpy(text + strlen(RUN "root ") + n, "\n", 2);
		assert_int_equal(parse(text, &r, &e), n == 4095 ? 0 : -1);
		request_clear(&r);
	}
	assert_err(&e, ERR_PEER, "root: is longer than 4095 bytes");
	memset(text, '\n', sizeof(text));
	assert_int_equal(request_parse(text, MSG_MAX + 1, &r, &e), -1);
	assert_err(&e, ERR_PEER, "longer than 64 KiB");
}

static void
nothing_is_emitted_that_the_other_side_would_refuse(void **state)
{
	struct request r = { .op = REQUEST_RUN, .rsync = (char *)"3.5.0" };
	struct err e = ERR_INIT;
	struct buf out;
	size_t i;

	buf_init(&out, MSG_MAX);
	assert_int_equal(request_emit(&r, &out, &e), -1);
	assert_err(&e, ERR_USAGE, "root: 'run' needs it");
	strv_add(&r.roots, "relative");
	assert_int_equal(request_emit(&r, &out, &e), -1);
	assert_err(&e, ERR_USAGE, "root: is not absolute");
	r.op = 0;
	assert_int_equal(request_emit(&r, &out, &e), -1);
	assert_err(&e, ERR_USAGE, "op: no such value");
	r.op = REQUEST_RUN;
	strv_clear(&r.roots);
	for (i = 0; i < 5000; i++)
		strv_addf(&r.roots, "/a-long-path/%zu", i);
	assert_int_equal(request_emit(&r, &out, &e), -1);
	assert_err(&e, ERR_MEM, "root: longer than 64 KiB");
	strv_clear(&r.roots);
	strv_add(&r.roots, "/");
	out.max = 5;
	assert_int_equal(request_emit(&r, &out, &e), -1);
	assert_int_equal(e.code, ERR_MEM);
	assert_int_equal(out.len, 0);
	strv_clear(&r.roots);
}

static void
out_of_memory_is_an_error_wherever_it_happens(void **state)
{
	static const char text[] = RUN "job j\nexclude a\nexclude b\n"
	    "root /x\n";
	struct request r;
	struct err e;
	struct buf out;
	unsigned long n;
	int rc;

	for (n = 1;; n++) {
		failmalloc_arm(n);
		rc = parse(text, &r, &e);
		if (!failmalloc_disarm())
			break;
		assert_int_equal(rc, -1);
		assert_int_equal(e.code, ERR_MEM);
	}
	assert_int_equal(rc, 0);
	assert_true(n > 8);
	for (n = 1;; n++) {
		buf_init(&out, MSG_MAX);
		failmalloc_arm(n);
		rc = request_emit(&r, &out, &e);
		if (!failmalloc_disarm())
			break;
		assert_int_equal(rc, -1);
		assert_int_equal(e.code, ERR_MEM);
		assert_int_equal(out.len, 0);
	}
	assert_int_equal(rc, 0);
	assert_true(n > 8);
	buf_clear(&out);
	request_clear(&r);
}

static void
a_direct_run_says_where_its_sshd_is_and_nothing_else_does(void **state)
{
	static const char *const t[] = {
		"mode direct\n",
		"mode channel\nport 4444\n",
		"port 4444\nhost-key " KEY "\nuser ann\n",
		"mode direct\nport 1023\nhost-key " KEY "\nuser ann\n",
		"mode direct\nport 65536\nhost-key " KEY "\nuser ann\n",
		"mode direct\nport 04444\nhost-key " KEY "\nuser ann\n",
		"mode direct\nport -1\nhost-key " KEY "\nuser ann\n",
		"mode direct\nport 4444\nhost-key " KEY "\nuser -oX\n",
		"mode direct\nport 4444\nhost-key " KEY "\nuser a\\040b\n",
		"mode direct\nport 4444\nhost-key " KEY "\nuser a@b\n",
		"mode direct\nport 4444\nhost-key " KEY "\\040x\nuser a\n",
		"mode direct\nport 4444\nhost-key " KEY "\\012\nuser a\n",
		"mode direct\nport 4444\nhost-key *\\040" KEY "\nuser a\n",
		("mode direct\nport 4444\nhost-key ssh-rsa\\040" BASE
		    "\nuser a\n"),
		("mode direct\nport 4444\nhost-key ssh-ed25519\\040AAAA\n"
		    "user a\n"),
		"mode other\n",
	};
	struct request r;
	struct err e;
	char text[512];
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		snprintf(text, sizeof(text), "op run\nversion 1\nroot /\n"
		    "rsync 3.5.0\n%s", t[i]);
		if (parse(text, &r, &e) == 0)
			fail_msg("taken: %s", t[i]);
		assert_int_equal(e.code, ERR_PEER);
	}
	assert_int_equal(parse("op list\nversion 1\nmode direct\n", &r, &e),
	    -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_direct_run_says_where_its_sshd_is_and_nothing_else_does),
		cmocka_unit_test(each_operation_comes_out_as_it_went_in),
		cmocka_unit_test(the_values_land_where_they_belong),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(
		    a_long_path_and_a_long_text_have_their_limits),
		cmocka_unit_test(
		    nothing_is_emitted_that_the_other_side_would_refuse),
		cmocka_unit_test(
		    out_of_memory_is_an_error_wherever_it_happens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
