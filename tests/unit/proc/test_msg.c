/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include "failmalloc.h"
#include "proc/msg.h"

struct seen {
	struct buf text;
	size_t frames;
	char stop_at, fail_at;
	const char *lo, *hi;	/* all payloads must lie in there */
};

static int
note(void *arg, char type, const char *data, size_t len, struct err *e)
{
	struct seen *s = arg;

	s->frames++;
	if (s->lo != NULL)
		assert_true(data >= s->lo && data + len <= s->hi);
	buf_addc(&s->text, type);
	buf_addc(&s->text, '[');
	buf_add(&s->text, data, len);
	buf_addc(&s->text, ']');
	if (type == s->fail_at)
		return err_set(e, ERR_REFUSED, "not now");
	return type == s->stop_at;
}

static void
seen_init(struct seen *s)
{
	*s = (struct seen){ 0 };
	buf_init(&s->text, 1 << 20);
}

/* Q A D E P R B, once each. */
static void
all_types(struct buf *out)
{
	buf_init(out, 1 << 20);
	assert_int_equal(msg_add(out, MSG_REQUEST, "op run\n", 7), 0);
	assert_int_equal(msg_add(out, MSG_BEAT, NULL, 0), 0);
	assert_int_equal(msg_add(out, MSG_ANSWER, "ok", 2), 0);
	assert_int_equal(msg_add(out, MSG_DATA, "\0\1B\0\0\0", 6), 0);
	assert_int_equal(msg_add_end(out, 24), 0);
	assert_int_equal(msg_add(out, MSG_PROGRESS, "files 1\n", 8), 0);
	assert_int_equal(msg_add(out, MSG_RESULT, "rc 0\n", 5), 0);
}

#define ALL_SEEN	"Q[op run\n]B[]A[ok]D[\0\1B\0\0\0]E[24]P[files 1\n]" \
	"R[rc 0\n]"

static void
frames_are_the_same_however_the_bytes_are_split(void **state)
{
	struct buf in = { 0 };
	struct seen s;
	struct err e = ERR_INIT;
	struct msg_in m;
	size_t step, at, n, used;

	all_types(&in);
	for (step = 1; step <= in.len; step++) {
		msg_init(&m);
		seen_init(&s);
		for (at = 0; at < in.len; at += n) {
			n = in.len - at < step ? in.len - at : step;
			used = 0;
			assert_int_equal(msg_feed(&m, in.data + at, n, &used,
			    note, &s, &e), 0);
			assert_int_equal(used, n);
		}
		assert_int_equal(msg_eof(&m, &e), 0);
		assert_int_equal(s.text.len, sizeof(ALL_SEEN) - 1);
		assert_memory_equal(s.text.data, ALL_SEEN, s.text.len);
		msg_clear(&m);
		buf_clear(&s.text);
	}
	buf_clear(&in);
}

static void
a_frame_that_came_whole_is_not_copied(void **state)
{
	struct buf in = { 0 };
	struct err e = ERR_INIT;
	struct msg_in m;
	struct seen s;

	all_types(&in);
	msg_init(&m);
	seen_init(&s);
	s.lo = in.data;
	s.hi = in.data + in.len;
	assert_int_equal(msg_feed(&m, in.data, in.len, NULL, note, &s, &e), 0);
	assert_int_equal(s.frames, 7);
	assert_int_equal(m.body.cap, 0);
	msg_clear(&m);
	buf_clear(&s.text);
	buf_clear(&in);
}

static void
every_other_type_and_length_is_refused(void **state)
{
	static const char types[] = "QADEPRBKCL";
	unsigned char h[MSG_HEAD] = { 0 };
	struct err e;
	struct msg_in m;
	struct seen s;
	unsigned c;

	for (c = 0; c < 256; c++) {
		if (c != 0 && strchr(types, (int)c) != NULL)
			continue;
		e = (struct err)ERR_INIT;
		msg_init(&m);
		seen_init(&s);
		h[0] = (unsigned char)c;
		/* At the first byte: nothing waits for the rest. */
		assert_int_equal(msg_feed(&m, h, 1, NULL, note, &s, &e), -1);
		assert_err(&e, ERR_PEER, "no frame of ours: type 0x");
		assert_int_equal(msg_feed(&m, "B\0\0\0", 4, NULL, note, &s,
		    &e), -1);
		assert_int_equal(s.frames, 0);
		msg_clear(&m);
		assert_int_equal(msg_head((char)c, 1, h), -1);
	}
}

