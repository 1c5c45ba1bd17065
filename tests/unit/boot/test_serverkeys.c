/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include <string.h>

#include "serverkeys.h"

#define A "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoq" \
	"KLsabgH5C9okWi0dh2l9GKJl"
/* As far as they are looked at. */
#define CERT "ssh-ed25519-cert-v01@openssh.com " \
	"AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAAAAAAAAA" \
	"AAAAAAAAAAAAAAAAAAAA"
#define DSA "ssh-dss AAAAB3NzaC1kc3MAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define AGENT "restrict,command=\"/usr/bin/postern-boot-agent\""
#define SHELL "no-port-forwarding,no-agent-forwarding,no-X11-forwarding"

static void
try(const char *text, bool shell, bool dropbear, const char *want,
    const char *note)
{
	const struct serverkeys s = { "keys", shell, dropbear };
	struct strv notes = { 0 };
	struct err e = ERR_INIT;
	struct buf b;
	size_t n;

	buf_init(&b, 65536);
	assert_int_equal(serverkeys_add(&s, text, strlen(text), &b, &notes, &n,
	    &e), 0);
	assert_string_equal(b.data, want);
	assert_int_equal(n, want[0] != '\0');
	if (note == NULL)
		assert_int_equal(notes.n, 0);
	else
		assert_non_null(strstr(notes.v[0], note));
	strv_clear(&notes);
	buf_clear(&b);
}

static void
a_key_gets_the_agent_and_nothing_else(void **state)
{
	try(A " me\n", false, true, AGENT " " A " me\n", NULL);
	try("# me\n\n \t\n" A, false, false, AGENT " " A "\n", NULL);
	/* What would widen it is no longer there. */
	try("pty,port-forwarding,environment=\"A=b,c\" " A "\n", false, true,
	    AGENT " " A "\n", NULL);
}

static void
an_emergency_key_gets_a_shell_without_forwarding(void **state)
{
	try(A " me\n", true, true, SHELL " " A " me\n", NULL);
}

static void
an_emergency_key_that_was_limited_gets_no_terminal(void **state)
{
	try("restrict " A "\n", true, true, SHELL ",no-pty " A "\n", NULL);
	try("no-pty,no-user-rc " A "\n", true, false, SHELL ",no-pty " A "\n",
	    NULL);
	try("restrict,pty " A "\n", true, true, SHELL " " A "\n", NULL);
	try("pty,restrict " A "\n", true, false, SHELL ",no-pty " A "\n",
	    NULL);
}

/* With them alone nobody could log in. */
static void
what_no_sshd_takes_for_a_key_is_none(void **state)
{
	try(CERT " me\n", false, false, "", "keys:1: the key is left out: "
	    "it is a certificate");
	try(CERT " me\n", true, true, "", "certificate");
	try(DSA "\n", false, true, "", "DSA");
}

static void
a_key_for_something_else_is_left_out(void **state)
{
	try("command=\"rsync, x\" " A "\n", false, false, "", "keys:1: the key "
	    "is left out: it is for another command");
	try("restrict,COMMAND=\"x\" " A "\n", true, false, "", "another");
	try("\ncert-authority " A "\n", false, false, "", "keys:2: ");
	try("nonsense\n", false, false, "", "keys:1: ");
}

static void
what_limits_a_key_stays_or_the_key_goes(void **state)
{
	try("from=\"10.0.0.*,!10.0.0.9\" " A "\n", false, false, AGENT
	    ",from=\"10.0.0.*,!10.0.0.9\" " A "\n", NULL);
	try("from=\"10.0.0.*\" " A "\n", false, true, "", "dropbear");
	try("expiry-time=\"20300101\" " A "\n", true, false, SHELL
	    ",expiry-time=\"20300101\" " A "\n", NULL);
	try("verify-required " A "\n", false, false, AGENT
	    ",verify-required " A "\n", NULL);
}

static void
a_key_that_may_give_passphrases_gets_no_shell(void **state)
{
	const struct serverkeys agent = { "keys", false, true };
	const struct serverkeys shell = { "emergency", true, true };
	static const char text[] = A "\n";
	struct strv notes = { 0 };
	struct err e = ERR_INIT;
	struct buf b;
	size_t n;

	buf_init(&b, 65536);
	assert_int_equal(serverkeys_add(&agent, text, strlen(text), &b, &notes,
	    &n, &e), 0);
	assert_int_equal(serverkeys_add(&shell, text, strlen(text), &b, &notes,
	    &n, &e), 0);
	assert_int_equal(n, 0);
	assert_string_equal(b.data, AGENT " " A "\n");
	assert_non_null(strstr(notes.v[0], "emergency:1: "));
	strv_clear(&notes);
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_gets_the_agent_and_nothing_else),
		cmocka_unit_test(an_emergency_key_gets_a_shell_without_forwarding),
		cmocka_unit_test(
		    an_emergency_key_that_was_limited_gets_no_terminal),
		cmocka_unit_test(what_no_sshd_takes_for_a_key_is_none),
		cmocka_unit_test(a_key_for_something_else_is_left_out),
		cmocka_unit_test(what_limits_a_key_stays_or_the_key_goes),
		cmocka_unit_test(a_key_that_may_give_passphrases_gets_no_shell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
