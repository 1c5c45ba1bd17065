/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "boot.h"

static struct boot_opts o;
static struct err e;

static int
setup(void **state)
{
	o = (struct boot_opts){ .action = BOOT_UNLOCK };
	e = (struct err)ERR_INIT;
	return 0;
}

static int
teardown(void **state)
{
	bootconf_clear(&o.conf);
	free(o.hosts);
	return 0;
}

static int
parse(const char *text)
{
	return bootconf_parse(&o.conf, text, strlen(text), "b.conf", &e);
}

static void
each_host_has_what_its_section_says(void **state)
{
	assert_int_equal(parse("[host web1]\naddress = root@web1.example.org\n"
	    "port = 2222\nuser = admin\nkey = /k\nsecret = cmd:a {host}{uuid}\n"
	    "known-hosts = /b\nreal-port = 2200\nreal-known-hosts = /r\n"
	    "keep-going = yes\n"), 0);
	assert_int_equal(boothosts_all(&o, &e), 0);
	assert_int_equal(o.nhosts, 1);
	assert_string_equal(o.hosts[0].name, "web1");
	assert_string_equal(o.hosts[0].dest, "root@web1.example.org");
	assert_string_equal(o.hosts[0].user, "admin");
	assert_string_equal(o.hosts[0].key, "/k");
	assert_string_equal(o.hosts[0].secret, "cmd:a {host}{uuid}");
	assert_string_equal(o.hosts[0].known_hosts, "/b");
	assert_string_equal(o.hosts[0].real_known_hosts, "/r");
	assert_int_equal(o.hosts[0].port, 2222);
	assert_int_equal(o.hosts[0].real_port, 2200);
	assert_true(o.hosts[0].keep_going);
}

static void
a_section_alone_is_a_host_and_hosts_is_for_all(void **state)
{
	assert_int_equal(parse("[host b]\n[hosts]\nport = 22\nuser = u\n"
	    "keep-going = yes\n[host a]\nport = 23\nkeep-going = no\n"), 0);
	assert_int_equal(boothosts_all(&o, &e), 0);
	assert_int_equal(o.nhosts, 2);
	assert_string_equal(o.hosts[0].name, "b");
	assert_string_equal(o.hosts[0].dest, "b");
	assert_string_equal(o.hosts[0].secret, "tty");
	assert_int_equal(o.hosts[0].port, 22);
	assert_int_equal(o.hosts[1].port, 23);
	assert_string_equal(o.hosts[1].user, "u");
	assert_true(o.hosts[0].keep_going);
	assert_false(o.hosts[1].keep_going);
}

static void
the_command_line_goes_before_the_file(void **state)
{
	o.given = (struct boot_host){ .user = "me", .port = 9,
		.secret = "fd:3", .keep_going = true };
	assert_int_equal(parse("[host a]\naddress = x\nport = 22\nuser = u\n"
	    "secret = tty\nkeep-going = no\nkey = /k\n"), 0);
	assert_int_equal(boothosts_add(&o, "a", &e), 0);
	assert_int_equal(boothosts_add(&o, "a", &e), 0);
	assert_int_equal(o.nhosts, 1);
	assert_string_equal(o.hosts[0].dest, "x");
	assert_string_equal(o.hosts[0].user, "me");
	assert_string_equal(o.hosts[0].secret, "fd:3");
	assert_string_equal(o.hosts[0].key, "/k");
	assert_int_equal(o.hosts[0].port, 9);
	assert_true(o.hosts[0].keep_going);
}

static void
a_host_that_the_file_does_not_name_has_nothing_of_it(void **state)
{
	assert_int_equal(parse("[hosts]\nport = 22\nsecret = file:/x\n"
	    "[host a]\n"), 0);
	assert_int_equal(boothosts_add(&o, "root@a", &e), 0);
	assert_string_equal(o.hosts[0].dest, "root@a");
	assert_string_equal(o.hosts[0].secret, "tty");
	assert_int_equal(o.hosts[0].port, 0);
	assert_int_equal(boothosts_add(&o, "-x", &e), -1);
	assert_err(&e, ERR_CONFIG, "begins with '-'");
}

static void
what_is_the_servers_is_passed_over(void **state)
{
	assert_int_equal(parse("[server]\nport = nonsense\nport = twice\n"
	    "whatever =\n[host a]\n[server]\n"), 0);
	assert_int_equal(o.conf.n, 1);
	assert_int_equal(o.conf.all.port, 0);
}

static void
without_a_host_there_is_nothing_for_all(void **state)
{
	assert_int_equal(parse("[hosts]\nport = 22\n"), 0);
	assert_int_equal(boothosts_all(&o, &e), -1);
	assert_err(&e, ERR_CONFIG, "no boot.conf has a section [host NAME]");
}

static void
what_is_wrong_is_named_with_its_line(void **state)
{
	static const struct { const char *text, *why; } t[] = {
		{ "[host a]\n[host Web1]\n", "b.conf:2: a host's name has" },
		{ "[host -a]\n", "b.conf:1: a host's name has" },
		{ "[host]\n", "b.conf:1: unknown section 'host'" },
		{ "[host a b]\n", "b.conf:1: unknown section" },
		{ "[other]\n", "b.conf:1: unknown section 'other'" },
		{ "[hosts]\naddress = x\n", "b.conf:2: unknown key 'address'" },
		{ "[host a]\npasswort = x\n", "b.conf:2: unknown key" },
		{ "[host a]\nuser = x\n[host a]\nuser = y\n",
		    "b.conf:4: set a second time: key 'user'" },
		{ "[host a]\naddress = -x\n", "b.conf:2: address: " },
		{ "[host a]\naddress =\n", "b.conf:2: address: has no value" },
		{ "[host a]\nport = 0\n", "b.conf:2: port: a port" },
		{ "[host a]\nreal-port = 65536\n", "b.conf:2: real-port: " },
		{ "[host a]\nuser = a@b\n", "b.conf:2: user: not a user's" },
		{ "[host a]\nuser = -l\n", "b.conf:2: user: " },
		{ "[host a]\nkey = id\n", "b.conf:2: key: not an absolute" },
		{ "[host a]\nkey = /a%h\n", "b.conf:2: key: a path with" },
		{ "[hosts]\nknown-hosts = /a\"b\n", "b.conf:2: known-hosts: " },
		{ "[host a]\nkeep-going = maybe\n",
		    "b.conf:2: keep-going: one of: no yes" },
		{ "[hosts]\nsecret = cmd:pass {uuid}\n",
		    "b.conf:2: secret: {uuid} without {host}" },
		{ "[host a]\nsecret = hunter2\n",
		    "b.conf:2: secret: 'hunter2' is none of file:PATH" },
	};
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		e = (struct err)ERR_INIT;
		assert_int_equal(parse(t[i].text), -1);
		assert_err(&e, ERR_CONFIG, t[i].why);
		bootconf_clear(&o.conf);
	}
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(each_host_has_what_its_section_says),
		T(a_section_alone_is_a_host_and_hosts_is_for_all),
		T(the_command_line_goes_before_the_file),
		T(a_host_that_the_file_does_not_name_has_nothing_of_it),
		T(what_is_the_servers_is_passed_over),
		T(without_a_host_there_is_nothing_for_all),
		T(what_is_wrong_is_named_with_its_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
