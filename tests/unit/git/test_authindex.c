/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "authgen.h"
#include "authindex.h"
#include "failmalloc.h"
#include "lists.h"

#define PROXY	"/usr/libexec/postern/postern-git-proxy"
#define HEAD	64
#define ENTRY	40

static struct err e;

static struct buf
index_of(const struct keylist *l)
{
	struct buf out;

	buf_init(&out, 1 << 24);
	e = (struct err)ERR_INIT;
	if (authindex_emit(PROXY, 42, l, &out, &e) == -1)
		fail_msg("%s", e.msg);
	return out;
}

static void
add_many(struct keylist *l, unsigned n)
{
	char id[16];
	unsigned i;

	for (i = 0; i < n; i++) {
		snprintf(id, sizeof(id), "user%u", i);
		assert_int_equal(list_add(l, id, list_line(i), ""), 0);
	}
}

static void
each_key_is_found_with_the_line_that_the_file_has(void **state)
{
	static const unsigned counts[] = { 0, 1, 2, 3, 64, 2000 };
	struct keylist l = { 0 };
	struct authindex x;
	const char *line;
	struct buf file, want;
	size_t i, j, len;

	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		add_many(&l, counts[i]);
		file = index_of(&l);
		assert_int_equal(authindex_parse(file.data, file.len, &x, &e),
		    0);
		assert_int_equal(x.count, counts[i]);
		assert_int_equal(x.sequence, 42);
		if (authindex_verify(&x, &e) == -1)
			fail_msg("%s", e.msg);
		for (j = 0; j < l.n; j++) {
			buf_init(&want, 4096);
			assert_int_equal(authgen_line(PROXY, &l.v[j], &want,
			    &e), 0);
			assert_int_equal(authindex_find(&x, l.v[j].fp, &line,
			    &len, &e), 0);
			assert_non_null(line);
			assert_int_equal(len, want.len);
			assert_memory_equal(line, want.data, len);
			buf_clear(&want);
		}
		buf_clear(&file);
		keylist_clear(&l);
	}
}

static void
a_key_that_is_not_in_it_is_not_found(void **state)
{
	unsigned char fp[KEYLINE_FP];
	struct keylist l = { 0 };
	struct authindex x;
	const char *line;
	struct buf file;
	size_t i, len;

	add_many(&l, 9);
	file = index_of(&l);
	assert_int_equal(authindex_parse(file.data, file.len, &x, &e), 0);
	for (i = 0; i < 20; i++) {
		memset(fp, i < 18 ? (int)(i * 15) : i == 18 ? 0 : 255,
		    sizeof(fp));
		if (i < 9) {		/* next to one that is there */
			memcpy(fp, l.v[i].fp, sizeof(fp));
			fp[31] ^= 1;
		}
		line = "";
		assert_int_equal(authindex_find(&x, fp, &line, &len, &e), 0);
		assert_null(line);
		assert_int_equal(len, 0);
	}
	buf_clear(&file);
	keylist_clear(&l);
}

/* A copy of exactly len bytes, so that a sanitizer sees each read past it. */
static void
sees(const unsigned char *p, size_t len, const struct keylist *l)
{
	unsigned char *copy = malloc(len > 0 ? len : 1);
	struct authindex x;
	const char *line;
	size_t i, n;

	assert_non_null(copy);
	memcpy(copy, p, len);
	e = (struct err)ERR_INIT;
	if (authindex_parse(copy, len, &x, &e) == 0) {
		assert_int_equal(authindex_verify(&x, &e), -1);
		assert_err(&e, ERR_CONFIG, "is damaged: ");
		for (i = 0; i < l->n; i++) {
			if (authindex_find(&x, l->v[i].fp, &line, &n, &e) ==
			    -1)
				assert_err(&e, ERR_CONFIG, "is damaged: ");
			else if (line != NULL)
				assert_true(line >= (char *)copy && line + n <=
				    (char *)copy + len);
		}
	} else {
		assert_err(&e, ERR_CONFIG, "is damaged: ");
	}
	free(copy);
}

static void
a_file_that_is_cut_or_changed_anywhere_is_found_out(void **state)
{
	struct keylist l = { 0 };
	struct buf file;
	size_t i;

	add_many(&l, 3);
	file = index_of(&l);
	for (i = 0; i < file.len; i++)
		sees((unsigned char *)file.data, i, &l);
	for (i = 0; i < file.len * 8; i++) {
		file.data[i / 8] = (char)(file.data[i / 8] ^ 1 << i % 8);
		sees((unsigned char *)file.data, file.len, &l);
		file.data[i / 8] = (char)(file.data[i / 8] ^ 1 << i % 8);
	}
	assert_int_equal(buf_addc(&file, 'x'), 0);
	sees((unsigned char *)file.data, file.len, &l);
	buf_clear(&file);
	keylist_clear(&l);
}

