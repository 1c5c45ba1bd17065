/* SPDX-License-Identifier: ISC */
/* The tables of request.h, and what is looked up in them. */
#include "request_keys.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "plain.h"
#include "request_why.h"

static const struct request_row ops[] = {
	{ "run", REQUEST_RUN, K_ROOT | K_RSYNC,
	    K_JOB | K_EXCLUDE | K_ONE_FS | K_MOUNT | K_COMPRESS | K_MODE |
	    K_DIRECT | K_PROGRESS | K_SINCE, K_ROOT | K_EXCLUDE | K_MOUNT },
	{ "restore", REQUEST_RESTORE, K_SNAPSHOT | K_PATH | K_RSYNC,
	    K_COMPRESS, K_PATH },
	{ "list", REQUEST_LIST, 0, K_SNAPSHOT | K_PATH, 0 },
	{ "find", REQUEST_FIND, K_PATTERN, K_SNAPSHOT | K_MATCH, 0 },
	{ "verify", REQUEST_VERIFY, 0, K_SNAPSHOT | K_MAX_AGE | K_SAMPLE, 0 },
	{ "cat", REQUEST_CAT, K_SNAPSHOT | K_PATH, 0, 0 },
};

int
request_word(const char *const *words, const char *value)
{
	int i;

	for (i = 0; words[i] != NULL; i++)
		if (strcmp(words[i], value) == 0)
			return i;
	return -1;
}

static const char *const op_words[] = { "run", "restore", "list", "find",
	"verify", "cat", NULL };
static const char *const version_words[] = { REQUEST_VERSION, NULL };
static const char *const bool_words[] = { "no", "yes", NULL };
static const char *const compress_words[] = { "none", "zstd", "zlib", NULL };
static const char *const mode_words[] = { "channel", "direct", NULL };

const struct request_key request_keys[] = {
	{ "op", K_OP, op_words },
	{ "version", K_VERSION, version_words },
	{ "job", K_JOB, NULL, request_name_why, offsetof(struct request, job) },
	{ "root", K_ROOT, NULL, plain_why, offsetof(struct request, roots),
	    true, true },
	{ "exclude", K_EXCLUDE, NULL, request_text_why,
	    offsetof(struct request, excludes), true },
	{ "one-file-system", K_ONE_FS, bool_words },
	{ "mount", K_MOUNT, NULL, plain_why,
	    offsetof(struct request, mounts), true, true },
	{ "compress", K_COMPRESS, compress_words },
	{ "rsync", K_RSYNC, NULL, request_rsync_why,
	    offsetof(struct request, rsync) },
	{ "snapshot", K_SNAPSHOT, NULL, request_snapshot_why,
	    offsetof(struct request, snapshot) },
	{ "path", K_PATH, NULL, plain_why, offsetof(struct request, paths),
	    true, true },
	{ "pattern", K_PATTERN, NULL, request_text_why,
	    offsetof(struct request, pattern) },
	{ "mode", K_MODE, mode_words },
	{ "port", K_PORT, NULL, request_port_why,
	    offsetof(struct request, port) },
	{ "host-key", K_HOST_KEY, NULL, request_key_why,
	    offsetof(struct request, host_key) },
	{ "user", K_USER, NULL, request_user_why,
	    offsetof(struct request, user) },
	{ "match", K_MATCH, NULL, request_match_why,
	    offsetof(struct request, match) },
	{ "max-age", K_MAX_AGE, NULL, request_age_why,
	    offsetof(struct request, max_age) },
	{ "sample", K_SAMPLE, NULL, request_sample_why,
	    offsetof(struct request, sample) },
	{ "progress", K_PROGRESS, bool_words },
	{ "since", K_SINCE, NULL, request_since_why,
	    offsetof(struct request, since) },
	{ "beat", K_BEAT, NULL, request_beat_why,
	    offsetof(struct request, beat) },
};
_Static_assert(sizeof(request_keys) / sizeof(request_keys[0]) == REQUEST_KEYS,
    "REQUEST_KEYS");

char **
request_string(const struct request *r, const struct request_key *k)
{
	return (char **)(void *)((uintptr_t)r + k->off);
}

struct strv *
request_list(const struct request *r, const struct request_key *k)
{
	return (struct strv *)(void *)((uintptr_t)r + k->off);
}

void
request_clear(struct request *r)
{
	size_t i;

	for (i = 0; i < REQUEST_KEYS; i++) {
		if (request_keys[i].list)
			strv_clear(request_list(r, &request_keys[i]));
		else if (request_keys[i].words == NULL)
			free(*request_string(r, &request_keys[i]));
	}
	*r = (struct request){ .one_file_system = false };
}

const struct request_row *
request_row(enum request_op op)
{
	size_t i;

	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (ops[i].op == op)
			return &ops[i];
	return NULL;
}

const char *
request_op_name(enum request_op op)
{
	const struct request_row *row = request_row(op);

	return row != NULL ? row->name : "?";
}

enum request_op
request_op_find(const char *name)
{
	int i = request_word(op_words, name);

	return (enum request_op)(i + 1);
}

const char *
request_compress_name(enum request_compress c)
{
	return compress_words[c];
}
