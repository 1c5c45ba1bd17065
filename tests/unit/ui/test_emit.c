/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ui/emit.h"

extern char **environ;

static char *text;
static size_t text_len;

/* Ends the line; its text is in text. */
static int
end(struct emit *j)
{
	FILE *f;
	int rc;

	free(text);
	text = NULL;
	f = open_memstream(&text, &text_len);
	rc = emit_end(j, f);
	fclose(f);
	return rc;
}

static void
emit_writes_one_object_a_line(void **state)
{
	struct emit j;

	(void)state;
	emit_begin(&j);
	emit_str(&j, "host", "h\"1\n");
	emit_str(&j, "peer", NULL);
	emit_strn(&j, "raw", "a\0b", 3);
	emit_num(&j, "n", INT64_MIN);
	emit_bool(&j, "slave", true);
	emit_arr(&j, "files");
	emit_item(&j, "a");
	emit_item(&j, "b");
	emit_obj(&j, NULL);
	emit_close(&j);
	emit_close(&j);
	emit_obj(&j, "o");
	emit_bool(&j, "x", false);
	emit_close(&j);
	assert_int_equal(end(&j), 0);
	assert_string_equal(text, "{\"host\":\"h\\\"1\\n\",\"peer\":null,"
	    "\"raw\":\"a\\u0000b\",\"n\":-9223372036854775808,"
	    "\"slave\":true,\"files\":[\"a\",\"b\",{}],"
	    "\"o\":{\"x\":false}}\n");
	emit_begin(&j);
	assert_int_equal(end(&j), 0);
	assert_string_equal(text, "{}\n");
}

static void
emit_end_closes_what_is_open(void **state)
{
	struct emit j;

	(void)state;
	emit_begin(&j);
	emit_arr(&j, "a");
	emit_obj(&j, NULL);
	emit_arr(&j, "b");
	assert_int_equal(end(&j), 0);
	assert_string_equal(text, "{\"a\":[{\"b\":[]}]}\n");
}

static void
emit_writes_nothing_rather_than_what_is_not_json(void **state)
{
	struct emit j;
	int i;

	(void)state;
	emit_begin(&j);
	emit_item(&j, "no key");
	assert_int_equal(end(&j), -1);
	assert_int_equal(text_len, 0);

	emit_begin(&j);
	emit_arr(&j, "a");
	emit_num(&j, "key", 1);
	assert_int_equal(end(&j), -1);

	emit_begin(&j);
	emit_close(&j);
	assert_int_equal(end(&j), -1);

	emit_begin(&j);
	for (i = 0; i < 7; i++)
		emit_obj(&j, "o");
	emit_num(&j, "deep", 1);
	assert_int_equal(end(&j), 0);

	emit_begin(&j);
	for (i = 0; i < 8; i++)
		emit_obj(&j, "o");
	assert_int_equal(end(&j), -1);
	assert_int_equal(text_len, 0);

	/* After the end, and again, is a mistake without harm. */
	emit_str(&j, "late", "x");
	assert_int_equal(end(&j), -1);
}

static void
emit_refuses_a_line_past_its_cap(void **state)
{
	static char big[1 << 20];
	struct emit j;
	int i;

	(void)state;
	memset(big, 'x', sizeof(big));
	emit_begin(&j);
	emit_arr(&j, "a");
	for (i = 0; i < 17; i++)
		emit_strn(&j, NULL, big, sizeof(big));
	assert_int_equal(end(&j), -1);
	assert_int_equal(text_len, 0);
}

static void
emit_notices_a_full_disk(void **state)
{
	FILE *f = fopen("/dev/full", "w");
	struct emit j;

	(void)state;
	assert_non_null(f);
	emit_begin(&j);
	assert_int_equal(emit_end(&j, f), -1);
	fclose(f);
}

/* Reads each line of the file as strict JSON in strict UTF-8. */
static const char reader[] =
    "import json, sys\n"
    "def no(x): raise ValueError(x)\n"
    "n = 0\n"
    "for line in open(sys.argv[1], 'rb').read().split(b'\\n')[:-1]:\n"
    "    json.loads(line.decode('utf-8'), parse_constant=no)\n"
    "    n += 1\n"
    "sys.exit(0 if n == int(sys.argv[2]) else 1)\n";

static void
emit_gives_json_whatever_the_bytes_are(void **state)
{
	char path[] = "/tmp/postern-emit-XXXXXX", count[16];
	const char *argv[] = { "python3", "-c", reader, path, count, NULL };
	unsigned char junk[64];
	struct emit j;
	uint32_t seed = 1;
	int fd, lines, status;
	size_t i;
	pid_t pid;
	FILE *f;

	(void)state;
	fd = mkstemp(path);
	assert_int_not_equal(fd, -1);
	f = fdopen(fd, "w");
	for (lines = 0; lines < 2000; lines++) {
		for (i = 0; i < sizeof(junk); i++) {
			seed = seed * 1664525u + 1013904223u;
			junk[i] = (unsigned char)(seed >> 24);
			/* More of the bytes that begin a character. */
			if ((seed >> 20 & 3) == 0)
				junk[i] |= 0xc0;
		}
		emit_begin(&j);
		emit_strn(&j, "v", (char *)junk, sizeof(junk));
		junk[sizeof(junk) - 1] = '\0';
		emit_arr(&j, (char *)junk);
		emit_item(&j, (char *)junk + 7);
		assert_int_equal(emit_end(&j, f), 0);
	}
	fclose(f);
	snprintf(count, sizeof(count), "%d", lines);
	assert_int_equal(posix_spawnp(&pid, argv[0], NULL, NULL,
	    (char *const *)argv, environ), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	unlink(path);
	assert_int_equal(status, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(emit_writes_one_object_a_line),
		cmocka_unit_test(emit_end_closes_what_is_open),
		cmocka_unit_test(
		    emit_writes_nothing_rather_than_what_is_not_json),
		cmocka_unit_test(emit_refuses_a_line_past_its_cap),
		cmocka_unit_test(emit_notices_a_full_disk),
		cmocka_unit_test(emit_gives_json_whatever_the_bytes_are),
	};
	int rc = cmocka_run_group_tests(tests, NULL, NULL);

	free(text);
	return rc;
}