static void
set32(struct buf *file, size_t at, uint32_t v)
{
	size_t i;

	for (i = 0; i < 4; i++)
		file->data[at + i] = (char)(v >> 8 * i);
}

/* Who writes the file can write its hash as well: the rest holds alone. */
static void
no_offset_leads_out_and_no_line_to_another_key(void **state)
{
	static const struct { size_t at; uint32_t v; const char *why; } t[] = {
		{ HEAD + 32, 0xffffffff, "beyond its end" },
		{ HEAD + 36, 0xffffffff, "beyond its end" },
		{ HEAD + 36, 0, "a line that is none" },
		{ HEAD + 32, 1, "a line that is none" },
		{ HEAD + ENTRY + 36, 16385, "beyond its end" },
		{ HEAD + 36, 16000, "beyond its end" },
	};
	struct keylist l = { 0 };
	const struct keylist_key **v;
	struct authindex x;
	const char *line;
	struct buf file;
	size_t i, len;

	add_many(&l, 2);
	v = keylist_sorted(&l);
	assert_non_null(v);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		file = index_of(&l);
		set32(&file, t[i].at, t[i].v);
		assert_int_equal(authindex_parse(file.data, file.len, &x, &e),
		    0);
		line = "untouched";
		assert_int_equal(authindex_find(&x, v[t[i].at >= HEAD + ENTRY]
		    ->fp, &line, &len, &e), -1);
		assert_err(&e, ERR_CONFIG, t[i].why);
		assert_string_equal(line, "untouched");
		buf_clear(&file);
	}
	/* The first entry has the second's line. */
	file = index_of(&l);
	memcpy(file.data + HEAD + 32, file.data + HEAD + ENTRY + 32, 8);
	assert_int_equal(authindex_parse(file.data, file.len, &x, &e), 0);
	assert_int_equal(authindex_find(&x, v[0]->fp, &line, &len, &e), -1);
	assert_err(&e, ERR_CONFIG, "another key's");
	buf_clear(&file);
	free(v);
	keylist_clear(&l);
}

/* With a hash that is right again. */
static void
verify_says(struct buf *file, const char *why)
{
	crypto_hash_sha256_state sum;
	struct authindex x;

	crypto_hash_sha256_init(&sum);
	crypto_hash_sha256_update(&sum, (unsigned char *)file->data, 32);
	crypto_hash_sha256_update(&sum, (unsigned char *)file->data + HEAD,
	    file->len - HEAD);
	crypto_hash_sha256_final(&sum, (unsigned char *)file->data + 32);
	assert_int_equal(authindex_parse(file->data, file->len, &x, &e), 0);
	assert_int_equal(authindex_verify(&x, &e), why != NULL ? -1 : 0);
	if (why != NULL)
		assert_err(&e, ERR_CONFIG, why);
}

static void
a_right_hash_does_not_make_an_index_right(void **state)
{
	struct keylist l = { 0 };
	char row[ENTRY], *first;
	struct buf file, more;

	add_many(&l, 2);
	file = index_of(&l);
	verify_says(&file, NULL);
	first = file.data + HEAD;
	memcpy(row, first, ENTRY);
	memcpy(first, first + ENTRY, ENTRY);
	memcpy(first + ENTRY, row, ENTRY);
	verify_says(&file, "not one behind the other");
	/* One key twice, with one line. */
	memcpy(first, row, ENTRY);
	memcpy(first + ENTRY, row, ENTRY);
	verify_says(&file, "not sorted");
	buf_clear(&file);

	file = index_of(&l);
	assert_int_equal(buf_adds(&file, "# more\n"), 0);
	set32(&file, 16, (uint32_t)file.len);
	verify_says(&file, "text that no entry has");
	buf_clear(&file);
	/* The same within: a line that no entry has in front of the text. */
	file = index_of(&l);
	buf_init(&more, file.max);
	assert_int_equal(buf_add(&more, file.data, HEAD + 2 * ENTRY), 0);
	assert_int_equal(buf_adds(&more, "\n"), 0);
	assert_int_equal(buf_add(&more, file.data + HEAD + 2 * ENTRY,
	    file.len - HEAD - 2 * ENTRY), 0);
	set32(&more, 16, (uint32_t)more.len);
	set32(&more, HEAD + 32, 1);
	memcpy(row, more.data + HEAD + 36, 4);
	set32(&more, HEAD + ENTRY + 32, (uint32_t)(unsigned char)row[0] + 2);
	verify_says(&more, "not one behind the other");
	buf_clear(&more);
	buf_clear(&file);
	keylist_clear(&l);
}

