/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "expand.h"
#include "failmalloc.h"
#include "grants.h"
#include "rules.h"

/* What the fake machine has: a folder's entries by kind: d f l c. */
static const struct { const char *folder, *name; char kind; } machine[] = {
	{ "/", "bin", 'l' }, { "/", "dev", 'd' }, { "/", "etc", 'd' },
	{ "/", "home", 'd' }, { "/", "proc", 'd' }, { "/", "run", 'd' },
	{ "/", "sys", 'd' }, { "/", "swapfile", 'f' }, { "/", "var", 'd' },
	{ "/", "initctl", 'c' },
	{ "/home", "ann", 'd' }, { "/home", "bob", 'd' },
	{ "/home", "my dir", 'd' }, { "/home", "\xff", 'd' },
	{ "/home/ann", ".cache", 'd' }, { "/home/ann", "mail", 'd' },
	{ "/home/ann", "note", 'f' }, { "/home/ann", "sock", 'c' },
	{ "/var", "run", 'l' }, { "/var", "lib", 'd' },
	{ "/run", "user", 'd' },
};

struct fake {
	size_t calls;
	const char *fail_at;
	struct buf got;			/* '|' between */
};

static int
fake_list(void *arg, const char *path, expand_entry_fn *entry, void *ctx,
    struct err *e)
{
	struct fake *f = arg;
	enum expand_kind kind;
	size_t i;

	f->calls++;
	if (f->fail_at != NULL && strcmp(path, f->fail_at) == 0)
		return err_set(e, ERR_SYS, "%s: no luck", path);
	for (i = 0; i < sizeof(machine) / sizeof(machine[0]); i++) {
		if (strcmp(machine[i].folder, path) != 0)
			continue;
		kind = machine[i].kind == 'd' ? EXPAND_FOLDER :
		    machine[i].kind == 'f' ? EXPAND_FILE : EXPAND_OTHER;
		if (entry(ctx, machine[i].name, kind, e) == -1)
			return -1;
	}
	return 0;
}


static int
fake_grant(void *arg, const char *path, struct err *e)
{
	struct fake *f = arg;

	if (f->fail_at != NULL && strcmp(path, f->fail_at) == 0)
		return err_set(e, ERR_SYS, "%s: no luck", path);
	return buf_addf(&f->got, "%s%s", f->got.len > 0 ? "|" : "", path);
}

/* A grants_fn. */
static int
take(void *arg, char letter, const char *path, struct err *e)
{
	return expand_add(arg, letter, path, e);
}

/* As the client asks for it, and the jail's program understands it. roots,
 * excludes: '|' between. */
static void
ask(struct expand *x, const char *roots, const char *excludes)
{
	struct strv r = { 0 }, ex = { 0 };
	const struct rules rules = { &r, &ex };
	char copy[512], *s, *word;
	struct err e = ERR_INIT;
	struct buf text;

	snprintf(copy, sizeof(copy), "%s", roots);
	for (s = copy; (word = strsep(&s, "|")) != NULL;)
		assert_int_equal(strv_add(&r, word), 0);
	snprintf(copy, sizeof(copy), "%s", excludes);
	for (s = copy; *excludes != '\0' && (word = strsep(&s, "|")) != NULL;)
		assert_int_equal(strv_add(&ex, word), 0);
	buf_init(&text, 65536);
	if (rules_grants(&rules, false, &text, &e) == -1)
		fail_msg("%s: %s", roots, e.msg);
	assert_string_equal(text.data + text.len - 4, "l /\n");
	text.len -= 4;
	*x = (struct expand){ .roots = { 0 } };
	assert_int_equal(grants_parse(text.data, text.len, take, x, &e), 0);
	buf_clear(&text);
	strv_clear(&r);
	strv_clear(&ex);
}

static void
start(struct fake *f, struct expand_calls *c, const char *fail_at)
{
	*f = (struct fake){ .fail_at = fail_at };
	buf_init(&f->got, 65536);
	*c = (struct expand_calls){ fake_list, fake_grant, f };
}

