/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "failmalloc.h"
#include "screen.h"
#include "ui/progress.h"

/* The linker sends write(2) here (--wrap): each call is counted. */
ssize_t __real_write(int fd, const void *data, size_t len);
ssize_t __wrap_write(int fd, const void *data, size_t len);

static int master = -1, slave = -1;
static unsigned writes;
static struct screen screen;
static struct progress *p;
static struct err e;

ssize_t
__wrap_write(int fd, const void *data, size_t len)
{
	writes += fd == slave;
	return __real_write(fd, data, len);
}

static void
resize(unsigned rows, unsigned cols)
{
	struct winsize w = { .ws_row = (unsigned short)rows,
		.ws_col = (unsigned short)cols };

	assert_int_equal(ioctl(master, TIOCSWINSZ, &w), 0);
}

static int
terminal(void **state)
{
	(void)state;
	setenv("TERM", "xterm", 1);
	unsetenv("NO_COLOR");
	setlocale(LC_CTYPE, "C.UTF-8");
	if (openpty(&master, &slave, NULL, NULL, NULL) == -1)
		return -1;
	resize(24, 80);
	screen_init(&screen, 24, 80);
	writes = 0;
	return 0;
}

static int
no_terminal(void **state)
{
	(void)state;
	progress_free(p);
	p = NULL;
	close(master);
	close(slave);
	master = slave = -1;
	return 0;
}

/* Shows the screen what was written since the last look; a mark at the end
 * says that all of it has come through the pty. */
static void
look(void)
{
	static char got[1 << 18];
	size_t len = 0;
	ssize_t n;

	assert_int_equal(__real_write(slave, "\001", 1), 1);
	while (len == 0 || got[len - 1] != '\001') {
		n = read(master, got + len, sizeof(got) - len);
		assert_true(n > 0);
		len += (size_t)n;
	}
	assert_null(memchr(got, '\001', len - 1));
	screen_feed(&screen, got, len - 1);
	assert_false(screen.nowrap);
}

static void
start(size_t n)
{
	progress_free(p);
	p = progress_new(slave, n, false, &e);
	assert_non_null(p);
}

static void
set_range(size_t from, size_t to, enum progress_kind kind, const char *word)
{
	char name[32];
	size_t i;

	for (i = from; i < to; i++) {
		snprintf(name, sizeof(name), "host%zu", i);
		progress_set(p, i, name, kind, word, NULL);
	}
}

static void
progress_draws_a_line_an_item_in_one_write(void **state)
{
	(void)state;
	start(3);
	progress_set(p, 0, "a", PROGRESS_RUN, "connecting", NULL);
	progress_set(p, 1, "longer", PROGRESS_BAD, "failed", "no route");
	progress_set(p, 2, "c", PROGRESS_GOOD, "synced", NULL);
	assert_int_equal(writes, 0);
	progress_tick(p, 1000);
	assert_int_equal(writes, 1);
	look();
	assert_string_equal(screen_line(&screen, 0), "a       connecting");
	assert_string_equal(screen_line(&screen, 1),
	    "longer  failed  no route");
	assert_string_equal(screen_line(&screen, 2), "c       synced");
	assert_int_equal(screen.row, 3);
	assert_true(screen.coloured);
	progress_set(p, 0, "a", PROGRESS_GOOD, "ok", NULL);
	progress_tick(p, 1200);
	assert_int_equal(writes, 2);
	look();
	assert_string_equal(screen_line(&screen, 0), "a       ok");
	assert_int_equal(screen_used(&screen), 3);
	assert_int_equal(screen.scrolled, 0);
}

static void
progress_draws_at_most_ten_times_a_second(void **state)
{
	uint64_t t;

	(void)state;
	start(1);
	for (t = 1000; t < 2000; t++) {
		progress_set(p, 0, "a", PROGRESS_RUN, t % 2 ? "x" : "y", NULL);
		progress_tick(p, t);
	}
	assert_in_range(writes, 9, 10);
	/* Nothing new, nothing running: nothing to draw. */
	progress_tick(p, 2400);
	look();
	writes = 0;
	progress_tick(p, 2600);
	progress_tick(p, 2800);
	assert_int_equal(writes, 0);
}

static void
progress_shows_the_seconds_of_what_runs(void **state)
{
	(void)state;
	start(2);
	progress_tick(p, 1000);
	progress_set(p, 0, "a", PROGRESS_RUN, "reading", "f");
	progress_set(p, 1, "b", PROGRESS_GOOD, "synced", NULL);
	progress_tick(p, 1001);
	progress_set(p, 0, "a", PROGRESS_RUN, "reading", "g");
	progress_tick(p, 8500);
	look();
	assert_string_equal(screen_line(&screen, 0), "a  reading  g  7s");
	assert_string_equal(screen_line(&screen, 1), "b  synced");
}

