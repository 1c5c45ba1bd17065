/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include <sodium.h>

#include "failmalloc.h"
#include "keypush.h"
#include "keys.h"

#define BEGIN	"-----BEGIN POSTERN GIT KEYS-----\n"
#define END	"-----END POSTERN GIT KEYS-----\n"
#define A	"alice " LINE(ED) "\n"
#define B	"b@c.com " LINE(P256) "\n"

/* What came of one text. */
static struct {
	struct keypush_head head;
	struct keylist keys;
	struct err e;
	size_t bad, bad_line;
	struct err why;
} got;

static void
on_bad(void *arg, size_t line, const struct err *why)
{
	got.bad++;
	got.bad_line = line;
	got.why = *why;
}

static int
parse_n(const char *text, size_t len, size_t step,
    const struct keypush_limits *limits)
{
	struct keypush *p;
	size_t i, n;
	int rc = 0;

	keylist_clear(&got.keys);
	memset(&got, 0, sizeof(got));
	p = keypush_new(limits, on_bad, NULL, &got.e);
	if (p == NULL)
		return -1;
	for (i = 0; rc == 0 && i < len; i += n) {
		n = step < len - i ? step : len - i;
		rc = keypush_feed(p, text + i, n, &got.e);
	}
	if (keypush_finish(p, &got.head, &got.keys, &got.e) == -1)
		rc = -1;
	else
		assert_int_equal(rc, 0);
	keypush_free(p);
	return rc;
}

/* A text of these lines of keys with a right sum. */
static const char *
text_n(const char *count, const char *body, size_t n)
{
	static char text[1 << 20];
	unsigned char sum[crypto_hash_sha256_BYTES];
	char hex[2 * sizeof(sum) + 1];
	size_t at;

	crypto_hash_sha256(sum, (const unsigned char *)body, n);
	sodium_bin2hex(hex, sizeof(hex), sum, sizeof(sum));
	at = (size_t)snprintf(text, sizeof(text), BEGIN "format 1\nserver gl\n"
	    "sequence 7\ncount %s\nsha256 %s\n\n", count, hex);
	memcpy(text + at, body, n);
	memcpy(text + at + n, END, sizeof(END));
	return text;
}

static const char *
text(const char *count, const char *body)
{
	return text_n(count, body, strlen(body));
}

static int
parse(const char *s)
{
	return parse_n(s, strlen(s), strlen(s) + 1, NULL);
}

static void
what_is_written_is_read_in_pieces_of_any_size(void **state)
{
	static const char *const ids[] = { "alice", "alice", "b@c.com",
		"d-1", "e", "f", "g" };
	static const char *const lines[] = { LINE(ED), LINE(SKED),
		LINE(P256), LINE(P384), LINE(P521), LINE(SKEC), LINE(RSA2) };
	struct keylist keys = { 0 };
	struct keyline k;
	struct buf out;
	size_t i, step;

	for (i = 0; i < 7; i++) {
		assert_int_equal(keyline_parse(lines[i], strlen(lines[i]), &k,
		    NULL), 0);
		assert_int_equal(keylist_add(&keys, ids[i], &k, "x.pub", NULL),
		    0);
	}
	buf_init(&out, 1 << 20);
	assert_int_equal(keypush_emit("gl-1", INT64_MAX, &keys, &out, NULL),
	    0);
	for (step = 1; step < out.len; step = step * 3 + 1) {
		if (parse_n(out.data, out.len, step, NULL) == -1)
			fail_msg("%zu: %s", step, got.e.msg);
		assert_string_equal(got.head.server, "gl-1");
		assert_int_equal(got.head.sequence, INT64_MAX);
		assert_int_equal(got.head.count, 7);
		assert_int_equal(got.head.bad, 0);
		assert_int_equal(got.keys.n, 7);
		for (i = 0; i < 7; i++) {
			assert_string_equal(got.keys.v[i].id, ids[i]);
			assert_string_equal(got.keys.v[i].type,
			    keys.v[i].type);
			assert_string_equal(got.keys.v[i].blob,
			    keys.v[i].blob);
			assert_memory_equal(got.keys.v[i].fp, keys.v[i].fp,
			    KEYLINE_FP);
		}
	}
	assert_string_equal(got.keys.v[0].where, "line 8");
	keylist_clear(&keys);
	out.len = 0;
	assert_int_equal(keypush_emit("gl", 1, &keys, &out, NULL), 0);
	assert_int_equal(parse_n(out.data, out.len, 7, NULL), 0);
	assert_int_equal(got.keys.n, 0);
	buf_clear(&out);
}

