/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "failmalloc.h"
#include "handshake.h"
#include "rootargs.h"

#define GREET	"@RSYNCD: 32.0 sha512 sha256 sha1 md5 md4\n"
#define OPTS	"-lHogDtpAXrSe.iLsfxCIvu\0--numeric-ids\0"
#define ROPTS	"-lHogDtpAXrRxSe.iLsfxCIvu\0--numeric-ids\0"
#define SENDER	"--server\0--sender\0"
#define ARGS	SENDER OPTS ".\0root/\0\0"
#define GOOD	GREET "root\n" ARGS

static const struct strv *paths;	/* of the next handshakes */
static const char *list;

/* All of text (its own NUL apart) in pieces of size bytes. */
static int
feed(struct handshake *h, const char *text, size_t len, size_t size,
    struct buf *pass, struct err *e)
{
	size_t i, n;

	handshake_init(h, paths, list);
	buf_init(pass, 65536);
	*e = (struct err)ERR_INIT;
	for (i = 0; i < len; i += n) {
		n = len - i < size ? len - i : size;
		if (handshake_feed(h, text + i, n, pass, e) == -1)
			return -1;
	}
	return 0;
}

static void
what_our_receivers_say_goes_on_byte_by_byte(void **state)
{
	static const char good[] = GOOD "\7\0\0\7anything\n-L\0";
	struct handshake h;
	struct buf pass;
	struct err e;
	size_t size;

	for (size = 1; size <= sizeof(good); size++) {
		if (feed(&h, good, sizeof(good) - 1, size, &pass, &e) == -1)
			fail_msg("%s", e.msg);
		assert_true(handshake_over(&h));
		assert_int_equal(pass.len, sizeof(good) - 1);
		assert_memory_equal(pass.data, good, sizeof(good) - 1);
		buf_clear(&pass);
		handshake_clear(&h);
	}
}

/* With a list the store asks for folders one by one, and we say what is on
 * it: it can't. */
static void
a_list_of_ours_is_put_in_and_none_of_theirs(void **state)
{
	static const char theirs[] = GREET "root\n" SENDER
	    "-ldHogDtpAXRSe.LsfxCIvu\0--numeric-ids\0.\0root/\0\0after";
	static const char ours[] = GREET "root\n" SENDER
	    "--files-from=/run/x/list\0--from0\0"
	    "-ldHogDtpAXRSe.LsfxCIvu\0--numeric-ids\0.\0root/\0\0after";
	static const struct { const char *text; size_t len; } bad[] = {
		/* All of it, recursively. */
		{ GOOD, sizeof(GOOD) - 1 },
#define OTHER(words) { GREET "root\n" SENDER words ".\0root/\0\0", \
	sizeof(GREET "root\n" SENDER words ".\0root/\0\0") - 1 }
		OTHER("--files-from=/etc/shadow\0"
		    "-ldHogDtpAXRSe.LsfxCIvu\0--numeric-ids\0"),
		OTHER("-ldHogDtpAXRSe.LsfxCIvu\0--numeric-ids\0"
		    "--files-from=/etc/shadow\0"),
		OTHER("-ldHogDtpAXrRSe.LsfxCIvu\0--numeric-ids\0"),
	};
	struct handshake h;
	struct buf pass;
	struct err e;
	size_t size, i;

	list = "/run/x/list";
	for (size = 1; size <= sizeof(theirs); size++) {
		if (feed(&h, theirs, sizeof(theirs) - 1, size, &pass, &e) ==
		    -1)
			fail_msg("%s", e.msg);
		assert_int_equal(pass.len, sizeof(ours) - 1);
		assert_memory_equal(pass.data, ours, sizeof(ours) - 1);
		buf_clear(&pass);
		handshake_clear(&h);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(feed(&h, bad[i].text, bad[i].len, 7, &pass,
		    &e), -1);
		assert_int_equal(e.code, ERR_REFUSED);
		buf_clear(&pass);
		handshake_clear(&h);
	}
	list = NULL;
	/* And without a list nobody asks for folders one by one. */
	assert_int_equal(feed(&h, theirs, sizeof(theirs) - 1, 7, &pass, &e),
	    -1);
	buf_clear(&pass);
	handshake_clear(&h);
}

static void
nothing_goes_on_before_it_is_whole(void **state)
{
	static const struct { const char *text; size_t len, pass; } t[] = {
		{ GREET, sizeof(GREET) - 2, 0 },
		{ GREET, sizeof(GREET) - 1, sizeof(GREET) - 1 },
		{ GREET "root", sizeof(GREET "root") - 1, sizeof(GREET) - 1 },
		{ GOOD, sizeof(GOOD) - 2, sizeof(GREET "root\n") - 1 },
	};
	struct handshake h;
	struct buf pass;
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(feed(&h, t[i].text, t[i].len, 7, &pass, &e),
		    0);
		assert_false(handshake_over(&h));
		assert_int_equal(pass.len, t[i].pass);
		buf_clear(&pass);
		handshake_clear(&h);
	}
}

