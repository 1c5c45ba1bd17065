/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "ssh/host.h"

static void
plain_destinations_and_urls_pass(void **state)
{
	static const char *const good[] = { "h", "host1.example.org",
		"root@host", "user@domain@host", "::1", "fe80::1%eth0",
		"alias_1", "a+b", "ssh://h", "ssh://u@h", "ssh://h:22",
		"ssh://u@h:65535", "ssh://[::1]", "ssh://u@[fe80::1%eth0]:1" };
	struct err e = ERR_INIT;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (host_check(good[i], &e) == -1)
			fail_msg("%s", e.msg);
}

static void
refuses(const char *dest, const char *why)
{
	struct err e = ERR_INIT;

	if (host_check(dest, &e) == 0)
		fail_msg("'%s' passed", dest);
	assert_err(&e, ERR_CONFIG, why);
}

static void
an_option_is_no_destination(void **state)
{
	refuses("-oProxyCommand=x", "begins with '-'");
	refuses("-l", "begins with '-'");
	refuses("u@-h", "a host never begins with '-'");
	refuses("-u@h", "a user never begins with '-'");
	refuses("ssh://-h", "a host never begins with '-'");
	refuses("ssh://-u@h", "a user never begins with '-'");
	refuses("ssh://u@-h:22", "a host never begins with '-'");
	refuses("ssh://%2DoX@h", "'%'");
}

static void
metacharacters_and_odd_bytes_are_refused(void **state)
{
	const char *p;
	char dest[8];
	int c;

	for (p = "\"'`\\$;&|<>()*?{}!#~"; *p != '\0'; p++) {
		snprintf(dest, sizeof(dest), "h%cx", *p);
		refuses(dest, "is not allowed in it");
	}
	for (c = 1; c <= 0xff; c++) {
		if (c > 0x20 && c < 0x7f)
			continue;
		snprintf(dest, sizeof(dest), "h%cx", c);
		refuses(dest, "is not allowed in it");
	}
}

static void
a_message_repeats_only_what_is_printable(void **state)
{
	struct err e = ERR_INIT;

	host_check("a\033[2J", &e);
	assert_null(strchr(e.msg, '\033'));
	assert_err(&e, ERR_CONFIG, "byte 0x1b");
}

static void
missing_parts_are_named(void **state)
{
	refuses("", "is empty");
	refuses("@h", "no user");
	refuses("u@", "no host");
	refuses("ssh://", "no host");
	refuses("ssh://@h", "no user");
	refuses("ssh://:22", "no host");
	refuses("ssh://u@", "no host");
}

static void
urls_have_no_more_than_user_host_and_port(void **state)
{
	refuses("ssh://h/", "'/'");
	refuses("SSH://h", "'/'");
	refuses("a/b", "'/'");
	refuses("ssh://u:p@h", "':'");
	refuses("ssh://a@b@h", "two '@'");
	refuses("ssh://h:", "port");
	refuses("ssh://h:0", "port");
	refuses("ssh://h:65536", "port");
	refuses("ssh://h:+22", "port");
	refuses("ssh://h:22x", "port");
	refuses("ssh://::1", "no host");
	refuses("ssh://fe80::1", "port");
	refuses("ssh://h%41", "'%'");
}

static void
brackets_hold_an_ipv6_address_in_a_url_and_nothing_else(void **state)
{
	refuses("[::1]", "'[' and ']'");
	refuses("h[1]", "'[' and ']'");
	refuses("ssh://h[1]", "'[' and ']'");
	refuses("ssh://[", "without");
	refuses("ssh://[]", "no IPv6 address");
	refuses("ssh://[host]", "no IPv6 address");
	refuses("ssh://[1.2.3.4]", "no IPv6 address");
	refuses("ssh://[::1%]", "no zone");
	refuses("ssh://[::1%e/0]", "no zone");
	refuses("ssh://[::1]x", "nothing but :PORT");
	refuses("ssh://[::1]:", "port");
	refuses("ssh://[1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1]",
	    "no IPv6 address");
}

static void
length_is_bounded(void **state)
{
	struct err e = ERR_INIT;
	char dest[257];

	memset(dest, 'h', sizeof(dest));
	dest[255] = '\0';
	assert_int_equal(host_check(dest, &e), 0);
	dest[255] = 'h';
	dest[256] = '\0';
	refuses(dest, "longer than 255");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_destinations_and_urls_pass),
		cmocka_unit_test(an_option_is_no_destination),
		cmocka_unit_test(metacharacters_and_odd_bytes_are_refused),
		cmocka_unit_test(a_message_repeats_only_what_is_printable),
		cmocka_unit_test(missing_parts_are_named),
		cmocka_unit_test(urls_have_no_more_than_user_host_and_port),
		cmocka_unit_test(
		    brackets_hold_an_ipv6_address_in_a_url_and_nothing_else),
		cmocka_unit_test(length_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
