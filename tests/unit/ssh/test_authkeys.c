/* SPDX-License-Identifier: ISC */
#include "unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "failmalloc.h"
#include "ssh/authkeys.h"

/* Made with ssh-keygen for this test; nobody has the private halves. */
#define ED25519 \
    "AAAAC3NzaC1lZDI1NTE5AAAAIGzI0o4uvbweCNJh1oSFUqO+qTB4Iy2pGK0MYZP5Jz" \
    "oh"
#define P256 \
    "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBB80Z16vonoHXD" \
    "JIE0EI86w5+LmehxmVFhS3EMSUcQJwB8MRbJigKb8F+pFoLN+ML6azWgz0VFUzbWUw" \
    "07eufBM="
#define P384 \
    "AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBL2JCir/L0+Fg6" \
    "AAHFwxw9CikhiA8MNgAydqG7v3HTni8oKZ2MRLMgXKIOj/5fFb+pIDW9TAqG73vUal" \
    "WmndZI2ThyvKtb1JmFvb8DRcCJ+Ou5A+2UwJ24s90sEMBEoBOg=="
#define P521 \
    "AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBAAC2XjSTto5s+" \
    "s4P7qZDlT89C/uYoEb5g0vwU8zmOduBnOSNK3gHYEgbMvgBw8mSWgdyEOn4QX5SYsF" \
    "MASVGBL6LwHAWyuv4ogTxC9ebBnG37XFnlNXyfa+F2/s4E+7No1diUUqQOTsHW9d7J" \
    "2grCifWS0jw7RZxxIP0lvr3688yLWZQg=="
#define RSA \
    "AAAAB3NzaC1yc2EAAAADAQABAAAAgQDObOf0BQWc+Bzk+8zifVgJmRsU0IEA8IkUM0" \
    "wAiReU2KLGXBEsmFsppIvwNnxiPhlVMSExNh7kQ0WCSotlEdnukyjpO0FoA/bnfOrx" \
    "r0YLqsDaWHdnyqNFKC/GYtr5s4HzFvMMmou7LO9XPaSCrsQYa21SMGpo56sfCDTeGV" \
    "lkFw=="
#define CERT \
    "AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAINn4Tbye8iMfw9" \
    "P6zDjoiYqYoGOyHaoeOiGFdMFw/bTaAAAAIGzI0o4uvbweCNJh1oSFUqO+qTB4Iy2p" \
    "GK0MYZP5JzohAAAAAAAAAAAAAAABAAAAAXgAAAAIAAAABHJvb3QAAAAAAAAAAP////" \
    "//////AAAAAAAAAIIAAAAVcGVybWl0LVgxMS1mb3J3YXJkaW5nAAAAAAAAABdwZXJt" \
    "aXQtYWdlbnQtZm9yd2FyZGluZwAAAAAAAAAWcGVybWl0LXBvcnQtZm9yd2FyZGluZw" \
    "AAAAAAAAAKcGVybWl0LXB0eQAAAAAAAAAOcGVybWl0LXVzZXItcmMAAAAAAAAAAAAA" \
    "AGgAAAATZWNkc2Etc2hhMi1uaXN0cDI1NgAAAAhuaXN0cDI1NgAAAEEEHzRnXq+ieg" \
    "dcMkgTQQjzrDn4uZ6HGZUWFLcQxJRxAnAHwxFsmKApvwX6kWgs34wvprNaDPRUVTNt" \
    "ZTDTt658EwAAAGMAAAATZWNkc2Etc2hhMi1uaXN0cDI1NgAAAEgAAAAgHilxr7sXZM" \
    "2ppkfVZWM+VdRDH4JMi5Fd7zQVSrTKaZoAAAAgBZ+K1x+oahz5aBkTzgXAM7TMQjAr" \
    "w2Wdhg8LZZ/aeMw="
#define ED "ssh-ed25519 " ED25519

static struct authkeys_line k;
static struct err e;

static int
parse(const char *line)
{
	memset(&k, 0, sizeof(k));
	e = (struct err)ERR_INIT;
	return authkeys_parse(line, strlen(line), &k, &e);
}

static void
is(const struct authkeys_part *p, const char *want)
{
	assert_int_equal(p->len, strlen(want));
	if (p->len > 0)
		assert_memory_equal(p->p, want, p->len);
}

static void
refuses(const char *line, const char *message)
{
	assert_int_equal(parse(line), -1);
	assert_int_equal(e.code, ERR_CONFIG);
	assert_string_equal(e.msg, message);
	assert_null(k.type.p);
}

static void
authkeys_reads_the_four_parts_of_a_line(void **state)
{
	(void)state;
	assert_int_equal(parse(ED), 0);
	is(&k.options, "");
	is(&k.type, "ssh-ed25519");
	is(&k.key, ED25519);
	is(&k.comment, "");
	assert_int_equal(parse(" \t" ED "\t a b  c \r"), 0);
	is(&k.comment, "a b  c");
	assert_int_equal(parse("no-pty,command=\"echo \\\"a b\\\" # x\" \t"
	    ED " c"), 0);
	is(&k.options, "no-pty,command=\"echo \\\"a b\\\" # x\"");
	is(&k.type, "ssh-ed25519");
	is(&k.comment, "c");
	/* Odd, but that is what sshd makes of it. */
	assert_int_equal(parse("\\\"a " ED), 0);
	is(&k.options, "\\\"a");
}