static void
a_length_that_its_type_may_not_have_is_refused(void **state)
{
	static const struct { char head[MSG_HEAD + 1]; int ok; } t[] = {
		{ "D\1\0\0", 0 },	/* 65536, and no byte of it yet */
		{ "D\1\0\1", -1 }, { "D\377\377\377", -1 }, { "D\0\0\0", -1 },
		{ "Q\0\0\0", -1 }, { "A\0\0\0", -1 }, { "P\0\0\0", -1 },
		{ "K\0\0\40", 0 }, { "K\0\0\37", -1 }, { "K\0\0\41", -1 },
		{ "R\0\0\0", -1 }, { "E\0\0\0", -1 }, { "E\0\0\4", -1 },
		{ "E\0\0\3", 0 }, { "B\0\0\1", -1 }, { "B\1\0\0", -1 },
		{ "B\0\0\0", 0 }, { "Q\1\0\1", -1 },
	};
	struct err e = ERR_INIT;
	struct msg_in m;
	struct seen s;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		msg_init(&m);
		seen_init(&s);
		assert_int_equal(msg_feed(&m, t[i].head, MSG_HEAD, NULL, note,
		    &s, &e), t[i].ok);
		if (t[i].ok == -1)
			assert_err(&e, ERR_PEER, "bytes for type '");
		/* Nothing is set aside for what has not come. */
		assert_int_equal(m.body.cap, 0);
		msg_clear(&m);
		buf_clear(&s.text);
	}
}

