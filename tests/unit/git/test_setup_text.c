/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "setup_text.h"

#define MINE	"# postern git: begin, of postern git setup-server\n" \
	"$RC{LOCAL_CODE} = \"/l\";\n" \
	"push @{ $RC{POST_COMPILE} }, 'push-authkeys';\n" \
	"# postern git: end\n"

static void
our_lines_stand_before_the_last_true_once(void **state)
{
	static const struct { const char *in, *out; } t[] = {
		{ "%RC = (\n);\n\n1;\n", "%RC = (\n);\n\n" MINE "1;\n" },
		{ "1;\n%RC = ();\n 1;\n# x\n", "1;\n%RC = ();\n" MINE
		    " 1;\n# x\n" },
		{ "%RC = ();\n", "%RC = ();\n" MINE "1;\n" },
		{ "%RC = ();", "%RC = ();\n" MINE "1;\n" },
		{ "", MINE "1;\n" },
		{ "# LOCAL_CODE => 1\n1;\n", "# LOCAL_CODE => 1\n" MINE
		    "1;\n" },
		{ MINE "1;\n", MINE "1;\n" },
		{ "# postern git: begin\nold\n# postern git: end\n1;", MINE
		    "1;" },
	};
	struct err e = ERR_INIT;
	struct buf b, twice;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		buf_init(&b, 4096);
		buf_init(&twice, 4096);
		assert_int_equal(setup_text_rc(t[i].in, strlen(t[i].in), "/l",
		    &b, &e), 0);
		assert_string_equal(b.data, t[i].out);
		assert_int_equal(setup_text_rc(b.data, b.len, "/l", &twice,
		    &e), 0);
		assert_string_equal(twice.data, b.data);
		buf_clear(&b);
		buf_clear(&twice);
	}
}

static void
settings_that_are_somebodys_own_are_left_alone(void **state)
{
	static const struct { const char *in; enum err_code code;
		const char *why; } t[] = {
		{ "\n  LOCAL_CODE => 1,\n", ERR_REFUSED, "line 2 sets LOCAL" },
		{ "POST_COMPILE => ['push-authkeys'],\n", ERR_REFUSED,
		    "line 1 sets push-authkeys" },
		{ "# postern git: begin\n1;\n", ERR_CONFIG, "without" },
		{ "# postern git: end\n1;\n", ERR_CONFIG, "pairs" },
		{ "# postern git: begin\n# postern git: begin\n"
		    "# postern git: end\n", ERR_CONFIG, "pairs" },
	};
	struct err e = ERR_INIT;
	struct buf b;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		buf_init(&b, 4096);
		assert_int_equal(setup_text_rc(t[i].in, strlen(t[i].in), "/l",
		    &b, &e), -1);
		assert_int_equal(e.code, t[i].code);
		assert_non_null(strstr(e.msg, t[i].why));
		buf_clear(&b);
	}
}

static void
a_host_is_pinned_once_and_never_over_another(void **state)
{
	static const struct { const char *in, *dest; int rc;
		const char *out; } t[] = {
		{ "", "git@gl", 0, "gl K A\n" },
		{ "x K B", "gl", 0, "x K B\ngl K A\n" },
		{ "gl K A\n", "git@gl", 1, "gl K A\n" },
		{ "gl K A", "git@gl", 1, "gl K A" },
		{ "gl K AB\n", "git@gl", -1, NULL },
		{ "gl Q A\n", "git@gl", -1, NULL },
		{ "gl K A\ngl K B\n", "git@gl", -1, NULL },
		{ "glx K B\n", "gl", 0, "glx K B\ngl K A\n" },
		{ "", "ssh://git@gl:222", 0, "[gl]:222 K A\n" },
		{ "", "ssh://git@gl:22", 0, "gl K A\n" },
		{ "", "ssh://gl", 0, "gl K A\n" },
		{ "", "ssh://git@[fe80::1]:222", 0, "[fe80::1]:222 K A\n" },
		{ "", "ssh://git@[fe80::1]", 0, "fe80::1 K A\n" },
		{ "gl K B\n", "ssh://git@gl:222", 0,
		    "gl K B\n[gl]:222 K A\n" },
	};
	struct err e;
	struct buf b;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		e = (struct err)ERR_INIT;
		buf_init(&b, 4096);
		assert_int_equal(setup_text_hosts(t[i].in, strlen(t[i].in),
		    t[i].dest, "K A", &b, &e), t[i].rc);
		if (t[i].rc == -1)
			assert_int_equal(e.code, ERR_UNSAFE);
		else
			assert_string_equal(b.data, t[i].out);
		buf_clear(&b);
	}
}

static void
the_user_of_a_destination(void **state)
{
	static const struct { const char *dest, *user; } t[] = {
		{ "gl", "git" }, { "git@gl", "git" }, { "g3@gl", "g3" },
		{ "ssh://gl", "git" }, { "ssh://g3@gl:22", "g3" },
		{ "ssh://g3@[::1]:22", "g3" },
	};
	struct err e = ERR_INIT;
	struct buf b;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		buf_init(&b, 64);
		assert_int_equal(setup_text_user(t[i].dest, &b, &e), 0);
		assert_string_equal(b.data, t[i].user);
		buf_clear(&b);
	}
}

