/* SPDX-License-Identifier: ISC */
/*
 * conf: INI files, read strictly: file:line in every message, unknown and
 * duplicate keys, unknown sections and over-long lines are errors. inih does
 * the syntax, one line at a time; what it would pass over in silence is
 * refused before it sees it: indented (continued) lines, text after ']', a
 * comment behind a value (' ;'), ':' between key and value, names of more
 * than 49 and lines of more than 197 bytes, carriage returns and other
 * control characters, a byte order mark. A section may come more than once.
 */
#ifndef POSTERN_CONF_H
#define POSTERN_CONF_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

struct conf_key {
	const char *section;	/* "" for keys before any section; "*" any;
				 * "job *": [job NAME] with any NAME */
	const char *key;	/* "*": any key, in a free-form section; "": the
				 * section's own line, each time, in the first
				 * row of that section */
	int id;			/* > 0 */
	bool many;		/* may appear more than once */
};

/* One key = value. section, key, value: borrowed for the call. at: the
 * "file:line" for messages. Returns 0, or -1 with *e filled. */
typedef int conf_fn(void *arg, int id, const char *section, const char *key,
	const char *value, const char *at, struct err *e);

/* conf_parse(): text of len bytes; name is used in messages. keys is ended
 * by a row with id 0. Pure. 0, or -1 ERR_CONFIG / ERR_MEM. */
int conf_parse(const char *text, size_t len, const char *name,
	const struct conf_key *keys, conf_fn *fn, void *arg, struct err *e);

/* conf_find(): the file to read for NAME: path when not NULL; else
 * $XDG_CONFIG_HOME (or ~/.config)/postern/NAME.conf, then
 * /etc/postern/NAME.conf, whichever exists first. Appends it to out; out
 * stays empty when there is none. 0, or -1 ERR_MEM. */
int conf_find(const char *name, const char *path, struct buf *out,
	struct err *e);

/* conf_load(): conf_find + read + conf_parse; no file is not an error
 * unless path was given. 0, or what fn and conf_parse() return, or -1:
 * ERR_SYS, ERR_CONFIG (not a regular file, larger than 1 MiB), ERR_UNSAFE
 * (the owner is neither root nor we, or group or others may write it). */
int conf_load(const char *name, const char *path, const struct conf_key *keys,
	conf_fn *fn, void *arg, struct err *e);

#endif
