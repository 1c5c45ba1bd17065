/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "cfg.h"

static const char text[] =
	"ignore uid mod; tempdir /t; lock-timeout 9; nossl a b;\n"
	"database d;\n"
	"group \"one more\" { host b a@x c; key sec.key; auto left;\n"
	"	include /x %p%/y \"/with space\"; exclude *~;\n"
	"	compare /c; compare /d;\n"
	"	backup-directory /b; backup-generations 4;\n"
	"	action { pattern /x; exec \"run %%\"; logfile /l; }\n"
	"	action { exec other; do-local; } }\n"
	"group two { host a b; key k; include \"on\";\n"
	"	action { logfile /l; do-local-only; } }\n"
	"prefix p { on a: /pa; on *: /pother/; }\n"
	"prefix unused { on *: /u; }\n";

static int
load(void *arg, const char *name, struct buf *out, struct err *e)
{
	(void)name;
	(void)e;
	return buf_adds(out, arg);
}

static struct cfg
parse(const char *s)
{
	struct cfg c = { 0 };
	struct err e = ERR_INIT;
	char *copy = strdup(s);

	assert_non_null(copy);
	if (cfg_parse("x", "a", load, copy, &c, &e) == -1)
		fail_msg("%s", e.msg);
	free(copy);
	return c;
}

static void
cfg_emit_pipe_writes_one_pair(void **state)
{
	struct cfg c = parse(text);
	const struct cfg_group *g[] = { &c.groups[0], &c.groups[1] };
	struct err e = ERR_INIT;
	struct buf b;

	(void)state;
	buf_init(&b, 10000);
	assert_int_equal(cfg_emit_pipe(&c, g, 2, "a", "b", &b, &e), 0);
	assert_string_equal(b.data,
		"nossl * *;\n"
		"ignore uid;\n"
		"ignore mod;\n"
		"tempdir \"/t\";\n"
		"lock-timeout \"9\";\n"
		"group \"one more\" {\n"
		"\thost (receiver@127.0.0.1);\n"
		"\thost 127.0.0.1;\n"
		"\tkey k0;\n"
		"\tinclude \"/x\" \"%p%/y\" \"/with space\";\n"
		"\texclude \"*~\";\n"
		"\tcompare \"/c\";\n"
		"\tcompare \"/d\";\n"
		"\tauto \"left\";\n"
		"\tbackup-directory \"/b\";\n"
		"\tbackup-generations \"4\";\n"
		"\taction {\n"
		"\t\tpattern \"/x\";\n"
		"\t\texec \"run %%\";\n"
		"\t\tlogfile \"/@POSTERN@/action0\";\n"
		"\t}\n"
		"\taction {\n"
		"\t\texec \"other\";\n"
		"\t\tlogfile \"/@POSTERN@/action1\";\n"
		"\t\tdo-local;\n"
		"\t}\n"
		"}\n"
		"group \"two\" {\n"
		"\thost 127.0.0.1;\n"
		"\thost (receiver@127.0.0.1);\n"
		"\tkey k1;\n"
		"\tinclude \"on\";\n"
		"\tauto \"none\";\n"
		"\taction {\n"
		"\t\tlogfile \"/@POSTERN@/action0\";\n"
		"\t\tdo-local-only;\n"
		"\t}\n"
		"}\n"
		"prefix \"p\" {\n"
		"\ton \"127.0.0.1\": \"/pa\";\n"
		"\ton \"receiver\": \"/pother\";\n"
		"}\n");
	buf_clear(&b);
	cfg_clear(&c);
}

static void
cfg_action_logs_names_each_log_once(void **state)
{
	struct cfg c = parse(text);
	const struct cfg_group *g[] = { &c.groups[0], &c.groups[1] };
	struct err e = ERR_INIT;
	struct strv v = { 0 };

	(void)state;
	assert_int_equal(cfg_action_logs(g, 2, &v, &e), 0);
	assert_int_equal(v.n, 2);
	assert_string_equal(v.v[0], "/l");
	assert_string_equal(v.v[1], "");
	strv_clear(&v);
	cfg_clear(&c);
}

static void
assert_refused(const char *s, const char *pusher,
	const char *receiver, const char *msg)
{
	struct cfg c = parse(s);
	const struct cfg_group *g[] = { &c.groups[0] };
	struct err e = ERR_INIT;
	struct buf b;

	buf_init(&b, 1000);
	assert_int_equal(cfg_emit_pipe(&c, g, 1, pusher, receiver, &b, &e),
		-1);
	assert_int_equal(e.code, ERR_CONFIG);
	assert_string_equal(e.msg, msg);
	buf_clear(&b);
	cfg_clear(&c);
}

static void
cfg_emit_pipe_refuses_what_it_cannot_say(void **state)
{
	static const char s[] = "group g { host a b 127.0.0.1; key k; }";

	(void)state;
	assert_refused(s, "a", "z", "x:1: host z is not in group 'g'");
	assert_refused(s, "z", "a", "x:1: host z is not in group 'g'");
	assert_refused(s, "a", "a", "a can't push to itself");
}

static void
cfg_emit_pipe_calls_every_receiver_by_one_name(void **state)
{
	struct cfg c = parse("group g { host a b*; key k; include %p%; }\n"
		"prefix p { on a: /a; on *: /b; }");
	const struct cfg_group *g[] = { &c.groups[0] };
	struct err e = ERR_INIT;
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	assert_int_equal(cfg_emit_pipe(&c, g, 1, "a", "b*", &b, &e), 0);
	assert_non_null(strstr(b.data, "on \"receiver\": \"/b\";"));
	buf_clear(&b);
	buf_init(&b, 100);
	assert_int_equal(cfg_emit_pipe(&c, g, 1, "a", "b*", &b, &e), -1);
	assert_int_equal(e.code, ERR_MEM);
	buf_clear(&b);
	cfg_clear(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cfg_emit_pipe_writes_one_pair),
		cmocka_unit_test(cfg_action_logs_names_each_log_once),
		cmocka_unit_test(cfg_emit_pipe_refuses_what_it_cannot_say),
		cmocka_unit_test(cfg_emit_pipe_calls_every_receiver_by_one_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