static void
progress_draws_only_as_many_lines_as_fit(void **state)
{
	unsigned i;

	(void)state;
	start(100);
	set_range(0, 90, PROGRESS_GOOD, "synced");
	set_range(90, 95, PROGRESS_RUN, "reading");
	set_range(95, 98, PROGRESS_BAD, "failed");
	for (i = 0; i < 5; i++) {
		progress_set(p, 0, "host0", PROGRESS_GOOD, i % 2 ? "a" : "b",
		    NULL);
		progress_tick(p, 1000 + i * 100);
		look();
		assert_int_equal(screen_used(&screen), 23);
		assert_int_equal(screen.scrolled, 0);
	}
	assert_string_equal(screen_line(&screen, 0), "host95  failed");
	assert_string_equal(screen_line(&screen, 2), "host97  failed");
	assert_string_equal(screen_line(&screen, 3), "host90  reading");
	assert_string_equal(screen_line(&screen, 8), "host0   b");
	assert_string_equal(screen_line(&screen, 22),
	    "... and 78 more: 2 waiting, 76 done");
}

static void
progress_leaves_every_failure_on_the_screen_at_the_end(void **state)
{
	char name[64];
	unsigned i;

	(void)state;
	screen_init(&screen, 64, 80);
	start(100);
	set_range(0, 70, PROGRESS_GOOD, "synced");
	set_range(70, 100, PROGRESS_BAD, "failed");
	progress_tick(p, 1000);
	look();
	assert_string_equal(screen_line(&screen, 22),
	    "... and 78 more: 8 failed, 70 done");
	progress_free(p);
	p = NULL;
	look();
	assert_int_equal(screen_used(&screen), 31);
	for (i = 0; i < 30; i++) {
		snprintf(name, sizeof(name), "host%u  failed", 70 + i);
		assert_string_equal(screen_line(&screen, i), name);
	}
	assert_string_equal(screen_line(&screen, 30),
	    "... and 70 more: 70 done");
}

static void
progress_follows_a_resize(void **state)
{
	unsigned i;

	(void)state;
	start(100);
	set_range(0, 100, PROGRESS_RUN, "reading a long list of files");
	progress_tick(p, 1000);
	look();
	screen_resize(&screen, 10, 20);
	resize(10, 20);
	progress_set(p, 0, "host0", PROGRESS_GOOD, "synced", NULL);
	progress_tick(p, 1100);
	look();
	assert_int_equal(screen_used(&screen), 9);
	assert_string_equal(screen_line(&screen, 0), "host1   reading a l");
	assert_string_equal(screen_line(&screen, 8), "... and 92 more: 91");
	screen_resize(&screen, 30, 60);
	resize(30, 60);
	progress_set(p, 1, "host1", PROGRESS_GOOD, "synced", NULL);
	progress_tick(p, 1200);
	look();
	assert_int_equal(screen_used(&screen), 29);
	for (i = 0; i < 28; i++)
		assert_memory_equal(screen_line(&screen, i), "host", 4);
	screen_resize(&screen, 1, 1);
	resize(1, 1);
	progress_set(p, 1, "host1", PROGRESS_BAD, "no", NULL);
	progress_tick(p, 1300);
	look();
}

static const char hostile[] = "\033[2J\033[10A\r\nowned\x07\x9b" "2J\b\x7f "
	"\xe6\xbc\xa2\xe5\xad\x97 \xe2\x80\xae rtl \xff\xc0 a\xcc\x81\xcc\x81"
	"\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81 \xf0\x9f\x98\x80";

static void
progress_never_lets_a_hostile_text_through(void **state)
{
	char wide[1200];
	size_t i, cols;

	(void)state;
	for (i = 0; i + 3 < sizeof(wide); i += 3)
		memcpy(wide + i, "\xe6\xbc\xa2", 3);
	wide[i] = '\0';
	start(3);
	for (cols = 1; cols < 120; cols++) {
		resize(24, (unsigned)cols);
		screen_resize(&screen, 24, (unsigned)cols);
		progress_set(p, 0, hostile, PROGRESS_RUN, hostile, hostile);
		progress_set(p, 1, "b", PROGRESS_BAD, "failed",
		    cols % 2 ? wide : wide + 1);
		progress_set(p, 2, wide, PROGRESS_GOOD, "x", NULL);
		progress_tick(p, cols * 100);
		look();
		assert_int_equal(screen.row, 3);
		assert_int_equal(screen.scrolled, 0);
		assert_true(screen_used(&screen) <= 3);
	}
	assert_memory_equal(screen_line(&screen, 0), "\\x1b[2J\\x1b[10A", 15);
}

static void
progress_escapes_all_but_ascii_without_a_utf8_locale(void **state)
{
	(void)state;
	setlocale(LC_CTYPE, "C");
	start(1);
	progress_set(p, 0, "h\xc3\xa9", PROGRESS_RUN, "x",
	    "\xe6\xbc\xa2\xe5\xad\x97");
	progress_tick(p, 100);
	look();
	assert_string_equal(screen_line(&screen, 0),
	    "h\\xc3\\xa9  x  \\xe6\\xbc\\xa2\\xe5\\xad\\x97");
}

