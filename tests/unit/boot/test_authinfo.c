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

/* Of an authority's, for u_ed25519.pub and the like: their fingerprints. */
#define CERT_ED25519 "ssh-ed25519-cert-v01@openssh.com " \
	"AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAIA2aNZeQt3Le" \
	"bXZnVF2pu6S7+SwQpVoA2TlvcXf5v3IyAAAAIFPbu60W31c9Fw982XS60RaW3CFw" \
	"jkA1pXo/8d/XalHlAAAAAAAAAAAAAAABAAAAAm1lAAAACAAAAARyb290AAAAAAAA" \
	"AAD//////////wAAAAAAAACCAAAAFXBlcm1pdC1YMTEtZm9yd2FyZGluZwAAAAAA" \
	"AAAXcGVybWl0LWFnZW50LWZvcndhcmRpbmcAAAAAAAAAFnBlcm1pdC1wb3J0LWZv" \
	"cndhcmRpbmcAAAAAAAAACnBlcm1pdC1wdHkAAAAAAAAADnBlcm1pdC11c2VyLXJj" \
	"AAAAAAAAAAAAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIKSZYGMHzcvA84ZBsIjwq1qV" \
	"AXg1rlS/zvYQrcfzD0EhAAAAUwAAAAtzc2gtZWQyNTUxOQAAAEB/VFajBJHRNKcY" \
	"P1MA5jYfFxSanoYRUrS9HoOE7pa4kTAy30qBLUqAQSCVwN/pgPgeAfvBHQ0JA4k/" \
	"FxYgNp4A"
#define CERT_ED25519_FP \
	"SHA256:lsNh2omKwWLi3UcjGBr7W2elf2mvGHd8sWRdctOxTIY"
#define CERT_ECDSA "ecdsa-sha2-nistp256-cert-v01@openssh.com " \
	"AAAAKGVjZHNhLXNoYTItbmlzdHAyNTYtY2VydC12MDFAb3BlbnNzaC5jb20AAAAg" \
	"Z0GEvrcDvTaPihLNNKomFgbslxtNpt37QM0+b72nb5YAAAAIbmlzdHAyNTYAAABB" \
	"BD2gxwm4FAHqdPQtDEAekJr0EOU8+U35INf52r5LZ2Gilaa7vVUhWd+KQVklcS4U" \
	"CduEOeggiZcBcoEa7HPOPi0AAAAAAAAAAAAAAAEAAAACbWUAAAAIAAAABHJvb3QA" \
	"AAAAAAAAAP//////////AAAAAAAAAIIAAAAVcGVybWl0LVgxMS1mb3J3YXJkaW5n" \
	"AAAAAAAAABdwZXJtaXQtYWdlbnQtZm9yd2FyZGluZwAAAAAAAAAWcGVybWl0LXBv" \
	"cnQtZm9yd2FyZGluZwAAAAAAAAAKcGVybWl0LXB0eQAAAAAAAAAOcGVybWl0LXVz" \
	"ZXItcmMAAAAAAAAAAAAAADMAAAALc3NoLWVkMjU1MTkAAAAgpJlgYwfNy8DzhkGw" \
	"iPCrWpUBeDWuVL/O9hCtx/MPQSEAAABTAAAAC3NzaC1lZDI1NTE5AAAAQFlve8lW" \
	"nTqiROJ/nxdwjVi9uvXOnZUTgkYQJLOjZKcrQ2lyzDxl2xJN21WdTUNX0tU9XcnE" \
	"pS5xwY+sg2GoWAw="
#define CERT_ECDSA_FP \
	"SHA256:xeDjJHpBrahTBUBddNYrfQX9gUI8ldyBEbRCd/9vtQQ"
#define CERT_RSA "ssh-rsa-cert-v01@openssh.com " \
	"AAAAHHNzaC1yc2EtY2VydC12MDFAb3BlbnNzaC5jb20AAAAgjPPmwcXiu2kMVIAX" \
	"Ak3Rg+mXdh6W7OV044mEik8mUrAAAAADAQABAAAAgQC5IleOA7JUPP8MtxXBBZ28" \
	"QZUnqkVgDjcOQwbc9MGI/R8+Doi6XT561+G7LXr3kyQFQwjHXFwx01S9/qQVSTE/" \
	"fLGCUR8Hqlg74b84iD3cr8hyu5fWRIOU2A6DkIgGZVh9LhfBDwjCSk5YkMvtR1ET" \
	"pTyFi0zx06Vr2LHbM92InwAAAAAAAAAAAAAAAQAAAAJtZQAAAAgAAAAEcm9vdAAA" \
	"AAAAAAAA//////////8AAAAAAAAAggAAABVwZXJtaXQtWDExLWZvcndhcmRpbmcA" \
	"AAAAAAAAF3Blcm1pdC1hZ2VudC1mb3J3YXJkaW5nAAAAAAAAABZwZXJtaXQtcG9y" \
	"dC1mb3J3YXJkaW5nAAAAAAAAAApwZXJtaXQtcHR5AAAAAAAAAA5wZXJtaXQtdXNl" \
	"ci1yYwAAAAAAAAAAAAAAMwAAAAtzc2gtZWQyNTUxOQAAACCkmWBjB83LwPOGQbCI" \
	"8KtalQF4Na5Uv872EK3H8w9BIQAAAFMAAAALc3NoLWVkMjU1MTkAAABA0zLPZqLr" \
	"iqYhO7Xv9Fe/AWLlIekcQCYFrPWmzy6TyotYLXJrZD0ktp1T9tfnnxUZsXMgQtyv" \
	"KmbCEthB/CVKDw=="
#define CERT_RSA_FP \
	"SHA256:k1TZlls79GeNs9U/DoE6ObsK1Ql8ojBoA3m3rMwUBc4"

static void
a_certificates_fingerprint_is_that_of_its_key(void **state)
{
	static const struct { const char *text, *fp; } t[] = {
		{ "publickey " CERT_ED25519 "\n", CERT_ED25519_FP },
		{ "publickey " CERT_ECDSA "\n", CERT_ECDSA_FP },
		{ "publickey " CERT_RSA "\n", CERT_RSA_FP },
	};
	char fp[AUTHINFO_FP], cut[4096];
	struct err e = ERR_INIT;
	size_t i, n;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(authinfo_parse(t[i].text, strlen(t[i].text),
		    fp, &e), 0);
		assert_string_equal(fp, t[i].fp);
		/* Cut anywhere it is none, or has all of the key. */
		for (n = strlen(t[i].text); n > 0; n--) {
			memcpy(cut, t[i].text, n);
			if (authinfo_parse(cut, n, fp, NULL) == 0)
				assert_string_equal(fp, t[i].fp);
		}
	}
}

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
		cmocka_unit_test(a_certificates_fingerprint_is_that_of_its_key),
		cmocka_unit_test(what_is_no_key_has_none),
		cmocka_unit_test(a_key_that_is_too_long_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