static void
the_largest_payload_passes_and_one_payload_is_all_that_is_kept(void **state)
{
	struct buf in = { 0 };
	struct err e = ERR_INIT;
	struct msg_in m;
	struct seen s;
	char *big = calloc(1, MSG_MAX + 1);
	size_t i;

	assert_non_null(big);
	buf_init(&in, 1 << 20);
	assert_int_equal(msg_add(&in, MSG_DATA, big, MSG_MAX + 1), -1);
	assert_int_equal(in.len, 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(msg_add(&in, MSG_DATA, big, MSG_MAX), 0);
	msg_init(&m);
	seen_init(&s);
	for (i = 0; i < in.len; i += 1000) {
		assert_int_equal(msg_feed(&m, in.data + i,
		    in.len - i < 1000 ? in.len - i : 1000, NULL, note, &s,
		    &e), 0);
		assert_true(m.body.cap <= MSG_MAX + 1);
		buf_clear(&s.text);
	}
	assert_int_equal(s.frames, 3);
	assert_int_equal(msg_eof(&m, &e), 0);
	msg_clear(&m);
	buf_clear(&in);
	free(big);
}

static int
count(void *arg, char type, const char *data, size_t len, struct err *e)
{
	++*(size_t *)arg;
	return 0;
}

static void
a_flood_of_beats_allocates_nothing(void **state)
{
	static char beats[4 * 65536];
	struct err e = ERR_INIT;
	struct msg_in m;
	size_t i, n, frames = 0;

	for (i = 0; i < sizeof(beats); i += 4)
		beats[i] = 'B';
	msg_init(&m);
	failmalloc_arm(1);
	/* In pieces that cut headers, too. */
	for (i = 0; i < sizeof(beats); i += n) {
		n = sizeof(beats) - i < 1023 ? sizeof(beats) - i : 1023;
		assert_int_equal(msg_feed(&m, beats + i, n, NULL, count,
		    &frames, &e), 0);
	}
	assert_false(failmalloc_disarm());
	assert_int_equal(frames, sizeof(beats) / 4);
	assert_int_equal(m.body.cap, 0);
	msg_clear(&m);
}

static void
a_callback_that_stops_leaves_the_rest_for_later(void **state)
{
	struct err e = ERR_INIT;
	struct buf in = { 0 };
	struct msg_in m;
	struct seen s;
	size_t used = 0, more = 0;

	all_types(&in);
	msg_init(&m);
	seen_init(&s);
	s.stop_at = MSG_ANSWER;
	assert_int_equal(msg_feed(&m, in.data, in.len, &used, note, &s, &e),
	    0);
	assert_string_equal(s.text.data, "Q[op run\n]B[]A[ok]");
	assert_int_equal(used, 11 + 4 + 6);
	assert_int_equal(msg_feed(&m, in.data + used, in.len - used, &more,
	    note, &s, &e), 0);
	assert_int_equal(used + more, in.len);
	assert_int_equal(s.frames, 7);
	msg_clear(&m);
	buf_clear(&s.text);
	buf_clear(&in);
}

static void
a_callback_that_fails_ends_the_connection(void **state)
{
	struct err e = ERR_INIT;
	struct buf in = { 0 };
	struct msg_in m;
	struct seen s;

	all_types(&in);
	msg_init(&m);
	seen_init(&s);
	s.fail_at = MSG_BEAT;
	assert_int_equal(msg_feed(&m, in.data, in.len, NULL, note, &s, &e),
	    -1);
	assert_err(&e, ERR_REFUSED, "not now");
	assert_int_equal(s.frames, 2);
	assert_int_equal(msg_feed(&m, in.data, in.len, NULL, note, &s, &e),
	    -1);
	assert_err(&e, ERR_PEER, "ended with an error");
	assert_int_equal(s.frames, 2);
	msg_clear(&m);
	buf_clear(&s.text);
	buf_clear(&in);
}

static void
a_cut_frame_is_an_error_at_the_end(void **state)
{
	struct err e = ERR_INIT;
	struct buf in = { 0 };
	struct msg_in m;
	struct seen s;
	size_t n;

	buf_init(&in, 100);
	assert_int_equal(msg_add(&in, MSG_DATA, "abc", 3), 0);
	for (n = 0; n <= in.len; n++) {
		msg_init(&m);
		seen_init(&s);
		assert_int_equal(msg_feed(&m, in.data, n, NULL, note, &s, &e),
		    0);
		assert_int_equal(msg_eof(&m, &e), n == 0 || n == in.len ?
		    0 : -1);
		msg_clear(&m);
		buf_clear(&s.text);
	}
	assert_err(&e, ERR_PEER, "in the midst of a frame");
	buf_clear(&in);
}

static void
an_exit_status_is_decimal_and_below_256(void **state)
{
	static const char *const wrong[] = { "", "00", "01", "256", "999",
		"-1", "1 ", "a", "1.", "0x1", "1000" };
	struct err e = ERR_INIT;
	struct buf out = { 0 };
	int i, got = -7;
	size_t w;

	buf_init(&out, 100);
	for (i = 0; i < 256; i++) {
		buf_clear(&out);
		assert_int_equal(msg_add_end(&out, i), 0);
		assert_int_equal(msg_end(out.data + MSG_HEAD,
		    out.len - MSG_HEAD, &got, &e), 0);
		assert_int_equal(got, i);
	}
	for (w = 0; w < sizeof(wrong) / sizeof(wrong[0]); w++) {
		assert_int_equal(msg_end(wrong[w], strlen(wrong[w]), &got,
		    &e), -1);
		assert_err(&e, ERR_PEER, "no exit status");
	}
	assert_int_equal(got, 255);
	assert_int_equal(msg_add_end(&out, 256), -1);
	assert_int_equal(msg_add_end(&out, -1), -1);
	buf_clear(&out);
}

static void
out_of_memory_and_full_buffers_are_errors(void **state)
{
	struct buf out = { 0 };
	struct err e = ERR_INIT;
	struct msg_in m;
	struct seen s;

	buf_init(&out, 6);
	assert_int_equal(msg_add(&out, MSG_DATA, "abc", 3), -1);
	assert_int_equal(out.len, 0);
	assert_int_equal(msg_add(&out, MSG_DATA, "ab", 2), 0);
	msg_init(&m);
	seen_init(&s);
	failmalloc_arm(1);
	assert_int_equal(msg_feed(&m, out.data, 5, NULL, note, &s, &e), -1);
	assert_true(failmalloc_disarm());
	assert_err(&e, ERR_MEM, "memory");
	msg_clear(&m);
	msg_clear(&(struct msg_in){ 0 });
	buf_clear(&out);
}

static int
is_key(void *arg, char type, const char *data, size_t len, struct err *e)
{
	char want[MSG_KEY_LEN];

	memset(want, 'x', sizeof(want));
	assert_int_equal(type, MSG_KEY);
	assert_int_equal(len, MSG_KEY_LEN);
	assert_memory_equal(data, want, len);
	++*(int *)arg;
	return 0;
}

static void
a_key_that_came_in_pieces_is_wiped_after_its_callback(void **state)
{
	char frame[MSG_HEAD + MSG_KEY_LEN] = "K\0\0\40", zero[MSG_KEY_LEN];
	struct err e = ERR_INIT;
	struct msg_in m;
	size_t i;
	int n = 0;

	memset(frame + MSG_HEAD, 'x', MSG_KEY_LEN);
	memset(zero, 0, sizeof(zero));
	msg_init(&m);
	for (i = 0; i < sizeof(frame); i++)
		assert_int_equal(msg_feed(&m, frame + i, 1, NULL, is_key, &n,
		    &e), 0);
	assert_int_equal(n, 1);
	assert_memory_equal(m.body.data, zero, sizeof(zero));
	msg_clear(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    frames_are_the_same_however_the_bytes_are_split),
		cmocka_unit_test(a_frame_that_came_whole_is_not_copied),
		cmocka_unit_test(every_other_type_and_length_is_refused),
		cmocka_unit_test(
		    a_length_that_its_type_may_not_have_is_refused),
		cmocka_unit_test(
    the_largest_payload_passes_and_one_payload_is_all_that_is_kept),
		cmocka_unit_test(
		    a_key_that_came_in_pieces_is_wiped_after_its_callback),
		cmocka_unit_test(a_flood_of_beats_allocates_nothing),
		cmocka_unit_test(
		    a_callback_that_stops_leaves_the_rest_for_later),
		cmocka_unit_test(a_callback_that_fails_ends_the_connection),
		cmocka_unit_test(a_cut_frame_is_an_error_at_the_end),
		cmocka_unit_test(an_exit_status_is_decimal_and_below_256),
		cmocka_unit_test(out_of_memory_and_full_buffers_are_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
