/* SPDX-License-Identifier: ISC */
#include "muxmsg.h"

#include <arpa/inet.h>
#include <string.h>

#define VERSION		4u
#define REQUEST		0u	/* there is one a connection */
#define NO_ESCAPE	0xffffffffu

#define HELLO		0x00000001u
#define NEW_SESSION	0x10000002u
#define DENIED		0x80000002u
#define FAILURE		0x80000003u
#define EXIT_MESSAGE	0x80000004u
#define OPENED		0x80000006u

/* A master's message: its type, how many numbers begin it, what it means. */
static const struct told {
	uint32_t type;
	unsigned numbers;
	enum muxmsg_kind kind;
} told[] = {
	{ HELLO, 1, MUXMSG_HELLO },
	{ DENIED, 1, MUXMSG_REFUSED },
	{ FAILURE, 1, MUXMSG_REFUSED },
	{ OPENED, 2, MUXMSG_OPENED },
	{ EXIT_MESSAGE, 2, MUXMSG_EXIT },
};

static int
add_num(struct buf *out, uint32_t n)
{
	n = htonl(n);
	return buf_add(out, &n, sizeof(n));
}

static int
add_str(struct buf *out, const char *s)
{
	return add_num(out, (uint32_t)strlen(s)) == -1 ? -1 :
	    buf_adds(out, s);
}

int
muxmsg_hello(struct buf *out, struct err *e)
{
	int bad = 0;

	bad |= add_num(out, 8);
	bad |= add_num(out, HELLO);
	bad |= add_num(out, VERSION);
	return bad != 0 ? err_set(e, ERR_MEM, "out of memory") : 0;
}

int
muxmsg_open(const char *command, struct buf *out, struct err *e)
{
	/* reserved, terminal, X11, agent, subsystem, escape, TERM, command */
	size_t len = 4 + 4 + 4 + 4 * 4 + 4 + 4 + 4 + strlen(command);
	int i, bad = 0;

	if (len > MUXMSG_MAX - 4)
		return err_set(e, ERR_MEM, "the command is too long");
	bad |= add_num(out, (uint32_t)len);
	bad |= add_num(out, NEW_SESSION);
	bad |= add_num(out, REQUEST);
	bad |= add_str(out, "");
	for (i = 0; i < 4; i++)
		bad |= add_num(out, 0);
	bad |= add_num(out, NO_ESCAPE);
	bad |= add_str(out, "");
	bad |= add_str(out, command);
	return bad != 0 ? err_set(e, ERR_MEM, "out of memory") : 0;
}

/* Number i of a message, its length being number 0. */
static uint32_t
number(const void *data, size_t i)
{
	uint32_t n;

	memcpy(&n, (const char *)data + 4 * i, sizeof(n));
	return ntohl(n);
}

int
muxmsg_next(const void *data, size_t len, struct muxmsg *ret, struct err *e)
{
	struct muxmsg m = { .kind = MUXMSG_OTHER };
	uint32_t type;
	size_t i;

	*ret = (struct muxmsg){ .kind = MUXMSG_MORE };
	if (len < 4)
		return 0;
	m.len = (size_t)number(data, 0) + 4;
	if (m.len < 8 || m.len > MUXMSG_MAX)
		return err_set(e, ERR_PEER, "the master's socket: a message "
		    "of %zu bytes", m.len);
	if (len < m.len)
		return 0;
	type = number(data, 1);
	for (i = 0; i < sizeof(told) / sizeof(*told); i++) {
		if (told[i].type != type)
			continue;
		if (m.len < 8 + 4 * (size_t)told[i].numbers)
			return err_set(e, ERR_PEER, "the master's socket: a "
			    "message %#x that is too short", type);
		m.kind = told[i].kind;
	}
	if (m.kind == MUXMSG_HELLO && number(data, 2) != VERSION)
		return err_set(e, ERR_PEER, "the master's socket: version %u, "
		    "not %u", number(data, 2), VERSION);
	if (m.kind == MUXMSG_EXIT)
		m.status = number(data, 3);
	*ret = m;
	return 0;
}
