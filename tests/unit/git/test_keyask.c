/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "authgen.h"
#include "keyask.h"
#include "keys.h"

static struct err e;
static struct buf index_;
static struct authindex x;
static struct keylist base;

static void
add(struct keylist *l, const char *id, const char *line)
{
	struct keyline k;

	assert_int_equal(keyline_parse(line, strlen(line), &k, &e), 0);
	assert_int_equal(keylist_add(l, id, &k, "here", &e), 0);
}

/* ann and bob have a key each; root has its own. */
static int
make(void **state)
{
	struct keylist keys = { 0 };

	add(&keys, "ann", LINE(ED));
	add(&keys, "bob", LINE(P256));
	add(&base, "root-s", LINE(P521));
	add(&base, "", LINE(P384));
	buf_init(&index_, 1 << 20);
	if (authindex_emit("/opt/a b/proxy", 1, &keys, &index_, &e) == -1)
		return -1;
	keylist_clear(&keys);
	return authindex_parse(index_.data, index_.len, &x, &e);
}

static int
drop(void **state)
{
	keylist_clear(&base);
	buf_clear(&index_);
	return 0;
}

static bool
id_in(const char *line, char *ret)
{
	return keyask_id(line, strlen(line), ret);
}

static void
keyask_finds_the_id_in_a_line_of_ours(void **state)
{
	char id[GITID_MAX + 1] = "";

	assert_true(id_in("restrict,command=\"/p ann\" " LINE(ED), id));
	assert_string_equal(id, "ann");
	assert_true(id_in("restrict,command=\"'/a b/p' a@b.com\" x", id));
	assert_string_equal(id, "a@b.com");
}

static void
keyask_finds_none_in_other_lines(void **state)
{
	static const char *const lines[] = { "", "restrict",
		"restrict,command=\"", "restrict,command=\"/p", LINE(ED),
		"restrict,command=\"/p\" x", "restrict,command=\"/p -x\" x",
		"restrict,command=\"/p --auth-update\" x",
		" restrict,command=\"/p ann\" x", "command=\"/p ann\" x",
		"restrict,command=\"/p \" x" };
	char id[GITID_MAX + 1] = "none";
	size_t i;

	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_false(id_in(lines[i], id));
	assert_string_equal(id, "none");
}

static void
keyask_knows_whose_key_one_is(void **state)
{
	assert_true(keyask_holds(&x, &base, "ann", FP_ED));
	assert_true(keyask_holds(&x, &base, "bob", FP_P256));
	assert_false(keyask_holds(&x, &base, "bob", FP_ED));
	assert_false(keyask_holds(&x, &base, "an", FP_ED));
	assert_false(keyask_holds(&x, &base, "ann", FP_SKED));
	assert_false(keyask_holds(&x, &base, "ann", "SHA256:"));
	assert_false(keyask_holds(&x, &base, "ann", ""));
}

static void
keyask_lets_roots_own_keys_be(void **state)
{
	assert_true(keyask_holds(&x, &base, "whoever", FP_P521));
	assert_false(keyask_holds(&x, NULL, "whoever", FP_P521));
}

static void
keyask_goes_by_the_id_where_no_fingerprint_is_known(void **state)
{
	assert_true(keyask_holds(&x, &base, "ann", "-"));
	assert_false(keyask_holds(&x, &base, "eve", "-"));
	assert_false(keyask_holds(&x, &base, "proxy' ann", "-"));
	/* Whom root named in a line of its own is no less. */
	assert_true(keyask_holds(&x, &base, "root-s", "-"));
	assert_false(keyask_holds(&x, NULL, "root-s", "-"));
	assert_false(keyask_holds(&x, &base, "", "-"));
}

static struct keylist
base_of(const char *line)
{
	struct keylist l = { 0 };

	if (authgen_base("base", line, strlen(line), &l, &e) == -1)
		fail_msg("%s", e.msg);
	assert_int_equal(l.n, 1);
	return l;
}

static void
keyask_reads_ids_out_of_roots_own_lines(void **state)
{
	static const struct { const char *line, *id; } t[] = {
		{ "restrict,command=\"/p/proxy ann\" " LINE(ED), "ann" },
		{ "command=\"proxy a@b.c\",no-pty " LINE(ED), "a@b.c" },
		{ "no-pty,command=\"proxy  ann\" " LINE(ED) " x", "ann" },
		{ "cert-authority,command=\"p ann\" " LINE(ED), "ann" },
		{ LINE(ED), "" }, { LINE(ED) " command=\"p ann\"", "" },
		{ "command=\"proxy\" " LINE(ED), "" },
		{ "command=\"proxy --auth-update\" " LINE(ED), "" },
		{ "command=\"proxy 'ann'\" " LINE(ED), "" },
		{ "command=\"proxy \\\"ann\\\"\" " LINE(ED), "" },
		{ "command=\"proxy ann \" " LINE(ED), "" },
	};
	struct keylist l;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		l = base_of(t[i].line);
		assert_string_equal(l.v[0].id, t[i].id);
		keylist_clear(&l);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keyask_finds_the_id_in_a_line_of_ours),
		cmocka_unit_test(keyask_finds_none_in_other_lines),
		cmocka_unit_test(keyask_knows_whose_key_one_is),
		cmocka_unit_test(keyask_lets_roots_own_keys_be),
		cmocka_unit_test(
		    keyask_goes_by_the_id_where_no_fingerprint_is_known),
		cmocka_unit_test(keyask_reads_ids_out_of_roots_own_lines),
	};

	return cmocka_run_group_tests(tests, make, drop);
}
