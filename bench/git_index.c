/* SPDX-License-Identifier: ISC */
/*
 * git_index DIR N KEY.pub: what the gateway has with N keys, in DIR: `file`,
 * as authorized_keys, and `index`, as postern-git-keys reads it. The key of
 * KEY.pub is the last of the file; the other ones are nobody's. `asked` has a
 * fingerprint a line, in no order that helps.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "authgen.h"
#include "authindex.h"
#include "base/num.h"
#include "sys/file.h"

#define PROXY	"/usr/local/libexec/postern/postern-git-proxy"
#define FILE_MAX ((size_t)1 << 28)
#define BLOB	51		/* of an ed25519 key */

static struct err err;

static void
need(int rc)
{
	if (rc == 0)
		return;
	fprintf(stderr, "git_index: %s\n", err.msg);
	exit(1);
}

/* Key number i, of nobody. */
static void
made_up(struct keylist *keys, uint32_t i)
{
	static const char type[] = "\0\0\0\013ssh-ed25519\0\0\0 ";
	unsigned char blob[BLOB], seed[randombytes_SEEDBYTES] = { 0 };
	char line[160] = "ssh-ed25519 ", id[16];
	struct keyline k;

	memcpy(seed, &i, sizeof(i));
	memcpy(blob, type, sizeof(type) - 1);
	randombytes_buf_deterministic(blob + sizeof(type) - 1,
	    sizeof(blob) - (sizeof(type) - 1), seed);
	sodium_bin2base64(line + 12, sizeof(line) - 12, blob, sizeof(blob),
	    sodium_base64_VARIANT_ORIGINAL);
	snprintf(id, sizeof(id), "u%u", i);
	need(keyline_parse(line, strlen(line), &k, &err));
	need(keylist_add(keys, id, &k, "made up", &err));
}

static void
put(const char *dir, const char *name, const struct buf *text)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	need(file_write(path, text->data, text->len, 0644, NULL, &err));
}

/* All of them, in the order of a hash that is not the fingerprint. */
static void
ask(const struct keylist *keys, struct buf *out)
{
	char fp[KEYLINE_FP_TEXT];
	size_t i;

	for (i = 0; i < keys->n; i++) {
		keyline_fp_text(keys->v[i].fp, fp);
		need(buf_addf(out, "%s\n", fp));
	}
}

int
main(int argc, char **argv)
{
	struct keylist keys = { 0 };
	struct buf own, text, index, fps;
	struct keyline k;
	uint64_t n;
	uint32_t i;

	if (argc != 4 || sodium_init() == -1)
		return 64;
	need(num_u64(argv[2], "", 1, KEYLIST_MAX, &n, &err));
	buf_init(&own, KEYLINE_MAX);
	buf_init(&text, FILE_MAX);
	buf_init(&index, FILE_MAX);
	buf_init(&fps, FILE_MAX);
	for (i = 1; i < n; i++)
		made_up(&keys, i);
	need(file_read(argv[3], &own, &err));
	need(keyline_parse(own.data, own.len, &k, &err));
	need(keylist_add(&keys, "alice", &k, argv[3], &err));
	need(authgen_text(PROXY, "", 0, "gl", 1, &keys, &text, &err));
	need(authindex_emit(PROXY, 1, &keys, &index, &err));
	ask(&keys, &fps);
	put(argv[1], "file", &text);
	put(argv[1], "index", &index);
	put(argv[1], "asked", &fps);
	keylist_clear(&keys);
	buf_clear(&own);
	buf_clear(&text);
	buf_clear(&index);
	buf_clear(&fps);
	return 0;
}