static void
a_header_is_looked_at_before_what_it_says_is_used(void **state)
{
	struct keylist l = { 0 };
	struct authindex x;
	struct buf file;

	add_many(&l, 2);
	file = index_of(&l);
	set32(&file, 12, 0xffffffff);
	assert_int_equal(authindex_parse(file.data, file.len, &x, &e), -1);
	assert_err(&e, ERR_CONFIG, "cut off");
	set32(&file, 12, (uint32_t)((file.len - HEAD) / ENTRY) + 1);
	assert_int_equal(authindex_parse(file.data, file.len, &x, &e), -1);
	set32(&file, 12, 2);
	set32(&file, 8, 2);
	assert_int_equal(authindex_parse(file.data, file.len, &x, &e), -1);
	assert_err(&e, ERR_CONFIG, "another version");
	set32(&file, 8, 1);
	set32(&file, 20, 1);		/* 4 GiB longer */
	assert_int_equal(authindex_parse(file.data, file.len, &x, &e), -1);
	assert_err(&e, ERR_CONFIG, "as long as it says");
	assert_int_equal(authindex_parse("", 0, &x, &e), -1);
	assert_err(&e, ERR_CONFIG, "shorter than its header");
	file.data[0] = 'p';
	assert_int_equal(authindex_parse(file.data, file.len, &x, &e), -1);
	assert_err(&e, ERR_CONFIG, "does not begin");
	buf_clear(&file);
	keylist_clear(&l);
}

static void
what_can_not_be_an_index_is_not_written(void **state)
{
	struct keylist l = { 0 };
	struct buf out;

	buf_init(&out, 200);
	assert_int_equal(list_add(&l, "a", LINE(ED), "a.pub"), 0);
	assert_int_equal(authindex_emit(PROXY, 1, &l, &out, &e), -1);
	assert_int_equal(e.code, ERR_MEM);
	assert_int_equal(out.len, 0);
	assert_int_equal(list_add(&l, "b", LINE(ED), "b.pub"), 0);
	assert_int_equal(authindex_emit(PROXY, 1, &l, &out, &e), -1);
	assert_err(&e, ERR_CONFIG, "b.pub: the same key as a.pub");
	keylist_clear(&l);
	assert_int_equal(list_add(&l, "-a", LINE(ED), "a.pub"), 0);
	assert_int_equal(authindex_emit(PROXY, 1, &l, &out, &e), -1);
	assert_err(&e, ERR_CONFIG, "a.pub: '-a' is no key id");
	keylist_clear(&l);
	buf_clear(&out);
}

static void
out_of_memory_is_an_error_wherever_it_happens(void **state)
{
	struct keylist l = { 0 };
	unsigned long n;
	struct buf out;
	int rc;

	add_many(&l, 2);
	for (n = 1;; n++) {
		buf_init(&out, 4096);
		failmalloc_arm(n);
		rc = authindex_emit(PROXY, 1, &l, &out, &e);
		if (!failmalloc_disarm())
			break;
		assert_int_equal(rc, -1);
		assert_int_equal(e.code, ERR_MEM);
		assert_int_equal(out.len, 0);
		buf_clear(&out);
	}
	assert_int_equal(rc, 0);
	assert_true(n > 5);
	buf_clear(&out);
	keylist_clear(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    each_key_is_found_with_the_line_that_the_file_has),
		cmocka_unit_test(a_key_that_is_not_in_it_is_not_found),
		cmocka_unit_test(
		    a_file_that_is_cut_or_changed_anywhere_is_found_out),
		cmocka_unit_test(
		    no_offset_leads_out_and_no_line_to_another_key),
		cmocka_unit_test(a_right_hash_does_not_make_an_index_right),
		cmocka_unit_test(
		    a_header_is_looked_at_before_what_it_says_is_used),
		cmocka_unit_test(what_can_not_be_an_index_is_not_written),
		cmocka_unit_test(
		    out_of_memory_is_an_error_wherever_it_happens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
