/* SPDX-License-Identifier: ISC */
#include "key.h"

#include <stdlib.h>
#include <string.h>

#include "secret/source.h"

#define KEY_MIN 32
#define KEY_MAX 1024
#define KEY_RANDOM 43		/* 43 x 6 bits: 258 */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "abcdefghijklmnopqrstuvwxyz0123456789._";

struct key_source {
	struct secret *fixed;		/* NULL: random */
};

int
key_check(const unsigned char *data, size_t len, const char *what,
    struct err *e)
{
	size_t i;

	if (len < KEY_MIN)
		return err_set(e, ERR_CONFIG, "%s: a key of %zu characters; "
		    "csync2 wants at least %d", what, len, KEY_MIN);
	for (i = 0; i < len; i++)
		if (data[i] == '\0' || strchr(alphabet, data[i]) == NULL)
			return err_set(e, ERR_CONFIG, "%s: character %zu of "
			    "the key is none of A-Z a-z 0-9 . _", what,
			    i + 1);
	return 0;
}

struct key_source *
key_open(const char *spec, unsigned timeout_ms, struct err *e)
{
	const struct source_opts o = { .option = "--key", .also = "random, ",
	    .prompt = "csync2 key: ", .max = KEY_MAX,
	    .timeout_ms = timeout_ms };
	struct key_source *k;

	k = calloc(1, sizeof(*k));
	if (k == NULL) {
		err_set(e, ERR_MEM, "out of memory");
		return NULL;
	}
	if (strcmp(spec, "random") == 0)
		return k;
	k->fixed = source_read(spec, &o, e);
	if (k->fixed == NULL)
		goto fail;
	/* Only the first line counts, as in csync2. */
	source_line(k->fixed);
	if (key_check(secret_data(k->fixed), secret_len(k->fixed), "--key",
	    e) == -1)
		goto fail;
	return k;
fail:
	key_close(k);
	return NULL;
}

void
key_close(struct key_source *k)
{
	if (k == NULL)
		return;
	secret_free(k->fixed);
	free(k);
}

struct secret *
key_random(struct err *e)
{
	return secret_random(KEY_RANDOM, alphabet, e);
}

struct secret *
key_fixed(const struct key_source *k)
{
	return k->fixed;
}

int
key_fix(struct key_source *k, struct err *e)
{
	if (k->fixed == NULL)
		k->fixed = key_random(e);
	return k->fixed != NULL ? 0 : -1;
}