static void
a_key_that_may_be_repeated_gets_one_more_line(void **state)
{
	static const struct { const char *in, *out; } t[] = {
		{ "", "[server]\ndeny-id = x\n" },
		{ "[server]\ndeny-id = a\nlfs = no\n\n[gateway]\nmux = 1\n",
		    "[server]\ndeny-id = a\nlfs = no\ndeny-id = x\n\n"
		    "[gateway]\nmux = 1\n" },
		{ "[server]\ndeny-id = a", "[server]\ndeny-id = a\n"
		    "deny-id = x\n" },
	};
	struct err e = ERR_INIT;
	struct buf b;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		buf_init(&b, 4096);
		assert_int_equal(setup_text_conf_add(t[i].in,
		    strlen(t[i].in), "server", "deny-id", "x", &b, &e), 0);
		assert_string_equal(b.data, t[i].out);
		buf_clear(&b);
	}
}

static void
a_line_is_held_to_a_command_by_an_option_of_its_own(void **state)
{
	static const struct { const char *options; bool forced; } t[] = {
		{ "", false }, { "command=\"x\"", true },
		{ "Command=\"\"", true }, { "command=", false },
		{ "no-pty,command=\"x y,z\",no-x", true },
		{ "no-command=\"x\"", false }, { "xcommand=\"x\"", false },
		{ "from=\"command=\\\"x\\\"\"", false },
		{ "environment=\"A=,command=\\\"x\"", false },
		{ "from=\",command=\"", false },
		{ "from=\"a,b\",restrict,COMMAND=\"x\"", true },
	};
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		assert_int_equal(setup_text_forced(t[i].options,
		    strlen(t[i].options)), t[i].forced);
}

static void
a_key_of_git_conf_is_put_where_it_belongs(void **state)
{
	static const struct { const char *in, *out, *was; } t[] = {
		{ "", "[gateway]\nlookup = index\n", NULL },
		{ "# x", "# x\n\n[gateway]\nlookup = index\n", NULL },
		{ "[gateway]\nlookup = file\n", "[gateway]\nlookup = "
		    "index\n", "file" },
		{ "[gateway]\nlookup=file \nmux = 1", "[gateway]\nlookup = "
		    "index\nmux = 1", "file" },
		{ "[gateway]\nmux = 1\n\n[server]\nlfs = no\n",
		    "[gateway]\nmux = 1\nlookup = index\n\n[server]\n"
		    "lfs = no\n", NULL },
		{ "[server]\nlookup = file\n", "[server]\nlookup = file\n"
		    "\n[gateway]\nlookup = index\n", NULL },
		{ "[gateway]\n[server]\nx = 1\n[gateway] \ny = 2",
		    "[gateway]\n[server]\nx = 1\n[gateway] \ny = 2\n"
		    "lookup = index\n", NULL },
		{ "[gateway]\n#lookup = file\nlookups = 1\n", "[gateway]\n"
		    "#lookup = file\nlookups = 1\nlookup = index\n", NULL },
		{ "[gateway]\nlookup", "[gateway]\nlookup\nlookup = "
		    "index\n", NULL },
		{ "[gateway]\nlookup =\n", "[gateway]\nlookup = index\n",
		    "" },
		{ "[gateway]\nlookup \t= a b \n", "[gateway]\nlookup = "
		    "index\n", "a b" },
		{ "[gateways]\nlookup = file\n[]\n", "[gateways]\nlookup "
		    "= file\n[]\n\n[gateway]\nlookup = index\n", NULL },
	};
	struct err e = ERR_INIT;
	struct buf b, was;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		buf_init(&b, 4096);
		buf_init(&was, 4096);
		assert_int_equal(setup_text_conf_get(t[i].in,
		    strlen(t[i].in), "gateway", "lookup", &was),
		    t[i].was != NULL);
		assert_string_equal(was.data, t[i].was != NULL ? t[i].was :
		    "");
		assert_int_equal(setup_text_conf(t[i].in, strlen(t[i].in),
		    "gateway", "lookup", "index", &b, &e), 0);
		assert_string_equal(b.data, t[i].out);
		buf_clear(&b);
		buf_clear(&was);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_lines_stand_before_the_last_true_once),
		cmocka_unit_test(
		    settings_that_are_somebodys_own_are_left_alone),
		cmocka_unit_test(a_host_is_pinned_once_and_never_over_another),
		cmocka_unit_test(a_key_of_git_conf_is_put_where_it_belongs),
		cmocka_unit_test(the_user_of_a_destination),
		cmocka_unit_test(
		    a_key_that_may_be_repeated_gets_one_more_line),
		cmocka_unit_test(
		    a_line_is_held_to_a_command_by_an_option_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
