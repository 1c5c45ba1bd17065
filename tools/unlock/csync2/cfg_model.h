/* SPDX-License-Identifier: ISC */
/*
 * cfg_model: adding to a struct cfg. Internal to cfg. Everything is put in
 * place at once, so that cfg_clear() frees it whatever fails later.
 */
#ifndef POSTERN_CFG_MODEL_H
#define POSTERN_CFG_MODEL_H

#include "cfg.h"

/* No list of the model is longer: a file of 1 MiB can't do much with it. */
#define CFG_LIST_MAX 65536u

/*
 * cfg_model_grow(): one more zeroed element of size bytes at the end of the
 * vector *v with *n elements, which must have grown by this function only.
 * Returns it (borrowed), or NULL when memory is out or CFG_LIST_MAX reached.
 */
void *cfg_model_grow(void *v, size_t *n, size_t size);

/* cfg_model_strip(): remove the slashes at the end, but not the first byte:
 * what csync2 does to patterns and prefix paths. */
void cfg_model_strip(char *path);

/* cfg_model_lower(): ASCII capitals become small letters. */
void cfg_model_lower(char *s);

/* cfg_model_index(): what cfg_self() looks up in, once c is whole. 0, or -1
 * ERR_MEM. */
int cfg_model_index(struct cfg *c, struct err *e);

/* cfg_model_prefixed(): the name in "%name%rest": returns it (borrowed) with
 * *len bytes and where the rest begins; NULL when text has no % in front. */
const char *cfg_model_prefixed(const char *text, size_t *len,
	const char **rest);

/*
 * cfg_model_prefix(): the path of the prefix name (len bytes) on host, or
 * NULL: of prefixes of the same name csync2 takes the last that has a path.
 */
const char *cfg_model_prefix(const struct cfg *c, const char *name,
	size_t len, const char *host);

#endif