static void
a_bad_line_is_skipped_and_reported_and_the_rest_comes(void **state)
{
	static const struct { const char *line, *why; } t[] = {
		{ "", "key id is empty" },
		{ " " LINE(RSA2), "key id is empty" },
		{ "x", "no key behind" }, { "x ", "x: empty" },
		{ "--auth-update " LINE(RSA2), "has to begin with" },
		{ "-oProxyCommand=id " LINE(RSA2), "has to begin with" },
		{ "$(id) " LINE(RSA2), "has to begin with" },
		{ "a\",command=\"id " LINE(RSA2), "letters, digits" },
		{ "a\\ " LINE(RSA2), "letters, digits" },
		{ "../x " LINE(RSA2), "has to begin with" },
		{ "x restrict " LINE(RSA2), "x: options in front" },
		{ "x " T_ED " " K_RSA2, "x: the key is not one of" },
		{ "x " T_RSA2 " " K_ED, "x: the key is not one of" },
		{ "x ssh-ed25519 AAAAC3Nz", "x: the key is not" },
		{ "x " LINE(RSA2) " comment", "more than an id" },
		{ "x " LINE(RSA2) " ", "more than an id" },
		{ "x  " LINE(RSA2), "more than an id" },
		{ "x " T_ED "  " K_ED, "more than an id" },
		{ "x " T_ED "\t" K_ED, "more than an id" },
		{ "x " LINE(RSA2) "\r", "0x0d" },
		{ "x " LINE(RSA2) "\xe2\x80\xa8" "y " LINE(P384), "not seen" },
		{ "x " LINE(RSA2) "\x0b", "0x0b" },
		{ "x " LINE(RSA2) "\x85", "no UTF-8" },
		{ "j\xf3n " LINE(RSA2), "letters, digits" },
		{ "x -----BEGIN OPENSSH PRIVATE KEY-----", "a private key" },
		{ "x " T_DSA " " K_DSA, "a DSA key" },
		{ "# gitolite start", "has to begin with" },
	};
	char body[16384];
	const char *p;
	size_t i, head;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		snprintf(body, sizeof(body), A "%s\n" B, t[i].line);
		if (parse(text("3", body)) == -1)
			fail_msg("%s: %s", t[i].line, got.e.msg);
		if (got.bad != 1)
			fail_msg("taken: %s", t[i].line);
		assert_int_equal(got.bad_line, 9);
		assert_int_equal(got.head.bad, 1);
		assert_err(&got.why, ERR_CONFIG, t[i].why);
		for (p = got.why.msg; *p != '\0'; p++)
			assert_true((unsigned char)*p >= 0x20);
		assert_int_equal(got.keys.n, 2);
		assert_string_equal(got.keys.v[0].id, "alice");
		assert_string_equal(got.keys.v[1].id, "b@c.com");
	}
	memcpy(body, A "x\0y " LINE(RSA2) "\n", sizeof(A LINE(RSA2)) + 5);
	i = sizeof(A LINE(RSA2)) + 4;
	head = strlen(text("2", ""));
	assert_int_equal(parse_n(text_n("2", body, i), head + i, 5, NULL), 0);
	assert_int_equal(got.bad, 1);
}

static void
a_line_of_a_megabyte_is_skipped_and_costs_no_memory(void **state)
{
	static char body[900 * 1024];
	size_t n = sizeof(body) - sizeof(B);

	memset(body, 'x', sizeof(body));
	memcpy(body, A, sizeof(A) - 1);
	body[n - 1] = '\n';
	memcpy(body + n, B, sizeof(B));
	if (parse_n(text("3", body), strlen(text("3", body)), 4000, NULL) ==
	    -1)
		fail_msg("%s", got.e.msg);
	assert_int_equal(got.bad, 1);
	assert_err(&got.why, ERR_CONFIG, "longer than");
	assert_int_equal(got.keys.n, 2);
	/* Its bytes are in the sum all the same. */
	snprintf(body, sizeof(body), "%s", text("3", body));
	memcpy(strstr(body, "xxxxxx"), "xxyxxx", 6);
	assert_int_equal(parse(body), -1);
	assert_err(&got.e, ERR_PEER, "cut off");
}

