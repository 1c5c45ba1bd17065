/* SPDX-License-Identifier: ISC */
#include "ui/emit.h"

#include <inttypes.h>
#include <string.h>

#include "base/esc.h"

/* A line longer than this has lost its reader anyway. */
#define EMIT_MAX (16u << 20)

/* Every append goes through here: the first failure makes the line void. */
static void
put(struct emit *j, int rc)
{
	if (rc == -1)
		j->failed = true;
}

static void
put_string(struct emit *j, const char *s, size_t len)
{
	put(j, buf_addc(&j->b, '"'));
	put(j, esc_json(&j->b, s, len));
	put(j, buf_addc(&j->b, '"'));
}

/*
 * The comma and the key of the next value. A key in an array, none in an
 * object or a value outside of every object would not be JSON: such a call
 * is a mistake of ours, and the line fails rather than lie.
 */
static int
put_key(struct emit *j, const char *key)
{
	bool array;

	if (j->failed || j->depth == 0)
		goto fail;
	array = j->close[j->depth - 1] == ']';
	if (array != (key == NULL))
		goto fail;
	if (j->comma[j->depth - 1])
		put(j, buf_addc(&j->b, ','));
	j->comma[j->depth - 1] = true;
	if (key != NULL) {
		put_string(j, key, strlen(key));
		put(j, buf_addc(&j->b, ':'));
	}
	return 0;
fail:
	j->failed = true;
	return -1;
}

static void
descend(struct emit *j, char open, char close)
{
	if (j->depth == EMIT_DEPTH) {
		j->failed = true;
		return;
	}
	put(j, buf_addc(&j->b, open));
	j->comma[j->depth] = false;
	j->close[j->depth++] = close;
}

void
emit_begin(struct emit *j)
{
	*j = (struct emit){ .depth = 0 };
	buf_init(&j->b, EMIT_MAX);
	descend(j, '{', '}');
}

void
emit_str(struct emit *j, const char *key, const char *val)
{
	if (val != NULL)
		emit_strn(j, key, val, strlen(val));
	else if (put_key(j, key) == 0)
		put(j, buf_adds(&j->b, "null"));
}

void
emit_strn(struct emit *j, const char *key, const char *val, size_t len)
{
	if (put_key(j, key) == 0)
		put_string(j, val, len);
}

void
emit_num(struct emit *j, const char *key, int64_t val)
{
	if (put_key(j, key) == 0)
		put(j, buf_addf(&j->b, "%" PRId64, val));
}

void
emit_bool(struct emit *j, const char *key, bool val)
{
	if (put_key(j, key) == 0)
		put(j, buf_adds(&j->b, val ? "true" : "false"));
}

void
emit_arr(struct emit *j, const char *key)
{
	if (put_key(j, key) == 0)
		descend(j, '[', ']');
}

void
emit_obj(struct emit *j, const char *key)
{
	if (put_key(j, key) == 0)
		descend(j, '{', '}');
}

void
emit_item(struct emit *j, const char *val)
{
	emit_str(j, NULL, val);
}

void
emit_close(struct emit *j)
{
	/* The outermost } belongs to emit_end(). */
	if (j->depth < 2) {
		j->failed = true;
		return;
	}
	put(j, buf_addc(&j->b, j->close[--j->depth]));
}

int
emit_end(struct emit *j, FILE *out)
{
	int rc = -1;

	while (!j->failed && j->depth > 0)
		put(j, buf_addc(&j->b, j->close[--j->depth]));
	put(j, buf_addc(&j->b, '\n'));
	if (!j->failed && fwrite(j->b.data, 1, j->b.len, out) == j->b.len &&
	    fflush(out) == 0)
		rc = 0;
	buf_clear(&j->b);
	j->depth = 0;
	j->failed = true;
	return rc;
}
