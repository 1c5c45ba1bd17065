/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "keydir.h"
#include "keys.h"
#include "place.h"

/* What came of one folder. */
static struct keylist got;
static char bad[4096];		/* "FILE: WHY\n" each */
static struct err e;

static void
on_bad(void *arg, const char *file, const struct err *why)
{
	size_t n = strlen(bad);

	snprintf(bad + n, sizeof(bad) - n, "%s: %s\n", file, why->msg);
}

static int
look(const char *name, const struct strv *denied)
{
	keylist_clear(&got);
	bad[0] = '\0';
	e = (struct err)ERR_INIT;
	return keydir_read(at(name), denied, &got, on_bad, NULL, &e);
}

static void
folder(const char *name)
{
	assert_int_equal(mkdir(at(name), 0700), 0);
}

static void
keydir_gives_each_key_and_whose_it_is_in_the_order_of_bytes(void **state)
{
	folder("keydir");
	folder("keydir/a");
	folder("keydir/a/b");
	put("keydir/zoe.pub", LINE(ED) " comment\n");
	put("keydir/a/b/bob@home.pub", LINE(P256) "\n");
	put("keydir/Ann.pub", LINE(P384));
	put("keydir/a.pub", LINE(P521) "\r\n");
	put("keydir/README", "not a key\n");
	put("keydir/old.pub.bak", "not a key\n");
	assert_int_equal(look("keydir", NULL), 0);
	assert_string_equal(bad, "");
	assert_int_equal(got.n, 4);
	/* As LC_ALL=C sort: upper case first, '.' before '/'. */
	assert_string_equal(got.v[0].where, "keydir/Ann.pub");
	assert_string_equal(got.v[1].where, "keydir/a.pub");
	assert_string_equal(got.v[2].where, "keydir/a/b/bob@home.pub");
	assert_string_equal(got.v[2].id, "bob");
	assert_string_equal(got.v[2].blob, K_P256);
	assert_string_equal(got.v[3].id, "zoe");
}

static void
keydir_may_have_another_name_and_slashes_behind(void **state)
{
	folder("other");
	put("other/a.pub", LINE(ED));
	assert_int_equal(look("other//", NULL), 0);
	assert_int_equal(got.n, 1);
	assert_string_equal(got.v[0].where, "keydir/a.pub");
}

static void
keydir_tells_what_it_leaves_out_and_goes_on(void **state)
{
	folder("keydir");
	put("keydir/good.pub", LINE(ED));
	put("keydir/two.pub", LINE(P256) "\n" LINE(P384) "\n");
	put("keydir/empty.pub", "");
	put("keydir/priv.pub", "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n");
	put("keydir/opt.pub", "command=\"id\" " LINE(P256));
	put("keydir/server-2.pub", LINE(P256));
	put("keydir/postern-check.pub", LINE(P256));
	put("keydir/-oProxyCommand=id.pub", LINE(P256));
	put("keydir/--auth-update.pub", LINE(P256));
	put("keydir/ad min.pub", LINE(P256));
	put("keydir/l\xe4tin.pub", LINE(P256));
	put("keydir/n\nl.pub", LINE(P256));
	put("keydir/$(id).pub", LINE(P256));
	put_n("keydir/nul.pub", LINE(P256) "\0", strlen(LINE(P256)) + 1);
	assert_int_equal(symlink("good.pub", at("keydir/link.pub")), 0);
	assert_int_equal(mkfifo(at("keydir/fifo.pub"), 0600), 0);
	assert_int_equal(look("keydir", NULL), 0);
	assert_int_equal(got.n, 1);
	assert_string_equal(got.v[0].id, "good");
	assert_non_null(strstr(bad, "keydir/two.pub: "));
	assert_non_null(strstr(bad, "keydir/empty.pub: "));
	assert_non_null(strstr(bad, "keydir/priv.pub: "));
	assert_non_null(strstr(bad, "keydir/opt.pub: "));
	assert_non_null(strstr(bad, "keydir/server-2.pub: no gateway may "));
	assert_non_null(strstr(bad, "keydir/postern-check.pub: no gateway "));
	assert_non_null(strstr(bad, "keydir/-oProxyCommand=id.pub: "));
	assert_non_null(strstr(bad, "keydir/--auth-update.pub: "));
	assert_non_null(strstr(bad, "keydir/ad min.pub: "));
	assert_non_null(strstr(bad, "keydir/l\\xe4tin.pub: "));
	assert_non_null(strstr(bad, "keydir/n\\x0al.pub: "));
	assert_non_null(strstr(bad, "keydir/$(id).pub: "));
	assert_non_null(strstr(bad, "keydir/nul.pub: "));
	assert_non_null(strstr(bad, "keydir/link.pub: not a regular file"));
	assert_non_null(strstr(bad, "keydir/fifo.pub: not a regular file"));
}

static void
keydir_bounds_what_it_reads_of_a_file(void **state)
{
	size_t n = (size_t)1 << 20;
	char *big = malloc(n);

	memset(big, 'A', n);
	memcpy(big, T_ED " ", sizeof(T_ED));
	folder("keydir");
	put_n("keydir/big.pub", big, n);
	free(big);
	put("keydir/good.pub", LINE(ED));
	assert_int_equal(look("keydir", NULL), 0);
	assert_int_equal(got.n, 1);
	assert_non_null(strstr(bad, "keydir/big.pub: "));
}

static void
keydir_says_nothing_of_what_sskm_keeps_back(void **state)
{
	folder("keydir");
	put("keydir/zzz-marked-for-add-bob.pub", LINE(ED));
	put("keydir/zzz-marked-for-del-bob.pub", LINE(P256));
	assert_int_equal(look("keydir", NULL), 0);
	assert_int_equal(got.n, 0);
	assert_string_equal(bad, "");
}

static void
keydir_leaves_out_whom_its_caller_denies(void **state)
{
	struct strv denied = { 0 };

	assert_int_equal(strv_add(&denied, "adm*"), 0);
	folder("keydir");
	put("keydir/admin.pub", LINE(ED));
	put("keydir/bob.pub", LINE(P256));
	assert_int_equal(look("keydir", &denied), 0);
	assert_int_equal(got.n, 1);
	assert_string_equal(got.v[0].id, "bob");
	strv_clear(&denied);
}

static void
keydir_that_is_missing_or_no_folder_is_an_error(void **state)
{
	folder("real");
	put("file", LINE(ED));
	put("file.pub", LINE(ED));
	assert_int_equal(symlink("real", at("link")), 0);
	assert_int_equal(look("none", NULL), -1);
	assert_int_equal(e.code, ERR_SYS);
	assert_int_equal(look("file", NULL), -1);
	assert_int_equal(look("file.pub", NULL), -1);
	assert_int_equal(look("link", NULL), -1);
	assert_int_equal(got.n, 0);
}

static int
finish(void **state)
{
	keylist_clear(&got);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		in_place(
		    keydir_gives_each_key_and_whose_it_is_in_the_order_of_bytes),
		in_place(keydir_may_have_another_name_and_slashes_behind),
		in_place(keydir_tells_what_it_leaves_out_and_goes_on),
		in_place(keydir_bounds_what_it_reads_of_a_file),
		in_place(keydir_says_nothing_of_what_sskm_keeps_back),
		in_place(keydir_leaves_out_whom_its_caller_denies),
		in_place(keydir_that_is_missing_or_no_folder_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, finish);
}