static void
any_other_text_is_no_push(void **state)
{
	static const struct { const char *text, *why; } t[] = {
		{ "", "nothing came" }, { "\n", "line 1 is not" },
		{ A, "line 1 is not" }, { BEGIN, "cut off" },
		{ "x" BEGIN, "line 1 is not" },
		{ "-----BEGIN POSTERN GIT KEYS----- \n", "line 1 is not" },
		{ "-----BEGIN POSTERN GIT KEYS-----\r\n", "line 1 is not" },
		{ BEGIN BEGIN, "line 2 is not" },
		{ BEGIN "format 2\n", "another version" },
		{ BEGIN "format 1 \n", "another version" },
		{ BEGIN "server gl\n", "line 2 is not" },
		{ BEGIN "format 1\nserver -x\n", "line 3 is not" },
		{ BEGIN "format 1\nserver \n", "line 3 is not" },
		{ BEGIN "format 1\nserver gl\nsequence 0\n", "line 4 is not" },
		{ BEGIN "format 1\nserver gl\nsequence -1\n", "line 4" },
		{ BEGIN "format 1\nserver gl\nsequence 01\n", "line 4" },
		{ BEGIN "format 1\nserver gl\nsequence 1 \n", "line 4" },
		{ BEGIN "format 1\nserver gl\nsequence \n", "line 4" },
		{ BEGIN "format 1\nserver gl\nsequence 9223372036854775808\n",
		    "line 4" },
		{ BEGIN "format 1\nserver gl\nsequence 1\nsequence 1\n",
		    "line 5" },
		{ BEGIN "format 1\nserver gl\nsequence 1\ncount 200001\n",
		    "more keys than are taken" },
		{ BEGIN "format 1\nserver gl\nsequence 1\ncount x\n",
		    "line 5" },
		{ BEGIN "format 1\nserver gl\nsequence 1\ncount 0\nsha256 0\n",
		    "line 6" },
	};
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (parse(t[i].text) != -1)
			fail_msg("taken: %s", t[i].text);
		assert_err(&got.e, ERR_PEER, t[i].why);
		assert_int_equal(got.keys.n, 0);
	}
}

static void
count_sum_and_marks_have_to_be_right(void **state)
{
	char s[16384], *p;

	assert_int_equal(parse(text("2", A B)), 0);
	assert_int_equal(parse(text("1", A B)), -1);
	assert_err(&got.e, ERR_PEER, "more lines of keys came than the 1");
	assert_int_equal(parse(text("3", A B)), -1);
	assert_err(&got.e, ERR_PEER, "2 lines of keys came, and the head");
	assert_int_equal(parse(text("0", "")), 0);
	assert_int_equal(parse(text("2", A BEGIN)), -1);
	assert_err(&got.e, ERR_PEER, "line 9 is another mark");
	assert_int_equal(parse(text("2", A "-----END POSTERN GIT KEYS----- "
	    "\n")), -1);
	assert_err(&got.e, ERR_PEER, "line 9 is another mark");
	/* A name of a file with a line feed and a mark in it. */
	assert_int_equal(parse(text("2", A END B)), -1);
	assert_err(&got.e, ERR_PEER, "1 lines of keys came");
	assert_int_equal(parse(text("1", A END B)), -1);
	assert_err(&got.e, ERR_PEER, "not those that the head's sha256");

	snprintf(s, sizeof(s), "%s", text("2", A B));
	p = strstr(s, "alice");
	p[0] = 'b';
	assert_int_equal(parse(s), -1);
	assert_err(&got.e, ERR_PEER, "not those that the head's sha256");
	p[0] = 'a';
	assert_int_equal(parse(s), 0);
	strncat(s, "\n", 2);
	assert_int_equal(parse(s), -1);
	assert_err(&got.e, ERR_PEER, "something follows the end");
	s[strlen(s) - 2] = '\0';		/* the last line feed */
	assert_int_equal(parse(s), -1);
	assert_err(&got.e, ERR_PEER, "cut off");
	p = strstr(s, "b@c.com");
	*p = '\0';
	assert_int_equal(parse(s), -1);
	assert_err(&got.e, ERR_PEER, "cut off");
	assert_int_equal(got.keys.n, 0);
}

static void
limits_hold_whatever_comes(void **state)
{
	const struct keypush_limits few = { .bytes = 4096, .lines = 2 };
	static char flood[1 << 20];

	memset(flood, 'a', sizeof(flood));
	assert_int_equal(parse_n(flood, sizeof(flood), 100, NULL), -1);
	assert_err(&got.e, ERR_PEER, "line 1 is longer than");
	assert_int_equal(parse_n(text("2", A B), strlen(text("2", A B)), 9,
	    &few), 0);
	assert_int_equal(parse_n(text("3", A B A), strlen(text("3", A B A)),
	    9, &few), -1);
	assert_err(&got.e, ERR_PEER, "more keys than are taken (2)");
	memcpy(flood, text("2", A B), strlen(text("2", A B)) - strlen(END));
	assert_int_equal(parse_n(flood, 5000, 10, &few), -1);
	assert_err(&got.e, ERR_PEER, "more than the 4096 bytes");
}

