/* SPDX-License-Identifier: ISC */
/*
 * settings_keys: the table of backup.conf's keys, and what a value of each
 * kind may be. For settings.c.
 */
#ifndef BACKUP_SETTINGS_KEYS_H
#define BACKUP_SETTINGS_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum settings_base { BASE_JOB, BASE_STORE, BASE_STORE_POLICY,
	BASE_CLIENT, BASE_CLIENT_POLICY, BASE_CLIENT_PULL };

enum settings_kind {
	KIND_STR,	/* char *: not empty */
	KIND_PATH,	/* char *: absolute, clean */
	KIND_PROGRAM,	/* char *: settings_program() */
	KIND_HOST,	/* char *: host_check() */
	KIND_NAME,	/* char *: settings_name() */
	KIND_LIST,	/* struct strv: each not empty */
	KIND_ROOTS,	/* struct strv: as KIND_PATH, none twice */
	/* int64_t from here on */
	KIND_NUM,	/* min..max */
	KIND_SIZE,	/* num_size() */
	KIND_TIME,	/* num_duration_ms() */
	KIND_BOOL,	/* yes, no */
	KIND_WORD,	/* the index of one of words */
	KIND_IONICE,	/* idle, best-effort[:0-7] */
	KIND_ALLOW,	/* allow_parse() */
};

struct settings_key {
	const char *section;	/* as in core/ui/conf */
	const char *key;
	enum settings_kind kind;
	enum settings_base base;
	size_t at;		/* in the struct that base means */
	int64_t min, max;	/* KIND_NUM */
	const char *words;	/* KIND_WORD: "none zstd zlib" */
};

/* Ended by a row whose key is NULL. */
extern const struct settings_key settings_keys[];

/* settings_value(): value into what lies at the place of k. 0, or -1:
 * ERR_USAGE, ERR_CONFIG (what is wrong with it, the key in front), ERR_MEM. */
int settings_value(const struct settings_key *k, const char *key,
	const char *value, void *place, struct err *e);

/* settings_path(): absolute, no "//", "." or "..", no slash at the end but
 * in "/" itself, no byte below 0x20. 0, or -1 ERR_USAGE. */
int settings_path(const char *s, const char *what, struct err *e);

/* settings_program(): an absolute path, or a name that PATH is searched for:
 * what is relative would be looked for wherever a run begins. 0, or -1
 * ERR_USAGE. */
int settings_program(const char *s, const char *what, struct err *e);

#endif
