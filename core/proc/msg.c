/* SPDX-License-Identifier: ISC */
#include "proc/msg.h"

#include <stdint.h>
#include <string.h>

/* What a payload's length may be. */
static const struct kind {
	char type;
	size_t min, max;
} kinds[] = {
	{ MSG_REQUEST, 1, MSG_MAX },
	{ MSG_ANSWER, 1, MSG_MAX },
	{ MSG_DATA, 1, MSG_MAX },
	{ MSG_END, 1, 3 },
	{ MSG_PROGRESS, 1, MSG_MAX },
	{ MSG_RESULT, 1, MSG_MAX },
	{ MSG_BEAT, 0, 0 },
	{ MSG_KEY, MSG_KEY_LEN, MSG_KEY_LEN },
	{ MSG_CHANGES, 1, MSG_MAX },
	{ MSG_LEFT, 1, MSG_MAX },
};

static const struct kind *
kind_of(char type)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].type == type)
			return &kinds[i];
	return NULL;
}

void
msg_init(struct msg_in *in)
{
	*in = (struct msg_in){ .head_len = 0 };
	buf_init(&in->body, MSG_MAX);
}

void
msg_clear(struct msg_in *in)
{
	if (in->head[0] == MSG_KEY && in->body.len > 0)
		explicit_bzero(in->body.data, in->body.len);
	if (in->body.cap > 0)
		buf_clear(&in->body);
	msg_init(in);
}

static size_t
length(const unsigned char head[MSG_HEAD])
{
	return (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
}

static int
check_head(const unsigned char head[MSG_HEAD], struct err *e)
{
	const struct kind *k = kind_of((char)head[0]);
	size_t len = length(head);

	if (k == NULL)
		return err_set(e, ERR_PEER, "what the other side sent is no "
		    "frame of ours: type 0x%02x", head[0]);
	if (len < k->min || len > k->max)
		return err_set(e, ERR_PEER, "what the other side sent is no "
		    "frame of ours: %zu bytes for type '%c'", len, k->type);
	return 0;
}

/* The rest of a header; takes what it needs of the *len bytes at *p. */
static int
take_head(struct msg_in *in, const char **p, size_t *len, struct err *e)
{
	while (in->head_len < MSG_HEAD && *len > 0) {
		in->head[in->head_len++] = (unsigned char)*(*p)++;
		--*len;
		/* A wrong type is said before its length has come. */
		if (in->head_len == 1 && kind_of((char)in->head[0]) == NULL)
			return check_head(in->head, e);
	}
	return in->head_len < MSG_HEAD ? 0 : check_head(in->head, e);
}

/* One frame or a part of one, of the *len bytes at *p. As msg_fn. */
static int
take_frame(struct msg_in *in, const char **p, size_t *len, msg_fn *fn,
    void *arg, struct err *e)
{
	size_t want, n;
	const char *data;
	int rc;

	if (take_head(in, p, len, e) == -1)
		return -1;
	if (in->head_len < MSG_HEAD)
		return 0;
	want = length(in->head) - in->body.len;
	n = *len < want ? *len : want;
	/* Nothing is set aside for what has not begun to come. */
	if (n == 0 && want > 0)
		return 0;
	data = *p;
	if (in->body.len > 0 || n < want) {
		if (buf_add(&in->body, data, n) == -1)
			return err_set(e, ERR_MEM, "out of memory");
		data = in->body.data;
	}
	*p += n;
	*len -= n;
	if (n < want)
		return 0;
	rc = fn(arg, (char)in->head[0], data, length(in->head), e);
	if (in->head[0] == MSG_KEY && in->body.len > 0)
		explicit_bzero(in->body.data, in->body.len);
	in->head_len = 0;
	/* Not cleared: the next one needs the memory again. */
	buf_eat(&in->body, in->body.len);
	return rc;
}

int
msg_feed(struct msg_in *in, const void *data, size_t len, size_t *ret_used,
    msg_fn *fn, void *arg, struct err *e)
{
	const char *p = data;
	size_t left = len;
	int rc = 0;

	if (in->broken)
		return err_set(e, ERR_PEER, "the connection's frames ended "
		    "with an error");
	while (left > 0 && rc == 0)
		rc = take_frame(in, &p, &left, fn, arg, e);
	if (rc < 0) {
		in->broken = true;
		return -1;
	}
	if (ret_used != NULL)
		*ret_used = len - left;
	return 0;
}

int
msg_eof(const struct msg_in *in, struct err *e)
{
	if (in->head_len == 0)
		return 0;
	return err_set(e, ERR_PEER, "the connection was cut in the midst of "
	    "a frame");
}

int
msg_head(char type, size_t len, unsigned char ret[MSG_HEAD])
{
	const struct kind *k = kind_of(type);

	if (k == NULL || len < k->min || len > k->max)
		return -1;
	ret[0] = (unsigned char)type;
	ret[1] = (unsigned char)(len >> 16);
	ret[2] = (unsigned char)(len >> 8 & 0xff);
	ret[3] = (unsigned char)(len & 0xff);
	return 0;
}

int
msg_add(struct buf *out, char type, const void *data, size_t len)
{
	unsigned char head[MSG_HEAD];
	size_t start = out->len;

	if (msg_head(type, len, head) == -1 ||
	    buf_add(out, head, sizeof(head)) == -1)
		return -1;
	if (len > 0 && buf_add(out, data, len) == -1) {
		out->len = start;
		out->data[start] = '\0';
		return -1;
	}
	return 0;
}

int
msg_add_end(struct buf *out, int status)
{
	char text[16];
	int n;

	if (status < 0 || status > 255)
		return -1;
	n = snprintf(text, sizeof(text), "%d", status);
	return msg_add(out, MSG_END, text, (size_t)n);
}

int
msg_end(const char *data, size_t len, int *ret_status, struct err *e)
{
	int n = 0;
	size_t i;

	if (len < 1 || len > 3 || (len > 1 && data[0] == '0'))
		goto bad;
	for (i = 0; i < len; i++) {
		if (data[i] < '0' || data[i] > '9')
			goto bad;
		n = n * 10 + (data[i] - '0');
	}
	if (n > 255)
		goto bad;
	*ret_status = n;
	return 0;
bad:
	return err_set(e, ERR_PEER, "what the other side sent is no exit "
	    "status");
}
