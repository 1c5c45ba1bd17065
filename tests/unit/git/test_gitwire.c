/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "failmalloc.h"
#include "gitwire.h"

#define FP	"SHA256:p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUfQM"
#define SID	"0123456789abcdef"
#define X16	"xxxxxxxxxxxxxxxx"
#define X64	X16 X16 X16 X16
#define HEAD	"v1 id=alice ip=192.0.2.1 fp=" FP " sid=" SID
#define TAIL	" gitproto=version=2 -- git-upload-pack 'r'"

static int
parse(const char *line, struct gitwire *w, struct err *e)
{
	memset(w, 0, sizeof(*w));
	*e = (struct err)ERR_INIT;
	return gitwire_parse(line, strlen(line), w, e);
}

static void
a_line_is_read_and_written_the_same(void **state)
{
	static const char *const t[] = {
		HEAD TAIL, HEAD " -- info",
		HEAD " gitproto=version=0 -- help",
		"v1 id=a@b.com ip=2001:db8::1 fp=- sid=" SID " -- info",
		"v1 id=a ip=fe80::1%eth0 fp=- sid=" SID " -- info",
		"v1 id=a ip=::ffff:192.0.2.1 fp=- sid=" SID " -- info",
		"v1 id=a ip=- fp=- sid=" SID " -- desc r -- v1 id=b",
	};
	struct gitwire w;
	struct buf out;
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (parse(t[i], &w, &e) == -1)
			fail_msg("%s: %s", t[i], e.msg);
		buf_init(&out, GITWIRE_MAX);
		if (gitwire_emit(&w, &out, &e) == -1)
			fail_msg("%s: %s", t[i], e.msg);
		assert_string_equal(out.data, t[i]);
		buf_clear(&out);
	}
	assert_int_equal(parse(HEAD TAIL, &w, &e), 0);
	assert_string_equal(w.id, "alice");
	assert_string_equal(w.ip, "192.0.2.1");
	assert_string_equal(w.fp, FP);
	assert_string_equal(w.sid, SID);
	assert_string_equal(w.gitproto, "version=2");
	assert_int_equal(w.command_len, strlen("git-upload-pack 'r'"));
	assert_memory_equal(w.command, "git-upload-pack 'r'", w.command_len);
}

static void
every_other_line_is_refused_with_its_reason(void **state)
{
	static const struct { const char *line, *why; } t[] = {
		{ "", "does not begin with v1" },
		{ "v1", "does not begin with v1" },
		{ "v2 id=a", "another version" },
		{ "git-upload-pack 'r'", "does not begin with v1" },
		{ "v1 ", "no id where" }, { " " HEAD TAIL, "begin with v1" },
		{ "v1  id=a", "no id where" },
		{ "v1 ip=192.0.2.1 id=a", "no id where" },
		{ "v1 id=a", "id in the gateway's line is cut" },
		{ "v1 id= ip=-", "id in the gateway's line is none" },
		{ "v1 id=-x ip=-", "id in the gateway's line is none" },
		{ "v1 id=--auth-update ip=-", "is none" },
		{ "v1 id=a/b ip=-", "is none" },
		{ "v1 id=a$(id) ip=-", "is none" },
		{ "v1 id=a id=b ip=-", "no ip where" },
		{ "v1 id=" X64 "x ip=-", "id in the gateway's line is cut" },
		{ HEAD "0 -- x", "sid in the gateway's line is cut" },
		{ HEAD " gitproto=version=2version -- x", "gitproto in the "
		    "gateway's line is cut" },
		{ "v1 id=a ip=1.2.3 fp=-", "ip in the gateway's line is" },
		{ "v1 id=a ip=1.2.3.4.5 fp=-", "ip in" },
		{ "v1 id=a ip=01.2.3.4 fp=-", "ip in" },
		{ "v1 id=a ip=1.2.3.4%eth0 fp=-", "ip in" },
		{ "v1 id=a ip=fe80::1% fp=-", "ip in" },
		{ "v1 id=a ip=fe80::1%a/b fp=-", "ip in" },
		{ "v1 id=a ip=fe80::1%aaaaaaaaaaaaaaaa fp=-", "ip in" },
		{ "v1 id=a ip=gw.example fp=-", "ip in" },
		{ "v1 id=a ip= fp=-", "ip in" },
		{ "v1 id=a ip=- fp=MD5:00 sid=" SID, "fp in" },
		{ "v1 id=a ip=- fp=SHA256: sid=" SID, "fp in" },
		{ "v1 id=a ip=- fp=" FP "= sid=" SID, "fp in" },
		{ "v1 id=a ip=- fp=- sid=0123456789abcde -- x", "sid in" },
		{ "v1 id=a ip=- fp=- sid=0123456789ABCDEF -- x", "sid in" },
		{ "v1 id=a ip=- fp=- sid=" SID "0 -- x", "sid in" },
		{ HEAD, "sid in the gateway's line is cut" },
		{ HEAD " ", "where its --" },
		{ HEAD " gitproto= -- x", "gitproto in" },
		{ HEAD " gitproto=version=3 -- x", "gitproto in" },
		{ HEAD " gitproto=version=2:$(id) -- x", "gitproto in" },
		{ HEAD " gitproto=version=1:version=2 -- x", "gitproto in" },
		{ HEAD " gitproto=version=2 gitproto=version=2 -- x",
		    "where its --" },
		{ HEAD " sid=" SID " -- x", "where its --" },
		{ HEAD " x=1 -- x", "where its --" },
		{ HEAD "  -- x", "where its --" },
		{ HEAD " --", "where its --" }, { HEAD " -- ", "no command" },
		{ HEAD " --  x", "no command" }, { HEAD " -- x ", "no comm" },
		{ HEAD " - x", "where its --" },
		{ HEAD " -- x\nid", "not printable (0x0a)" },
		{ HEAD " -- \xc3\xa9", "not printable (0xc3)" },
		{ HEAD "\t-- x", "not printable (0x09)" },
		{ HEAD " -- x\x7f", "not printable (0x7f)" },
	};
	struct gitwire w;
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (parse(t[i].line, &w, &e) != -1)
			fail_msg("taken: %s", t[i].line);
		assert_err(&e, ERR_PEER, t[i].why);
		assert_null(w.command);
	}
	assert_int_equal(gitwire_parse(HEAD " -- x\0y", strlen(HEAD) + 7, &w,
	    &e), -1);
	assert_err(&e, ERR_PEER, "(0x00)");
}

