/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "bootpins.h"

/* Of ssh-keygen -l for the same key. */
#define KEY "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoq" \
	"KLsabgH5C9okWi0dh2l9GKJl"
#define FP "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"

static void
a_host_is_called_the_same_however_it_is_reached(void **state)
{
	static const struct { const char *dest, *name; } t[] = {
		{ "web1", "web1" }, { "root@Web1", "web1" },
		{ "ssh://web1", "web1" }, { "ssh://root@web1:22", "web1" },
		{ "ssh://root@Web1:2222", "[web1]:2222" },
		{ "ssh://[2001:db8::1]:2222", "[2001:db8::1]:2222" },
		{ "ssh://[2001:DB8::1]:22", "2001:db8::1" },
		{ "2001:db8::1", "2001:db8::1" },
	};
	struct err e = ERR_INIT;
	struct buf b;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		buf_init(&b, 300);
		assert_int_equal(bootpins_name(t[i].dest, &b, &e), 0);
		assert_string_equal(b.data, t[i].name);
		buf_clear(&b);
	}
}

static void
its_key_is_looked_up_in_that_file_alone(void **state)
{
	struct strv v = { .n = 0 };
	struct err e = ERR_INIT;

	assert_int_equal(bootpins_options("/a b/k", "root@web1", &v, &e), 0);
	assert_true(strv_has(&v, "UserKnownHostsFile=\"/a b/k\""));
	assert_true(strv_has(&v, "HostKeyAlias=web1"));
	assert_true(strv_has(&v, "GlobalKnownHostsFile=none"));
	assert_true(strv_has(&v, "KnownHostsCommand=none"));
	assert_true(strv_has(&v, "ControlPath=none"));
	strv_clear(&v);
	assert_int_equal(bootpins_options("/a\"b", "web1", &v, &e), -1);
	assert_err(&e, ERR_CONFIG, "can't be given to ssh");
	assert_int_equal(bootpins_options("/%h", "web1", &v, &e), -1);
	strv_clear(&v);
}

static void
what_ssh_says_of_a_changed_key_is_understood(void **state)
{
	struct bootpins_seen s = { .line = 0 };

	bootpins_see(&s, "The fingerprint for the ED25519 key sent by the "
	    "remote host is");
	assert_string_equal(s.shown, "");
	bootpins_see(&s, FP ".");
	assert_string_equal(s.shown, FP);
	bootpins_see(&s, "SHA256:short.");
	assert_string_equal(s.shown, FP);
	bootpins_see(&s, "Offending ED25519 key in /root/a:b/k:17");
	assert_int_equal(s.line, 17);
	assert_string_equal(s.file, "/root/a:b/k");
	bootpins_see(&s, "Offending ED25519 key in /root/k:x");
	bootpins_see(&s, "Offending key:");
	bootpins_see(&s, "Offending ED25519 key in /k:99999999999");
	assert_int_equal(s.line, 17);
	assert_string_equal(s.file, "/root/a:b/k");
	/* With -v there is a line of every key. */
	s = (struct bootpins_seen){ .line = 0 };
	bootpins_see(&s, "debug1: Server host key: ssh-ed25519");
	bootpins_see(&s, "debug1: Server host key: ssh-ed25519 MD5:00");
	assert_string_equal(s.shown, "");
	bootpins_see(&s, "debug1: Server host key: ssh-ed25519 " FP);
	assert_string_equal(s.shown, FP);
	s = (struct bootpins_seen){ .line = 0 };
	bootpins_see(&s, "debug1: Server host certificate: "
	    "ssh-ed25519-cert-v01@openssh.com " FP ", serial 0 ID \"web1\" "
	    "CA ssh-ed25519 SHA256:x valid forever");
	assert_string_equal(s.shown, FP);
}

static void
a_key_is_found_in_any_line(void **state)
{
	static const char text[] = "# comment\n\nweb1\nweb1 ssh-rsa !\n"
	    "|1|x|y ssh-ed25519 " KEY "\n";

	assert_true(bootpins_has(text, FP));
	assert_true(bootpins_has("a ssh-ed25519 " KEY, FP));
	assert_false(bootpins_has("", FP));
	assert_false(bootpins_has("# comment\n\nweb1\nweb1 ssh-rsa !\n", FP));
}

static void
the_fingerprint_is_that_of_ssh_keygen(void **state)
{
	static const char text[] = "# comment\n"
	    "web1 ssh-ed25519 " KEY "\n"
	    "@revoked web1,web2\tssh-ed25519 " KEY " comment\n"
	    "|1|x|y ssh-ed25519 " KEY;
	char fp[BOOTPINS_FP] = "kept";
	struct err e = ERR_INIT;
	unsigned i;

	for (i = 2; i <= 4; i++) {
		assert_int_equal(bootpins_fp(text, i, fp, &e), 0);
		assert_string_equal(fp, FP);
		fp[0] = '\0';
	}
	assert_int_equal(bootpins_fp(text, 5, fp, &e), -1);
	assert_err(&e, ERR_CONFIG, "no line 5");
	assert_int_equal(bootpins_fp("web1 ssh-ed25519\n", 1, fp, &e), -1);
	assert_err(&e, ERR_CONFIG, "no host key in line 1");
	assert_int_equal(bootpins_fp("web1 ssh-ed25519 ~~~\n", 1, fp, &e), -1);
	assert_int_equal(bootpins_fp("", 1, fp, &e), -1);
	assert_string_equal(fp, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_host_is_called_the_same_however_it_is_reached),
		cmocka_unit_test(its_key_is_looked_up_in_that_file_alone),
		cmocka_unit_test(what_ssh_says_of_a_changed_key_is_understood),
		cmocka_unit_test(a_key_is_found_in_any_line),
		cmocka_unit_test(the_fingerprint_is_that_of_ssh_keygen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
