/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "authgen.h"
#include "failmalloc.h"
#include "lists.h"

#define PROXY	"/usr/libexec/postern/postern-git-proxy"
#define BASE	"# by hand\n\ncommand=\"gitolite-proxy --auth-update\"," \
		"no-pty " LINE(RSA2) " git@gl\n"
#define HEAD	"# postern git: who may come with a certificate; written " \
		"anew by each push\n"

static void
a_file_has_the_base_and_a_line_for_each_key(void **state)
{
	struct keylist l = { 0 }, again = { 0 };
	struct err e = ERR_INIT;
	struct buf out;

	buf_init(&out, AUTHGEN_TEXT_MAX);
	assert_int_equal(list_add(&l, "alice", LINE(ED) " me\n", ""), 0);
	assert_int_equal(list_add(&l, "a@b.com", LINE(SKEC), ""), 0);
	assert_int_equal(authgen_text(PROXY, BASE, strlen(BASE), "gl", 42, &l,
	    &out, &e), 0);
	assert_string_equal(out.data, BASE
	    "# postern git: keys of gl, sequence 42; written anew by each "
	    "push\n"
	    "restrict,command=\"" PROXY " alice\" " LINE(ED) "\n"
	    "restrict,command=\"" PROXY " a@b.com\" " LINE(SKEC) "\n");
	assert_int_equal(authgen_base("x", out.data, out.len, &again, &e), 0);
	assert_int_equal(again.n, 3);
	assert_memory_equal(again.v[1].fp, l.v[0].fp, KEYLINE_FP);
	assert_string_equal(again.v[2].where, "x:6");
	keylist_clear(&again);

	/* A base without a line feed at its end; none; a path to quote. */
	out.len = 0;
	assert_int_equal(authgen_text(PROXY, "# x", 3, "gl", 1, &again, &out,
	    &e), 0);
	assert_string_equal(out.data, "# x\n# postern git: keys of gl, "
	    "sequence 1; written anew by each push\n");
	out.len = 0;
	assert_int_equal(authgen_line("/a b/\"p\"", &l.v[0], &out, &e), 0);
	assert_string_equal(out.data, "restrict,command=\"'/a b/\\\"p\\\"' "
	    "alice\" " LINE(ED));
	keylist_clear(&l);
	buf_clear(&out);
}

static void
principals_are_a_line_for_each_id(void **state)
{
	struct keylist l = { 0 };
	struct err e = ERR_INIT;
	struct buf out;

	buf_init(&out, 4096);
	assert_int_equal(list_add(&l, "zoe", LINE(ED), ""), 0);
	assert_int_equal(list_add(&l, "alice", LINE(P256), ""), 0);
	assert_int_equal(list_add(&l, "zoe", LINE(P384), ""), 0);
	assert_int_equal(list_add(&l, "alice", LINE(SKEC), ""), 0);
	assert_int_equal(authgen_principals(PROXY, &l, &out, &e), 0);
	assert_string_equal(out.data, HEAD
	    "restrict,command=\"" PROXY " alice\" alice\n"
	    "restrict,command=\"" PROXY " zoe\" zoe\n");
	out.len = 0;
	assert_int_equal(authgen_principals("proxy", &l, &out, &e), -1);
	assert_err(&e, ERR_CONFIG, "no absolute path");
	assert_int_equal(out.len, 0);
	keylist_clear(&l);
	assert_int_equal(authgen_principals(PROXY, &l, &out, &e), 0);
	assert_string_equal(out.data, HEAD);
	out.len = 0;
	assert_int_equal(list_add(&l, "a\" b", LINE(ED), "k/x"), 0);
	assert_int_equal(authgen_principals(PROXY, &l, &out, &e), -1);
	assert_err(&e, ERR_CONFIG, "k/x: 'a\" b' is no key id");
	keylist_clear(&l);
	buf_clear(&out);
}

