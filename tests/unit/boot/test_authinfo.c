/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "authinfo.h"

#define ED "AAAAC3NzaC1lZDI1NTE5AAAAIJ5cBXYgslPh7EBHlj7ZruLV/ZHGiVZKujD8c7p7" \
	"1x8j"
#define RSA "AAAAB3NzaC1yc2EAAAADAQABAAAAgQC8v7VMWoGc2OiljDA63UuNYuJ1bLH32aS" \
	"tSY9sOBZN8NiagIBFL4aog4plogJ4XNpHxbRVOAZRTdVc3M34ray8UAs1uq9ptCEH0" \
	"WIZ9oUS5A5gg5ikHfg5lVIGHt3DLkRfSaK98OCsuUD1gFIcwtikAhYqIrZ86qL2BBn" \
	"G5CTx+w=="

/* As ssh-keygen -l has them. */
#define ED_FP "SHA256:6jqslOFA5Cr4VqLS4YMPWjWjxaIZfCyWGQCdZh7Kd+g"
#define RSA_FP "SHA256:BR8oIrruRpzQbSnPWG3W2y5ydiE0lMMWqqKd43DrmoU"

static void
a_keys_fingerprint_is_that_of_ssh_keygen(void **state)
{
	static const struct { const char *text, *fp; } t[] = {
		{ "publickey ssh-ed25519 " ED "\n", ED_FP },
		{ "publickey ssh-ed25519 " ED, ED_FP },
		{ "publickey ssh-rsa " RSA "\n", RSA_FP },
		{ "keyboard-interactive\npublickey ssh-rsa " RSA "\n"
		    "publickey ssh-ed25519 " ED "\n", RSA_FP },
	};
	char fp[AUTHINFO_FP];
	struct err e = ERR_INIT;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		if (authinfo_parse(t[i].text, strlen(t[i].text), fp,
		    &e) == -1)
			fail_msg("%s: %s", t[i].text, e.msg);
		assert_string_equal(fp, t[i].fp);
	}
}

static void
what_is_no_key_has_none(void **state)
{
	static const char *const t[] = { "", "\n", "password\n", "publickey",
	    "publickey \n", "publickey ssh-ed25519\n",
	    "publickey ssh-ed25519 \n", ("publickey ssh-rsa " ED "\n"),
	    ("publickey " ED "\n"), ("publickey  ssh-ed25519 " ED "\n"),
	    ("publickey ssh-ed25519 " ED "=\n"),
	    ("publickey ssh-ed25519 " ED " me\n"),
	    ("publickey ssh-ed25519 A" ED "\n"),
	    ("publickey ssh-ed25519 " ED "\r\n"),
	    ("publickey ssh-ed25519 *" ED "\n"),
	    ("Publickey ssh-ed25519 " ED "\n"),
	    "publickey ssh-ed25519 AAAAC3Nz\n", "publickey ssh-ed25519 ====\n",
	    /* A certificate, by its type and its beginning. */
	    ("publickey ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5"
	    "LWNlcnQtdjAxQG9wZW5zc2guY29tAAAA\n") };
	char fp[AUTHINFO_FP] = "kept";
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		e = (struct err)ERR_INIT;
		if (authinfo_parse(t[i], strlen(t[i]), fp, &e) == 0)
			fail_msg("accepted: %s", t[i]);
		assert_err(&e, ERR_PEER, "public key");
		assert_string_equal(fp, "kept");
	}
}

static void
a_key_that_is_too_long_is_none(void **state)
{
	/* "ssh-rsa" and zeros: 4095 bytes of a key, and 4098. */
	static const char head[] = "publickey ssh-rsa AAAAB3NzaC1yc2EA";
	const size_t most = strlen("publickey ssh-rsa ") + 5460;
	char text[AUTHINFO_MAX], fp[AUTHINFO_FP];
	struct err e = ERR_INIT;

	memset(text, 'A', sizeof(text));
	memcpy(text, head, strlen(head));
	assert_int_equal(authinfo_parse(text, most, fp, &e), 0);
	assert_int_equal(authinfo_parse(text, most + 4, fp, &e), -1);
	assert_err(&e, ERR_PEER, "not a public key");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_keys_fingerprint_is_that_of_ssh_keygen),
		cmocka_unit_test(what_is_no_key_has_none),
		cmocka_unit_test(a_key_that_is_too_long_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
