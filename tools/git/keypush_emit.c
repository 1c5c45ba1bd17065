/* SPDX-License-Identifier: ISC */
#include "keypush.h"

#include <inttypes.h>
#include <sodium.h>
#include <string.h>

static int
emit_body(const struct keylist *keys, struct buf *body, struct err *e)
{
	const struct keylist_key *k;
	size_t i;

	for (i = 0; i < keys->n; i++) {
		k = &keys->v[i];
		if (gitid_check(k->id, strlen(k->id), e) == -1)
			return err_wrap(e, "%s", k->where);
		if (buf_addf(body, "%s %s %s\n", k->id, k->type, k->blob) ==
		    -1)
			return err_set(e, ERR_MEM, "more keys than fit in one "
			    "push, or out of memory");
	}
	return 0;
}

int
keypush_emit(const char *server, uint64_t sequence,
    const struct keylist *keys, struct buf *out, struct err *e)
{
	unsigned char sum[crypto_hash_sha256_BYTES];
	char hex[2 * sizeof(sum) + 1];
	size_t start = out->len;
	struct buf body;
	int rc;

	if (gitid_check(server, strlen(server), e) == -1)
		return err_wrap(e, "the server's name");
	if (sequence == 0 || sequence > INT64_MAX)
		return err_set(e, ERR_CONFIG, "sequence %" PRIu64 " is none",
		    sequence);
	buf_init(&body, out->max);
	if (emit_body(keys, &body, e) == -1) {
		buf_clear(&body);
		return -1;
	}
	crypto_hash_sha256(sum, (const unsigned char *)body.data, body.len);
	sodium_bin2hex(hex, sizeof(hex), sum, sizeof(sum));
	rc = buf_addf(out, KEYPUSH_BEGIN "\nformat 1\nserver %s\n"
	    "sequence %" PRIu64 "\ncount %zu\nsha256 %s\n\n", server,
	    sequence, keys->n, hex);
	if (rc == 0)
		rc = buf_add(out, body.data, body.len);
	if (rc == 0)
		rc = buf_adds(out, KEYPUSH_END "\n");
	buf_clear(&body);
	if (rc == 0)
		return 0;
	out->len = start;
	if (out->cap > 0)
		out->data[start] = '\0';
	return err_set(e, ERR_MEM, "more keys than fit in one push, or out of "
	    "memory");
}