static void
after_a_failure_nothing_is_taken_any_more(void **state)
{
	const char *s = text("1", A);
	struct keypush_head head;
	struct keylist keys = { 0 };
	struct err e = ERR_INIT;
	struct keypush *p = keypush_new(NULL, NULL, NULL, &e);

	assert_non_null(p);
	assert_int_equal(keypush_feed(p, "x\n", 2, &e), -1);
	assert_int_equal(keypush_feed(p, s, strlen(s), &e), -1);
	assert_err(&e, ERR_PEER, "line 1 is not");
	assert_int_equal(keypush_finish(p, &head, &keys, NULL), -1);
	keypush_free(p);
	p = keypush_new(NULL, NULL, NULL, &e);
	assert_int_equal(keypush_feed(p, s, strlen(s), &e), 0);
	assert_int_equal(keypush_finish(p, &head, &keys, &e), 0);
	assert_int_equal(keypush_finish(p, &head, &keys, &e), -1);
	assert_err(&e, ERR_PEER, "taken already");
	assert_int_equal(keys.n, 1);
	keylist_clear(&keys);
	keypush_free(p);
	keypush_free(NULL);
}

static void
what_would_not_be_read_is_not_written(void **state)
{
	struct keylist keys = { 0 };
	struct err e = ERR_INIT;
	struct keyline k;
	struct buf out;

	buf_init(&out, 4096);
	assert_int_equal(keypush_emit("-x", 1, &keys, &out, &e), -1);
	assert_err(&e, ERR_CONFIG, "the server's name: '-x'");
	assert_int_equal(keypush_emit("gl", 0, &keys, &out, &e), -1);
	assert_err(&e, ERR_CONFIG, "sequence 0");
	assert_int_equal(keypush_emit("gl", (uint64_t)INT64_MAX + 1, &keys,
	    &out, &e), -1);
	assert_int_equal(keyline_parse(LINE(ED), strlen(LINE(ED)), &k, &e), 0);
	assert_int_equal(keylist_add(&keys, "a\nb", &k, "k/a.pub", &e), 0);
	assert_int_equal(keypush_emit("gl", 1, &keys, &out, &e), -1);
	assert_err(&e, ERR_CONFIG, "k/a.pub: 'a\\x0ab' is no key id");
	assert_int_equal(out.len, 0);
	keylist_clear(&keys);
	assert_int_equal(keylist_add(&keys, "a", &k, "", &e), 0);
	buf_clear(&out);
	buf_init(&out, 250);
	assert_int_equal(keypush_emit("gl", 1, &keys, &out, &e), -1);
	assert_int_equal(e.code, ERR_MEM);
	assert_int_equal(out.len, 0);
	keylist_clear(&keys);
	buf_clear(&out);
}

static void
out_of_memory_is_an_error_wherever_it_happens(void **state)
{
	struct keylist keys = { 0 };
	struct keyline k;
	unsigned long n;
	struct buf out;
	struct err e;
	int rc;

	assert_int_equal(keyline_parse(LINE(ED), strlen(LINE(ED)), &k, NULL),
	    0);
	for (n = 1;; n++) {
		buf_init(&out, 4096);
		e = (struct err)ERR_INIT;
		failmalloc_arm(n);
		rc = keylist_add(&keys, "a", &k, "", &e);
		if (rc == 0)
			rc = keypush_emit("gl", 1, &keys, &out, &e);
		if (rc == 0) {
			rc = parse_n(out.data, out.len, 50, NULL);
			e = got.e;
		}
		buf_clear(&out);
		keylist_clear(&keys);
		if (!failmalloc_disarm())
			break;
		assert_int_equal(rc, -1);
		assert_int_equal(e.code, ERR_MEM);
	}
	assert_int_equal(rc, 0);
	assert_true(n > 8);
}

static int
clean(void **state)
{
	keylist_clear(&got.keys);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    what_is_written_is_read_in_pieces_of_any_size),
		cmocka_unit_test(
		    a_bad_line_is_skipped_and_reported_and_the_rest_comes),
		cmocka_unit_test(
		    a_line_of_a_megabyte_is_skipped_and_costs_no_memory),
		cmocka_unit_test(any_other_text_is_no_push),
		cmocka_unit_test(count_sum_and_marks_have_to_be_right),
		cmocka_unit_test(limits_hold_whatever_comes),
		cmocka_unit_test(after_a_failure_nothing_is_taken_any_more),
		cmocka_unit_test(what_would_not_be_read_is_not_written),
		cmocka_unit_test(
		    out_of_memory_is_an_error_wherever_it_happens),
	};

	return cmocka_run_group_tests(tests, NULL, clean);
}