static void
authkeys_knows_each_type_and_what_its_key_begins_with(void **state)
{
	(void)state;
	assert_int_equal(parse("ecdsa-sha2-nistp256 " P256), 0);
	assert_int_equal(parse("ecdsa-sha2-nistp384 " P384), 0);
	assert_int_equal(parse("ecdsa-sha2-nistp521 " P521), 0);
	assert_int_equal(parse("ssh-rsa " RSA), 0);
	assert_int_equal(parse("ssh-ed25519-cert-v01@openssh.com " CERT), 0);
	refuses("ssh-rsa " ED25519,
	    "the key is not one of its type, or cut off");
	refuses("ssh-ed25519 " RSA,
	    "the key is not one of its type, or cut off");
	refuses("ssh-ed448 " ED25519, "no type of key that sshd knows, such "
	    "as ssh-ed25519");
	refuses("restrict ssh-foo " ED25519, "no type of key that sshd "
	    "knows, such as ssh-ed25519");
}

static void
authkeys_rejects_an_unterminated_quote(void **state)
{
	(void)state;
	refuses("command=\"x " ED, "a quote that is not closed");
	refuses("command=\"x\\\" " ED, "a quote that is not closed");
}

static void
authkeys_rejects_what_is_no_canonical_base64(void **state)
{
	char line[128];

	(void)state;
	refuses("ssh-ed25519", "what follows the type is no base64");
	refuses("ssh-ed25519 " ED25519 "A",
	    "what follows the type is no base64");
	refuses("ssh-ed25519 " ED25519 "====",
	    "what follows the type is no base64");
	refuses("ssh-ed25519 A===", "what follows the type is no base64");
	refuses("ssh-ed25519 AAAA*AAA", "what follows the type is no base64");
	refuses("ssh-ed25519 AAAA", "the key is not one of its type, or cut "
	    "off");
	snprintf(line, sizeof(line), "%s", ED);
	line[strlen(line) - 4] = '\0';		/* three bytes short */
	refuses(line, "the key is not one of its type, or cut off");
	/* Another last digit that decodes to the same bytes. */
	refuses("ssh-dss AAAAB3NzaC1kc3N=", "what follows the type is no base64");
}

static void
authkeys_passes_over_blank_lines_and_comments(void **state)
{
	(void)state;
	refuses("", "blank, or a comment");
	refuses(" \t\r", "blank, or a comment");
	refuses("  # " ED, "blank, or a comment");
}

static int
public(const char *text)
{
	memset(&k, 0, sizeof(k));
	e = (struct err)ERR_INIT;
	return authkeys_public(text, strlen(text), &k, &e);
}

static void
authkeys_public_takes_one_plain_key(void **state)
{
	(void)state;
	assert_int_equal(public(ED " c\n"), 0);
	is(&k.key, ED25519);
	assert_int_equal(public("restrict " ED), -1);
	assert_string_equal(e.msg, "options in front of the key");
	assert_int_equal(public(ED "\n" ED "\n"), -1);
	assert_string_equal(e.msg, "more than one line");
	assert_int_equal(public("-----BEGIN OPENSSH PRIVATE KEY-----\nb\n"),
	    -1);
	assert_string_equal(e.msg, "this is a private key; its .pub is meant");
	assert_int_equal(public("ssh-ed25519-cert-v01@openssh.com " CERT), -1);
	assert_string_equal(e.msg, "a certificate, not a key");
	assert_int_equal(public(ED " \x1b[2J"), -1);
	assert_string_equal(e.msg, "a control character in the line");
}

static void
authkeys_emits_a_line_that_it_reads_again(void **state)
{
	struct buf options, line;

	(void)state;
	buf_init(&options, 4096);
	buf_init(&line, 4096);
	assert_int_equal(parse(ED " old comment"), 0);
	assert_int_equal(authkeys_command("'/a b/postern' \"x\" --y",
	    &options, &e), 0);
	assert_string_equal(options.data, "restrict,command=\"'/a b/postern' "
	    "\\\"x\\\" --y\"");
	assert_int_equal(authkeys_emit(options.data, &k, "postern-backup-a",
	    &line, &e), 0);
	assert_int_equal(parse(line.data), 0);
	is(&k.options, options.data);
	is(&k.key, ED25519);
	is(&k.comment, "postern-backup-a");
	assert_int_equal(authkeys_command("a\\", &options, &e), -1);
	assert_int_equal(authkeys_command("a\nb", &options, &e), -1);
	assert_int_equal(authkeys_emit("", &k, "", &line, &e), -1);
	assert_int_equal(authkeys_emit("", &k, "a b", &line, &e), -1);
	assert_int_equal(authkeys_emit("", &k, "a\nb", &line, &e), -1);
	buf_clear(&options);
	buf_clear(&line);
}