#define T(s, why) { s, sizeof(s) - 1, why }
#define A(s, why) T(GREET "root\n" s, why)

static void
what_asks_for_more_than_the_module_is_refused(void **state)
{
	static const struct { const char *text; size_t len; const char *why; }
	    t[] = {
		T("\n", "no rsync of protocol"),
		T("@RSYNCD: 29.0\n", "protocol 30 or later"),
		T("@RSYNCD: 9.0\n", "protocol 30"),
		T("@RSYNCD: 131.0\n", "protocol 30"),
		T("@RSYNCD: 30\n", "protocol 30"),
		/* rsync would take one off. */
		T("@RSYNCD: 30.1\n", "protocol 30"),
		T("@RSYNCD: 30.01\n", "protocol 30"),
		T("@RSYNCD: 30.0x\n", "protocol 30"),
		T("@RSYNCD:  30.0\n", "protocol 30"),
		T("@RSYNCD: -1.0\n", "protocol 30"),
		T("@RSYNCD: 31.0\r\n", "protocol 30"),
		T("@RSYNCD: 31.0 a\0b\n", "protocol 30"),
		T("@rsyncd: 31.0\n", "protocol 30"),
		T("#early_input=5\n", "protocol 30"),
		T(GREET "\n", "one module, 'root'"),
		T(GREET "#list\n", "one module"),
		T(GREET "#early_input=5\n", "one module"),
		T(GREET "roots\n", "one module"),
		T(GREET "root/\n", "one module"),
		T(GREET "ROOT\n", "one module"),
		T(GREET "root\r\n", "one module"),
		T(GREET "root\0\n", "one module"),
		A("\0", "cut before '--server'"),
		A(SENDER OPTS ".\0\0", "names no path"),
		A(SENDER OPTS ".\0root/etc/\0\0", "'root/etc/' is not a root"),
		A(SENDER OPTS ".\0root/srv/data/out/\0\0", "is not a root"),
		A(SENDER OPTS ".\0root\0\0", "is not a root"),
		A(SENDER OPTS ".\0root//\0\0", "is not a root"),
		A(SENDER OPTS ".\0root/*\0\0", "is not a root"),
		A(SENDER OPTS ".\0root/../etc\0\0", "is not a root"),
		A(SENDER OPTS ".\0/\0\0", "is not a root"),
		A(SENDER OPTS ".\0root/\0root/\0\0", "twice"),
		A(SENDER OPTS ".\0root/\0root/etc\0\0", "is not a root"),
		A(SENDER OPTS "root/\0\0", "stands where"),
		A("--server\0" OPTS ".\0root/\0\0", "not --sender"),
		A("--daemon\0\0", "not --server"),
		A(SENDER "-s\0" OPTS ".\0root/\0\0", "-s"),
		A(SENDER "-slogDtpre.\0--numeric-ids\0.\0root/\0\0",
		    "hides the real arguments"),
		A(SENDER "-lLogDtpre.\0--numeric-ids\0.\0root/\0\0",
		    "follow symlinks"),
		A(SENDER OPTS "-L\0.\0root/\0\0", "stands where"),
		A(SENDER OPTS "--copy-links\0.\0root/\0\0", "not among"),
		A(SENDER OPTS "--files-from=/x\0.\0root/\0\0", "not among"),
		A(SENDER OPTS "--secluded-args\0.\0root/\0\0", "not among"),
		A(SENDER "-logDtpre.\0.\0root/\0\0", "--numeric-ids"),
		A(SENDER "-logDtpre.30.1\0--numeric-ids\0.\0root/\0\0",
		    "no receiver of ours"),
		A(SENDER "-logDtpr\n-L\0\0", "letters"),
	};
	struct handshake h;
	struct buf pass;
	struct err e;
	size_t i, whole;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (feed(&h, t[i].text, t[i].len, 5, &pass, &e) == 0)
			fail_msg("taken: %zu %s", i, t[i].text);
		assert_err(&e, ERR_REFUSED, t[i].why);
		/* What comes before it did go on; of it, nothing. */
		whole = strncmp(t[i].text, GREET, sizeof(GREET) - 1) != 0 ?
		    0 : strncmp(t[i].text, GREET "root\n",
		    sizeof(GREET "root\n") - 1) != 0 ? sizeof(GREET) - 1 :
		    sizeof(GREET "root\n") - 1;
		assert_int_equal(pass.len, whole);
		buf_clear(&pass);
		handshake_clear(&h);
	}
}

