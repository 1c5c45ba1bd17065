/* SPDX-License-Identifier: ISC */
/* msg: any bytes, in one piece and in many, give the same frames; what was
 * decoded is encoded to the same bytes, and never holds more than a payload.
 * A frame of text goes through msgtext as well. */
#include <stdint.h>

#include "proc/msg.h"
#include "proc/msgtext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
promise(int kept)
{
	if (!kept)
		abort();
}

static int
add_line(void *arg, const char *key, const char *value, size_t len,
    struct err *e)
{
	promise(strlen(value) == len);
	promise(msgtext_add(arg, key, value) == 0);
	return 0;
}

static int
again(void *arg, char type, const char *data, size_t len, struct err *e)
{
	struct buf text;

	promise(len <= MSG_MAX);
	promise(msg_add(arg, type, data, len) == 0);
	if (type == MSG_REQUEST) {
		/* One way to write each text. */
		buf_init(&text, MSG_MAX);
		if (msgtext_parse(data, len, add_line, &text, e) == 0)
			promise(text.len == len &&
			    memcmp(text.data, data, len) == 0);
		buf_clear(&text);
	}
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole, parts;
	struct msg_in a, b;
	struct err e = ERR_INIT;
	size_t i, step;
	int ra, rb = 0;

	msg_init(&a);
	msg_init(&b);
	buf_init(&whole, size);
	buf_init(&parts, size);
	ra = msg_feed(&a, data, size, NULL, again, &whole, &e);
	for (i = 0; i < size && rb == 0; i += step) {
		step = 1 + i % 7;
		if (step > size - i)
			step = size - i;
		rb = msg_feed(&b, data + i, step, NULL, again, &parts, &e);
		promise(b.body.cap <= MSG_MAX + 1);
	}
	promise(ra == rb);
	promise(whole.len == parts.len &&
	    memcmp(whole.data, parts.data, whole.len) == 0);
	promise(memcmp(whole.data, data, whole.len) == 0);
	if (ra == 0 && msg_eof(&a, &e) == 0)
		promise(whole.len == size);
	buf_clear(&whole);
	buf_clear(&parts);
	msg_clear(&a);
	msg_clear(&b);
	return 0;
}
