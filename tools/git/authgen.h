/* SPDX-License-Identifier: ISC */
/*
 * authgen: what sshd reads on the gateway: a line for each key, whose forced
 * command names the id. The file (authgen_text) and the index behind an
 * AuthorizedKeysCommand (authindex.h) have the same lines, from authgen_line().
 *
 *	restrict,command="PROXY ID" TYPE BASE64
 *
 * Pure. Source: sshd(8), AUTHORIZED_KEYS FILE FORMAT.
 */
#ifndef GIT_AUTHGEN_H
#define GIT_AUTHGEN_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "keylist.h"

#define AUTHGEN_TEXT_MAX ((size_t)1 << 30)	/* a cap for the callers */

/* authgen_line(): key's line, without a line feed, appended. proxy: the
 * absolute path of the gateway's forced command. 0, or -1: ERR_CONFIG (proxy
 * is not absolute or can't be in a forced command; the id is none), ERR_MEM. */
int authgen_line(const char *proxy, const struct keylist_key *key,
	struct buf *out, struct err *e);

/*
 * authgen_base(): the administrator's own lines, which stand first in the file
 * and are kept byte by byte: keys (with options or without), comments, blank
 * lines. Their keys are added to ret, with the id that ends the forced command,
 * or "" if it ends in none.
 * name  of the file, for messages.
 * Returns 0, or -1: ERR_CONFIG (a line that sshd would pass over: with its
 * number), ERR_REFUSED, ERR_MEM.
 */
int authgen_base(const char *name, const char *text, size_t len,
	struct keylist *ret, struct err *e);

/*
 * authgen_principals(): sshd's AuthorizedPrincipalsFile, appended: who may
 * come with a certificate that an authority signed whom root trusts. A line
 * for each id that has a key, once, in the order of their bytes; a
 * certificate's principal is the id. A comment comes first.
 *
 *	restrict,command="PROXY ID" ID
 *
 * 0, or -1 as authgen_line(). Source: sshd_config(5).
 */
int authgen_principals(const char *proxy, const struct keylist *keys,
	struct buf *out, struct err *e);

/* authgen_base_line(): one line of it, without its line feed, called where:
 * its key, if it has one, is added to ret. As above. */
int authgen_base_line(const char *where, const char *p, size_t len,
	struct keylist *ret, struct err *e);

/* authgen_text(): the whole file, appended: base (borrowed; base_len 0: none),
 * a comment with server and sequence, a line for each of keys, whose ids and
 * fingerprints must be unique (keyrules_unique()). 0, or -1 as
 * authgen_line(). */
int authgen_text(const char *proxy, const char *base, size_t base_len,
	const char *server, uint64_t sequence, const struct keylist *keys,
	struct buf *out, struct err *e);

#endif
