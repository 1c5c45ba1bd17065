/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include <string.h>

#include "serverconf.h"

static int
parse(const char *text, struct serverconf *c, struct err *e)
{
	assert_int_equal(serverconf_init(c, e), 0);
	return serverconf_parse(text, strlen(text), "boot.conf", c, e);
}

static void
without_a_file_the_defaults_hold(void **state)
{
	struct serverconf c;
	struct err e = ERR_INIT;

	assert_int_equal(parse("", &c, &e), 0);
	assert_false(c.found);
	assert_int_equal(c.port, 2222);
	assert_string_equal(c.keys, "/root/.ssh/authorized_keys");
	assert_string_equal(c.host_key, "/etc/postern/boot/host_key");
	assert_null(c.emergency);
	assert_null(c.ip);
	assert_false(c.keep_network);
	serverconf_clear(&c);
}

static void
each_key_is_read(void **state)
{
	struct serverconf c;
	struct err e = ERR_INIT;

	assert_int_equal(parse("[server]\nport = 222\nauthorized-keys = /a\n"
	    "emergency-keys = /b\nhost-key = /c\nsshd = openssh\n"
	    "ip = 10.0.0.2::10.0.0.1:255.255.255.0::eth0:off\n"
	    "keep-network = yes\n", &c, &e), 0);
	assert_true(c.found);
	assert_int_equal(c.port, 222);
	assert_string_equal(c.keys, "/a");
	assert_string_equal(c.emergency, "/b");
	assert_string_equal(c.host_key, "/c");
	assert_int_equal(c.sshd, SERVERCONF_OPENSSH);
	assert_string_equal(c.ip,
	    "10.0.0.2::10.0.0.1:255.255.255.0::eth0:off");
	assert_true(c.keep_network);
	serverconf_clear(&c);
}

static void
hosts_of_the_client_are_passed_over(void **state)
{
	struct serverconf c;
	struct err e = ERR_INIT;

	assert_int_equal(parse("[web1]\nport = x\nwhatever = 1\n[server]\n"
	    "port = 3\n[web2]\nip = !\n", &c, &e), 0);
	assert_int_equal(c.port, 3);
	serverconf_clear(&c);
	assert_int_equal(parse("[web1]\nport = 1\n", &c, &e), 0);
	assert_false(c.found);
	serverconf_clear(&c);
}

static void
what_is_wrong_is_said_with_its_line(void **state)
{
	static const struct { const char *text, *said; } t[] = {
		{ "[server]\nports = 1\n", "boot.conf:2: unknown key 'ports'" },
		{ "[server]\nport = 0\n", "boot.conf:2: port" },
		{ "[server]\nport = 65536\n", "boot.conf:2: port" },
		{ "[server]\n\nport = 1\nport = 2\n", "boot.conf:4: set a" },
		{ "[server]\nhost-key = key\n", "boot.conf:2: host-key" },
		{ "[server]\nhost-key = /a/../b\n", "boot.conf:2: host-key" },
		{ "[server]\nauthorized-keys = /a'b\n",
		    "boot.conf:2: authorized-keys" },
		{ "[server]\nemergency-keys = /a b\n",
		    "boot.conf:2: emergency-keys" },
		{ "[server]\nip = dhcp rd.break\n", "boot.conf:2: ip" },
		{ "[server]\nip = $(x)\n", "boot.conf:2: ip" },
		{ "[server]\nip = 'x'\n", "boot.conf:2: ip" },
		{ "[server]\nsshd = ssh\n", "boot.conf:2: sshd" },
		{ "[server]\nkeep-network = 1\n", "boot.conf:2: keep-network" },
	};
	struct serverconf c;
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		e = (struct err)ERR_INIT;
		assert_int_equal(parse(t[i].text, &c, &e), -1);
		assert_err(&e, ERR_CONFIG, t[i].said);
		serverconf_clear(&c);
	}
}

static void
a_value_is_put_where_it_belongs(void **state)
{
	static const struct { const char *text, *want; } t[] = {
		{ "", "[server]\nport = 9\n" },
		{ "[web1]\nport = 1\n",
		    "[web1]\nport = 1\n\n[server]\nport = 9\n" },
		{ "[server]\nport = 1\n", "[server]\nport = 9\n" },
		{ "[server]\nport=9\n# mine\n",
		    "[server]\nport = 9\n# mine\n" },
		{ "# a\n[server]\nip = dhcp\n\n[web1]\nport = 1\n",
		    "# a\n[server]\nip = dhcp\nport = 9\n\n[web1]\n"
		    "port = 1\n" },
		{ "[server]", "[server]\nport = 9\n" },
		{ "[server]\nportal = 1", "[server]\nportal = 1\nport = 9\n" },
		{ "[web1]\nport = 1\n[server]\nport = 2\n[web2]\nport = 3\n",
		    "[web1]\nport = 1\n[server]\nport = 9\n[web2]\n"
		    "port = 3\n" },
	};
	struct err e = ERR_INIT;
	struct buf b;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		buf_init(&b, 4096);
		assert_int_equal(serverconf_put(t[i].text, strlen(t[i].text),
		    "port", "9", &b, &e), 0);
		assert_string_equal(b.data, t[i].want);
		buf_clear(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_file_the_defaults_hold),
		cmocka_unit_test(each_key_is_read),
		cmocka_unit_test(hosts_of_the_client_are_passed_over),
		cmocka_unit_test(what_is_wrong_is_said_with_its_line),
		cmocka_unit_test(a_value_is_put_where_it_belongs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