static void
nothing_longer_than_a_line_goes_or_comes(void **state)
{
	static char line[GITWIRE_MAX + 2];
	struct gitwire w;
	struct buf out;
	struct err e;

	memset(line, 'a', GITWIRE_MAX + 1);
	memcpy(line, HEAD " -- ", strlen(HEAD " -- "));
	assert_int_equal(parse(line, &w, &e), -1);
	assert_err(&e, ERR_PEER, "longer than 4096");
	line[GITWIRE_MAX] = '\0';
	assert_int_equal(parse(line, &w, &e), 0);
	buf_init(&out, 2 * GITWIRE_MAX);
	assert_int_equal(gitwire_emit(&w, &out, &e), 0);
	assert_int_equal(out.len, GITWIRE_MAX);
	line[GITWIRE_MAX] = 'a';
	w.command_len++;
	buf_clear(&out);
	assert_int_equal(gitwire_emit(&w, &out, &e), -1);
	assert_err(&e, ERR_MEM, "too long for the wire");
	assert_int_equal(out.len, 0);
	buf_clear(&out);
}

static void
no_field_that_would_not_be_read_is_written(void **state)
{
	static const struct { size_t at; const char *value, *why; } t[] = {
		{ offsetof(struct gitwire, id), "-a", "id is not" },
		{ offsetof(struct gitwire, id), "a b", "id is not" },
		{ offsetof(struct gitwire, id), "", "id is not" },
		{ offsetof(struct gitwire, ip), "UNKNOWN", "ip is not" },
		{ offsetof(struct gitwire, ip), "", "ip is not" },
		{ offsetof(struct gitwire, fp), "x", "fp is not" },
		{ offsetof(struct gitwire, sid), "x", "sid is not" },
		{ offsetof(struct gitwire, gitproto), "version=9", "gitp" },
	};
	struct gitwire w, odd;
	struct buf out;
	struct err e;
	size_t i;

	buf_init(&out, GITWIRE_MAX);
	assert_int_equal(parse(HEAD TAIL, &w, &e), 0);
	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		odd = w;
		memcpy((char *)&odd + t[i].at, t[i].value,
		    strlen(t[i].value) + 1);
		assert_int_equal(gitwire_emit(&odd, &out, &e), -1);
		assert_err(&e, ERR_CONFIG, t[i].why);
	}
	odd = w;
	memset(odd.id, 'a', sizeof(odd.id));	/* without an end */
	assert_int_equal(gitwire_emit(&odd, &out, &e), -1);
	assert_err(&e, ERR_CONFIG, "id is not");
	odd = w;
	odd.command = "x\n";
	odd.command_len = 2;
	assert_int_equal(gitwire_emit(&odd, &out, &e), -1);
	assert_err(&e, ERR_CONFIG, "the command is not");
	odd.command_len = 0;
	assert_int_equal(gitwire_emit(&odd, &out, &e), -1);
	assert_int_equal(out.len, 0);
	failmalloc_arm(1);
	assert_int_equal(gitwire_emit(&w, &out, &e), -1);
	assert_true(failmalloc_disarm());
	assert_int_equal(e.code, ERR_MEM);
	assert_int_equal(out.len, 0);
	buf_clear(&out);
}

static void
the_clients_address_is_taken_from_its_connection(void **state)
{
	static const struct { const char *connection, *ip; } t[] = {
		{ "192.0.2.1 5022 192.0.2.2 22", "192.0.2.1" },
		{ "2001:db8::1 5022 2001:db8::2 22", "2001:db8::1" },
		{ "fe80::1%eth0 1 fe80::2%eth0 22", "fe80::1%eth0" },
		{ "UNKNOWN 65535 UNKNOWN 65535", "-" }, { NULL, "-" },
		{ "", "-" }, { " ", "-" }, { "gw.example 1 2 3", "-" },
		{ "0000000000000000000000000000000000000000000000000000000000"
		    "0000000000001 1", "-" },
	};
	struct gitwire w;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		memset(&w, 'x', sizeof(w));
		gitwire_client(&w, t[i].connection);
		assert_string_equal(w.ip, t[i].ip);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_read_and_written_the_same),
		cmocka_unit_test(every_other_line_is_refused_with_its_reason),
		cmocka_unit_test(nothing_longer_than_a_line_goes_or_comes),
		cmocka_unit_test(
		    the_clients_address_is_taken_from_its_connection),
		cmocka_unit_test(no_field_that_would_not_be_read_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