static void
the_kernel_grants_what_is_beside_the_excludes(void **state)
{
	static const struct {
		const char *roots, *excludes, *want;
		size_t calls;
	} t[] = {
		{ "/home", "", "/home", 0 },
		{ "/home", "*.o|/home/*/x|/home/a\\b|mail", "/home", 0 },
		{ "/home", "/srv/x|/homes|/hom", "/home", 0 },
		{ "/home", "/home/ann",
		    "/home/bob|/home/my dir|/home/\xff", 1 },
		{ "/home", "/home/my dir|/home/\xff",
		    "/home/ann|/home/bob", 1 },
		{ "/home", "/home/ann/.cache",
		    "/home/bob|/home/my dir|/home/\xff|"
		    "/home/ann/mail|/home/ann/note", 2 },
		/* What is not there hides nothing. */
		{ "/home/ann", "/home/ann/nix",
		    "/home/ann/.cache|/home/ann/mail|/home/ann/note", 1 },
		/* A '/' at the end: a folder only. */
		{ "/home/ann", "/home/ann/note/|/home/ann/mail/",
		    "/home/ann/.cache|/home/ann/note", 1 },
		{ "/", "", "/etc|/home|/swapfile|/var", 1 },
		{ "/|/run/user", "", "/etc|/home|/swapfile|/var|/run/user",
		    1 },
		{ "/|/run", "", "/etc|/home|/run|/swapfile|/var|/run", 1 },
		/* Never through a symlink. */
		{ "/", "/var/run/x", "/etc|/home|/swapfile|/var/lib", 2 },
		{ "/sys", "", "/sys", 0 },
		{ "/home/ann|/home/bob", "/home/ann/mail",
		    "/home/ann/.cache|/home/ann/note|/home/bob", 1 },
	};
	struct err e = ERR_INIT;
	struct expand_calls c;
	struct expand x;
	struct fake f;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		start(&f, &c, NULL);
		ask(&x, t[i].roots, t[i].excludes);
		if (expand_run(&x, &c, &e) == -1)
			fail_msg("%s: %s", t[i].roots, e.msg);
		assert_string_equal(f.got.data, t[i].want);
		assert_int_equal(f.calls, t[i].calls);
		buf_clear(&f.got);
		expand_clear(&x);
	}
}

/* The caller's own words, which no rules have made. */
static void
what_is_hidden_itself_is_never_granted(void **state)
{
	struct err e = ERR_INIT;
	struct expand x = { .roots = { 0 } };
	struct expand_calls c;
	struct fake f;

	start(&f, &c, NULL);
	assert_int_equal(expand_add(&x, 'r', "/home", &e), 0);
	assert_int_equal(expand_add(&x, 'x', "/home", &e), 0);
	assert_int_equal(expand_add(&x, 'r', "/var", &e), 0);
	assert_int_equal(expand_add(&x, 'd', "/var", &e), 0);
	assert_int_equal(expand_run(&x, &c, &e), 0);
	assert_string_equal(f.got.data, "");
	assert_int_equal(f.calls, 0);
	expand_clear(&x);
}

static void
a_call_that_fails_is_passed_on(void **state)
{
	struct err e = ERR_INIT;
	struct expand_calls c;
	struct expand x;
	struct fake f;

	ask(&x, "/home", "/home/ann/mail");
	start(&f, &c, "/home/ann");
	assert_int_equal(expand_run(&x, &c, &e), -1);
	assert_err(&e, ERR_SYS, "/home/ann: no luck");
	buf_clear(&f.got);
	start(&f, &c, "/home/bob");
	assert_int_equal(expand_run(&x, &c, &e), -1);
	assert_err(&e, ERR_SYS, "/home/bob: no luck");
	buf_clear(&f.got);
	expand_clear(&x);
}

static void
out_of_memory_is_an_error_wherever_it_happens(void **state)
{
	struct err e = ERR_INIT;
	struct expand_calls c;
	struct expand x;
	struct fake f;
	unsigned long n;
	int rc;

	ask(&x, "/home", "/home/ann/mail");
	for (n = 1;; n++) {
		start(&f, &c, NULL);
		/* Its own buffer is not what is tried here. */
		assert_int_equal(buf_adds(&f.got, "0"), 0);
		failmalloc_arm(n);
		rc = expand_run(&x, &c, &e);
		if (!failmalloc_disarm())
			break;
		assert_int_equal(rc, -1);
		buf_clear(&f.got);
	}
	assert_int_equal(rc, 0);
	assert_true(n > 1);
	buf_clear(&f.got);
	expand_clear(&x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    the_kernel_grants_what_is_beside_the_excludes),
		cmocka_unit_test(what_is_hidden_itself_is_never_granted),
		cmocka_unit_test(a_call_that_fails_is_passed_on),
		cmocka_unit_test(
		    out_of_memory_is_an_error_wherever_it_happens),
	};

	return cmocka_run_group_tests_name("expand", tests, NULL, NULL);
}