static void
what_can_not_be_a_forced_command_is_refused(void **state)
{
	struct keylist l = { 0 };
	struct err e = ERR_INIT;
	struct buf out;

	buf_init(&out, 4096);
	assert_int_equal(list_add(&l, "a\",command=\"id", LINE(ED), "k/x"), 0);
	assert_int_equal(authgen_text(PROXY, "", 0, "gl", 1, &l, &out, &e),
	    -1);
	assert_err(&e, ERR_CONFIG, "k/x: 'a\",command=\"id' is no key id");
	keylist_clear(&l);
	assert_int_equal(list_add(&l, "--auth-update", LINE(ED), ""), 0);
	assert_int_equal(authgen_line(PROXY, &l.v[0], &out, &e), -1);
	assert_err(&e, ERR_CONFIG, "is no key id");
	keylist_clear(&l);
	assert_int_equal(list_add(&l, "a", LINE(ED), ""), 0);
	assert_int_equal(authgen_line("proxy", &l.v[0], &out, &e), -1);
	assert_err(&e, ERR_CONFIG, "no absolute path");
	assert_int_equal(authgen_line("/a\\b", &l.v[0], &out, &e), -1);
	assert_err(&e, ERR_CONFIG, "backslash");
	assert_int_equal(authgen_line("/it's", &l.v[0], &out, &e), -1);
	assert_err(&e, ERR_CONFIG, "backslash");
	assert_int_equal(authgen_line("/a\nb", &l.v[0], &out, &e), -1);
	assert_err(&e, ERR_CONFIG, "control character");
	assert_int_equal(authgen_text(PROXY, "", 0, "g\nl", 1, &l, &out, &e),
	    -1);
	assert_err(&e, ERR_CONFIG, "the server's name: ");
	assert_int_equal(out.len, 0);
	buf_clear(&out);
	buf_init(&out, 200);
	assert_int_equal(authgen_text(PROXY, "", 0, "gl", 1, &l, &out, &e),
	    -1);
	assert_int_equal(e.code, ERR_MEM);
	assert_int_equal(out.len, 0);
	keylist_clear(&l);
	buf_clear(&out);
}

static void
a_base_has_nothing_that_sshd_would_pass_over(void **state)
{
	static const struct { const char *text, *why; size_t n; } t[] = {
		{ "", NULL, 0 }, { "\n\n", NULL, 0 },
		{ "# x\n  # y\n \t\n\r\n", NULL, 0 },
		{ LINE(ED), NULL, 1 },
		{ LINE(ED) "\r\n" LINE(SKEC) " c\n", NULL, 2 },
		{ BASE, NULL, 1 },
		{ "cert-authority,principals=\"git\" " LINE(ED), NULL, 1 },
		{ "\nrestrict\n", "base:2: no type of key" },
		{ LINE(ED) "\ncommand=\"x " LINE(P256) "\n",
		    "base:2: a quote" },
		{ "x" LINE(ED), "base:1: no type" },
		{ T_ED " " K_P256, "base:1: the key is not" },
		{ "#\n#\n" T_DSA " " K_DSA, "base:3: a DSA" },
		{ LINE(CERT), "base:1: a certificate" },
	};
	struct keylist l = { 0 };
	struct err e;
	size_t i;
	int rc;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		e = (struct err)ERR_INIT;
		rc = authgen_base("base", t[i].text, strlen(t[i].text), &l,
		    &e);
		if ((rc == 0) != (t[i].why == NULL))
			fail_msg("row %zu: %d %s", i, rc, e.msg);
		if (rc == -1)
			assert_err(&e, ERR_CONFIG, t[i].why);
		else
			assert_int_equal(l.n, t[i].n);
		keylist_clear(&l);
	}
	assert_int_equal(authgen_base("base", "#\0\n", 3, &l, &e), -1);
	assert_err(&e, ERR_CONFIG, "base:1: a NUL");
}

static void
out_of_memory_is_an_error_wherever_it_happens(void **state)
{
	struct keylist l = { 0 }, base = { 0 };
	struct err e = ERR_INIT;
	unsigned long n;
	struct buf out;
	int rc;

	assert_int_equal(list_add(&l, "a", LINE(ED), ""), 0);
	for (n = 1;; n++) {
		buf_init(&out, 4096);
		failmalloc_arm(n);
		rc = authgen_base("x", BASE, strlen(BASE), &base, &e);
		if (rc == 0)
			rc = authgen_text(PROXY, BASE, strlen(BASE), "gl", 1,
			    &l, &out, &e);
		if (rc == 0) {
			out.len = 0;
			rc = authgen_principals(PROXY, &l, &out, &e);
		}
		if (rc == -1)
			assert_int_equal(out.len, 0);
		buf_clear(&out);
		keylist_clear(&base);
		if (!failmalloc_disarm())
			break;
		assert_int_equal(rc, -1);
		assert_int_equal(e.code, ERR_MEM);
	}
	assert_int_equal(rc, 0);
	assert_true(n > 5);
	keylist_clear(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_has_the_base_and_a_line_for_each_key),
		cmocka_unit_test(principals_are_a_line_for_each_id),
		cmocka_unit_test(what_can_not_be_a_forced_command_is_refused),
		cmocka_unit_test(a_base_has_nothing_that_sshd_would_pass_over),
		cmocka_unit_test(
		    out_of_memory_is_an_error_wherever_it_happens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
