/* SPDX-License-Identifier: ISC */
/*
 * request_keys: which keys a request has, and which of them an operation
 * takes: the tables that request.c reads and writes by.
 */
#ifndef POSTERN_REQUEST_KEYS_H
#define POSTERN_REQUEST_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "request.h"

#define REQUEST_VERSION	"1"

/* One bit a key. */
enum {
	K_OP = 1 << 0,
	K_VERSION = 1 << 1,
	K_JOB = 1 << 2,
	K_ROOT = 1 << 3,
	K_EXCLUDE = 1 << 4,
	K_ONE_FS = 1 << 5,
	K_COMPRESS = 1 << 6,
	K_RSYNC = 1 << 7,
	K_SNAPSHOT = 1 << 8,
	K_PATH = 1 << 9,
	K_PATTERN = 1 << 10,
	K_MATCH = 1 << 11,
	K_MAX_AGE = 1 << 12,
	K_SAMPLE = 1 << 13,
	K_MODE = 1 << 14,
	K_PORT = 1 << 15,
	K_HOST_KEY = 1 << 16,
	K_USER = 1 << 17,
	K_BEAT = 1 << 18,
	K_MOUNT = 1 << 19,
	K_PROGRESS = 1 << 20,
	K_SINCE = 1 << 21,
};

/* What every operation needs, and what each may have. */
#define K_ALWAYS	(K_OP | K_VERSION)
#define K_ANY		K_BEAT
/* With mode direct all of these, without it none. */
#define K_DIRECT	(K_PORT | K_HOST_KEY | K_USER)

struct request_row {
	const char *name;
	enum request_op op;
	unsigned needs, takes, repeats;	/* takes: besides what it needs */
};

/* request_row(): of op; NULL: there is no such. */
const struct request_row *request_row(enum request_op op);

/* Exactly one of words and why; a word's place in words is its number. off: of
 * an owned string or a struct strv, by list. */
struct request_key {
	const char *name;
	unsigned bit;
	const char *const *words;
	const char *(*why)(const char *value);
	size_t off;
	bool list, unique;
};
#define REQUEST_KEYS	22
/* In the order of emission. */
extern const struct request_key request_keys[];

/* request_word(): the index of value among words; -1: none of them. */
int request_word(const char *const *words, const char *value);
/* request_string(), request_list(): where k is in r. */
char **request_string(const struct request *r, const struct request_key *k);
struct strv *request_list(const struct request *r,
	const struct request_key *k);

#endif