static void
progress_without_colour_sends_none(void **state)
{
	(void)state;
	setenv("NO_COLOR", "1", 1);
	start(1);
	progress_set(p, 0, "a", PROGRESS_BAD, "failed", NULL);
	progress_tick(p, 100);
	look();
	assert_string_equal(screen_line(&screen, 0), "a  failed");
	assert_false(screen.coloured);
}

static void
progress_hides_for_a_log_line_and_comes_back(void **state)
{
	int i;

	(void)state;
	start(2);
	set_range(0, 2, PROGRESS_RUN, "reading");
	progress_tick(p, 1000);
	writes = 0;
	for (i = 0; i < 3; i++) {
		progress_hide(p);
		assert_int_equal(__real_write(slave, "log line\n", 9), 9);
		progress_show(p);
	}
	/* Off, on, off again: then it waits for the tick. */
	assert_int_equal(writes, 3);
	look();
	assert_int_equal(screen_used(&screen), 3);
	progress_tick(p, 1001);
	look();
	assert_string_equal(screen_line(&screen, 2), "log line");
	assert_string_equal(screen_line(&screen, 3), "host0  reading");
	assert_string_equal(screen_line(&screen, 4), "host1  reading");
	assert_int_equal(screen_used(&screen), 5);
}

/* Elsewhere: a datagram socket, so that each write is one message. */
static const char *
message(int fd)
{
	static char got[16384];
	ssize_t n = recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT);

	got[n > 0 ? n : 0] = '\0';
	return got;
}

static void
progress_prints_a_line_an_event_elsewhere(void **state)
{
	int sv[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, sv), 0);
	p = progress_new(sv[1], 2, false, &e);
	progress_set(p, 0, "h1", PROGRESS_RUN, "connecting", NULL);
	assert_string_equal(message(sv[0]), "h1: connecting\n");
	progress_set(p, 0, "h1", PROGRESS_RUN, "connecting", "still");
	assert_string_equal(message(sv[0]), "");
	progress_set(p, 0, "h1", PROGRESS_BAD, "failed",
	    "a\nh2: synced\033[2J");
	assert_string_equal(message(sv[0]),
	    "h1: failed a\\x0ah2: synced\\x1b[2J\n");
	progress_set(p, 2, "no such item", PROGRESS_RUN, "x", NULL);
	progress_hide(p);
	progress_show(p);
	progress_tick(p, 5000);
	progress_free(p);
	assert_string_equal(message(sv[0]), "");
	p = progress_new(sv[1], 1, true, &e);
	progress_set(p, 0, "h1", PROGRESS_RUN, "connecting", NULL);
	assert_string_equal(message(sv[0]), "");
	progress_set(p, 0, "h1", PROGRESS_BAD, "failed", "why");
	assert_string_equal(message(sv[0]), "h1: failed why\n");
	close(sv[0]);
	close(sv[1]);
}

static void
progress_is_not_live_on_a_dumb_or_quiet_terminal(void **state)
{
	(void)state;
	setenv("TERM", "dumb", 1);
	start(1);
	assert_false(progress_live(p));
	progress_set(p, 0, "a", PROGRESS_RUN, "x", NULL);
	assert_int_equal(writes, 1);
	look();
	assert_string_equal(screen_line(&screen, 0), "a: x");
	setenv("TERM", "xterm", 1);
	progress_free(p);
	p = progress_new(slave, 1, false, &e);
	assert_true(progress_live(p));
	progress_free(p);
	writes = 0;
	p = progress_new(slave, 1, true, &e);
	assert_false(progress_live(p));
	progress_set(p, 0, "a", PROGRESS_RUN, "x", NULL);
	progress_tick(p, 1000);
	assert_int_equal(writes, 0);
}

static void
progress_draws_an_item_whose_state_found_no_memory(void **state)
{
	unsigned long n;

	(void)state;
	for (n = 1;; n++) {
		start(1);
		failmalloc_arm(n);
		progress_set(p, 0, "a", PROGRESS_RUN, "", NULL);
		progress_tick(p, 1000);
		if (!failmalloc_disarm())
			break;
		progress_tick(p, 2000);
	}
	assert_true(n > 3);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, terminal, no_terminal)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(progress_draws_a_line_an_item_in_one_write),
		TEST(progress_draws_at_most_ten_times_a_second),
		TEST(progress_shows_the_seconds_of_what_runs),
		TEST(progress_draws_only_as_many_lines_as_fit),
		TEST(progress_leaves_every_failure_on_the_screen_at_the_end),
		TEST(progress_follows_a_resize),
		TEST(progress_never_lets_a_hostile_text_through),
		TEST(progress_escapes_all_but_ascii_without_a_utf8_locale),
		TEST(progress_without_colour_sends_none),
		TEST(progress_hides_for_a_log_line_and_comes_back),
		TEST(progress_prints_a_line_an_event_elsewhere),
		TEST(progress_is_not_live_on_a_dumb_or_quiet_terminal),
		TEST(progress_draws_an_item_whose_state_found_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