static void
authkeys_puts_a_line_and_keeps_every_other_byte(void **state)
{
	static const struct {
		const char *text, *line, *want;
		size_t found;
	} rows[] = {
		{ "", "new", "new\n", 0 },
		{ "", NULL, "", 0 },
		{ "# a", "new", "# a\nnew\n", 0 },
		{ " \n" ED " b\r\n\n", "new", " \n" ED " b\r\n\nnew\n", 0 },
		{ "#\n" ED " me\n\xff\xfe\n", "new", "#\nnew\n\xff\xfe\n", 1 },
		{ ED " me\n#\nx " ED " me\n#", "new", "new\n#\n#", 2 },
		{ "a\n" ED " me", NULL, "a\n", 1 },
		{ "a\n" ED " me", "new", "a\nnew\n", 1 },
		{ ED " me\n" ED " me2\n", NULL, ED " me2\n", 1 },
		{ "# " ED " me\nfoo me\n", NULL, "# " ED " me\nfoo me\n", 0 },
	};
	size_t i, found;
	struct buf out;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buf_init(&out, 4096);
		assert_int_equal(authkeys_put(rows[i].text,
		    strlen(rows[i].text), "me", rows[i].line, &out, &found,
		    &e), 0);
		assert_string_equal(out.data, rows[i].want);
		assert_int_equal(found, rows[i].found);
		buf_clear(&out);
	}
}

static void
authkeys_finds_a_key_whatever_stands_around_it(void **state)
{
	const char *text = "#\n" "ssh-rsa " RSA " x\n\ncommand=\"a b\" \t" ED
	    "\r\n";
	struct authkeys_line want, found;

	(void)state;
	assert_int_equal(authkeys_parse(ED, strlen(ED), &want, &e), 0);
	assert_true(authkeys_find(text, strlen(text), &want, &found));
	is(&found.options, "command=\"a b\"");
	text = "# " ED "\n" "ssh-rsa " RSA " " ED "\n";
	assert_false(authkeys_find(text, strlen(text), &want, &found));
}

static void
authkeys_saves_with_the_mode_that_was_there(void **state)
{
	char path[] = "/tmp/postern-authkeys-XXXXXX";
	struct buf b, again;
	struct stat st;

	(void)state;
	close(mkstemp(path));
	assert_int_equal(unlink(path), 0);
	buf_init(&b, AUTHKEYS_FILE_MAX);
	buf_init(&again, AUTHKEYS_FILE_MAX);
	assert_int_equal(authkeys_load(path, &b, &e), 0);
	assert_int_equal(b.len, 0);
	buf_adds(&b, ED "\n");
	assert_int_equal(authkeys_save(path, &b, &e), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(chmod(path, 0664), 0);
	assert_int_equal(authkeys_save(path, &b, &e), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(authkeys_load(path, &again, &e), 0);
	assert_string_equal(again.data, b.data);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/nowhere", path), 0);
	assert_int_equal(authkeys_save(path, &b, &e), -1);
	assert_int_equal(e.code, ERR_UNSAFE);
	assert_int_equal(unlink(path), 0);
	buf_clear(&b);
	buf_clear(&again);
}

static void
authkeys_says_when_memory_is_out_wherever_that_is(void **state)
{
	struct buf options, line, out;
	unsigned long n;
	size_t found;
	int rc;

	(void)state;
	assert_int_equal(parse(ED), 0);
	for (n = 1;; n++) {
		buf_init(&options, 4096);
		buf_init(&line, 4096);
		buf_init(&out, 4096);
		e = (struct err)ERR_INIT;
		failmalloc_arm(n);
		rc = authkeys_command("x", &options, &e);
		if (rc == 0)
			rc = authkeys_emit(options.data, &k, "c", &line, &e);
		if (rc == 0)
			rc = authkeys_put("a\nb", 3, "c", line.data, &out,
			    &found, &e);
		buf_clear(&options);
		buf_clear(&line);
		buf_clear(&out);
		if (!failmalloc_disarm())
			break;
		assert_int_equal(rc, -1);
		assert_int_equal(e.code, ERR_MEM);
	}
	assert_int_equal(rc, 0);
	assert_true(n > 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(authkeys_reads_the_four_parts_of_a_line),
		cmocka_unit_test(
		    authkeys_knows_each_type_and_what_its_key_begins_with),
		cmocka_unit_test(authkeys_rejects_an_unterminated_quote),
		cmocka_unit_test(authkeys_rejects_what_is_no_canonical_base64),
		cmocka_unit_test(authkeys_passes_over_blank_lines_and_comments),
		cmocka_unit_test(authkeys_public_takes_one_plain_key),
		cmocka_unit_test(authkeys_emits_a_line_that_it_reads_again),
		cmocka_unit_test(
		    authkeys_puts_a_line_and_keeps_every_other_byte),
		cmocka_unit_test(
		    authkeys_finds_a_key_whatever_stands_around_it),
		cmocka_unit_test(authkeys_saves_with_the_mode_that_was_there),
		cmocka_unit_test(
		    authkeys_says_when_memory_is_out_wherever_that_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