static void
of_roots_by_themselves_only_those_are_taken(void **state)
{
	static const struct { const char *text; size_t len; const char *why; }
	    t[] = {
		A(SENDER OPTS ".\0root/srv\0root/o?d\0\0", "more than one"),
		A(SENDER ROPTS ".\0root/srv\0root/etc\0\0", "'root/etc' is "
		    "not a root"),
		A(SENDER ROPTS ".\0root/srv/\0\0", "is not a root"),
		A(SENDER ROPTS ".\0root/srv/./a\0\0", "is not a root"),
		A(SENDER ROPTS ".\0root/sr?\0\0", "is not a root"),
		A(SENDER ROPTS ".\0root/o*d\0\0", "is not a root"),
		A(SENDER ROPTS ".\0root/srv\0root/srv\0\0", "twice"),
		A(SENDER ROPTS "-s\0.\0root/srv\0\0", "stands where"),
	};
	static const char good[] = GREET "root\n" SENDER ROPTS
	    ".\0root/srv\0root/o?d\0\0";
	static char *words[] = { "/srv", "/o*d", "/o?d", "/o\nd", NULL };
	struct strv roots = { 0 }, made = { 0 };
	struct handshake h;
	struct buf pass;
	struct err e;
	size_t i;

	assert_int_equal(strv_addv(&roots, words), 0);
	assert_int_equal(rootargs_make(&roots, &made, &e), 0);
	assert_int_equal(made.n, 2);
	assert_string_equal(made.v[0], "root/srv");
	assert_string_equal(made.v[1], "root/o?d");
	paths = &made;
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (feed(&h, t[i].text, t[i].len, 5, &pass, &e) == 0)
			fail_msg("taken: %zu", i);
		assert_err(&e, ERR_REFUSED, t[i].why);
		buf_clear(&pass);
		handshake_clear(&h);
	}
	if (feed(&h, good, sizeof(good) - 1, 5, &pass, &e) == -1)
		fail_msg("%s", e.msg);
	assert_true(handshake_over(&h));
	paths = NULL;
	buf_clear(&pass);
	handshake_clear(&h);
	strv_clear(&made);
	strv_clear(&roots);
}

static void
a_flood_is_refused_at_its_end(void **state)
{
	static char text[2 * HANDSHAKE_MAX];
	struct handshake h;
	struct buf pass;
	struct err e;

	memset(text, 'x', sizeof(text));
	assert_int_equal(feed(&h, text, HANDSHAKE_MAX, 64, &pass, &e),
	    0);
	assert_int_equal(h.held.len, HANDSHAKE_MAX);
	assert_int_equal(handshake_feed(&h, "x", 1, &pass, &e), -1);
	assert_err(&e, ERR_REFUSED, "more than 65536 bytes");
	handshake_clear(&h);
	buf_clear(&pass);
	memcpy(text, GREET "root\n", sizeof(GREET "root\n") - 1);
	assert_int_equal(feed(&h, text, sizeof(text), 64, &pass, &e), -1);
	assert_err(&e, ERR_REFUSED, "more than 65536 bytes");
	handshake_clear(&h);
	buf_clear(&pass);
}

static void
no_word_is_lost_when_memory_is_out(void **state)
{
	static const char good[] = GOOD;
	struct handshake h;
	struct buf pass;
	struct err e;
	unsigned long n;
	int rc;

	for (n = 1;; n++) {
		failmalloc_arm(n);
		rc = feed(&h, good, sizeof(good) - 1, 16, &pass, &e);
		if (!failmalloc_disarm())
			break;
		assert_int_equal(rc, -1);
		assert_int_equal(e.code, ERR_MEM);
		assert_false(handshake_over(&h));
		handshake_clear(&h);
		buf_clear(&pass);
	}
	assert_int_equal(rc, 0);
	assert_true(n > 3);
	handshake_clear(&h);
	buf_clear(&pass);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_our_receivers_say_goes_on_byte_by_byte),
		cmocka_unit_test(a_list_of_ours_is_put_in_and_none_of_theirs),
		cmocka_unit_test(nothing_goes_on_before_it_is_whole),
		cmocka_unit_test(
		    what_asks_for_more_than_the_module_is_refused),
		cmocka_unit_test(of_roots_by_themselves_only_those_are_taken),
		cmocka_unit_test(a_flood_is_refused_at_its_end),
		cmocka_unit_test(no_word_is_lost_when_memory_is_out),
	};

	return cmocka_run_group_tests_name("handshake", tests, NULL, NULL);
}
