/* SPDX-License-Identifier: ISC */
/*
 * nettcp: the rows of /proc/net/tcp. Pure.
 */
#ifndef POSTERN_NETTCP_H
#define POSTERN_NETTCP_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct nettcp {
	struct in_addr local_addr, remote_addr;	/* network order */
	uint16_t local_port, remote_port;	/* host order */
	unsigned state;		/* 1: established */
	uid_t uid;		/* 0 also when nobody holds the socket */
	uint64_t inode;		/* 0: nobody holds the socket */
};

/* nettcp_parse(): one line, NUL-terminated, with or without its newline.
 * 0, or -1 when it is no such row (the heading, for one). */
int nettcp_parse(const char *line, struct nettcp *ret);

#endif
