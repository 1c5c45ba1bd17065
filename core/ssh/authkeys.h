/* SPDX-License-Identifier: ISC */
/*
 * authkeys: lines of an authorized_keys file: OPTIONS TYPE BASE64 COMMENT.
 * Pure but for authkeys_load() and authkeys_save(). A line is read as sshd
 * reads it: options end at the first blank outside of double quotes, where
 * \" is a quote; a line whose first word is a key type has no options. What
 * sshd would pass over (blank lines, comments, lines that are no key) is kept
 * and never matched. Every line but the one in question stays byte by byte.
 *
 * BASE64 must be canonical, as sshd wants it too: so two lines have the same
 * key if and only if type and text are the same.
 * Source: sshd(8), AUTHORIZED_KEYS FILE FORMAT; sshkey_read() and
 * sshkey_advance_past_options() of OpenSSH; RFC 4253 6.6.
 */
#ifndef POSTERN_AUTHKEYS_H
#define POSTERN_AUTHKEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

#define AUTHKEYS_LINE_MAX	16384	/* bytes of a line that is parsed */
#define AUTHKEYS_COMMENT_MAX	255	/* bytes of a comment of ours */
#define AUTHKEYS_FILE_MAX	(1u << 20)

struct authkeys_part {
	const char *p;		/* borrowed from the text; not terminated */
	size_t len;		/* 0: there is none */
};

struct authkeys_line {
	struct authkeys_part options, type, key, comment;
};

/*
 * authkeys_parse(): one line of len bytes, without its line feed. 0; or -1
 * ERR_CONFIG with what is wrong with it: blank or a comment, too long, an
 * open quote, an unknown type, no base64, base64 of something else than this
 * type says. Carriage returns at the end are no part of it.
 */
int authkeys_parse(const char *line, size_t len, struct authkeys_line *ret,
	struct err *e);

/* authkeys_public(): the same for what a person gave as a public key: one
 * line, its line feed allowed, no options, no certificate, no control byte. */
int authkeys_public(const char *text, size_t len, struct authkeys_line *ret,
	struct err *e);

/* authkeys_emit(): options, the key of k and comment as a line without a line
 * feed. options: as authkeys_command() makes them. 0, or -1: ERR_CONFIG
 * (comment empty, longer than its maximum or with other than 0x21..0x7e),
 * ERR_MEM. */
int authkeys_emit(const char *options, const struct authkeys_line *k,
	const char *comment, struct buf *out, struct err *e);

/* authkeys_command(): restrict,command="COMMAND" appended to out. COMMAND is
 * what sshd gives to the login shell; it may not have a backslash, which
 * could not be told from one that escapes a quote, or a control byte.
 * 0, or -1: ERR_CONFIG, ERR_MEM. */
int authkeys_command(const char *command, struct buf *out, struct err *e);

/* authkeys_same(): whether two lines have the same key. */
bool authkeys_same(const struct authkeys_line *a,
	const struct authkeys_line *b);

/* authkeys_find(): the first line of text that has the key of k into *ret;
 * false when none has. */
bool authkeys_find(const char *text, size_t len,
	const struct authkeys_line *k, struct authkeys_line *ret);

/*
 * authkeys_put(): text to out (initialised, empty) with line in place of the
 * first key whose comment is comment; further ones are dropped; without any,
 * line comes last. line NULL: they are removed. *ret_found: how many there
 * were. 0, or -1 ERR_MEM.
 */
int authkeys_put(const char *text, size_t len, const char *comment,
	const char *line, struct buf *out, size_t *ret_found, struct err *e);

/* authkeys_load(): the file at path into out (initialised with
 * AUTHKEYS_FILE_MAX); a missing one is empty. As file_read(). */
int authkeys_load(const char *path, struct buf *out, struct err *e);

/* authkeys_save(): replaces path atomically; mode 0600 for a new file, an old
 * one's without the right to write for group and others. As file_write(). */
int authkeys_save(const char *path, const struct buf *text, struct err *e);

#endif
