/* SPDX-License-Identifier: ISC */
#include "rowtext.h"

#include <string.h>

#include "base/num.h"
#include "proc/msgtext.h"
#include "snapname.h"

int
rowtext_num(struct buf *out, const char *key, uint64_t n)
{
	return n == 0 ? 0 : msgtext_add_num(out, key, n);
}

int
rowtext_yes(struct buf *out, const char *key, bool on)
{
	return on ? msgtext_add(out, key, "yes") : 0;
}

int
rowtext_end(struct buf *out, size_t start, int rc)
{
	if (rc == 0)
		return 0;
	out->len = start;
	if (out->cap > 0)
		out->data[start] = '\0';
	return -1;
}

static int
set_text(char **to, const char *value, struct err *e)
{
	*to = strdup(value);
	return *to != NULL ? 0 : err_set(e, ERR_MEM, "out of memory");
}

static int
set_num(const struct rowtext_place *p, void *to, const char *value,
    struct err *e)
{
	const uint64_t max = p->kind == ROWTEXT_NUM64 ? UINT64_MAX :
	    p->kind == ROWTEXT_NUM32 ? UINT32_MAX : 07777;
	uint64_t n;

	if (num_u64(value, p->key, 0, max, &n, NULL) == -1)
		return err_set(e, ERR_PEER, "a row's %s is none", p->key);
	if (p->kind == ROWTEXT_NUM64)
		*(uint64_t *)to = n;
	else if (p->kind == ROWTEXT_NUM32)
		*(uint32_t *)to = (uint32_t)n;
	else
		*(uint32_t *)to |= (uint32_t)n;
	return 0;
}

static int
set(const struct rowtext_place *p, void *to, const char *value, struct err *e)
{
	struct snapname name;

	switch (p->kind) {
	case ROWTEXT_YES:
		*(bool *)to = strcmp(value, "yes") == 0;
		return 0;
	case ROWTEXT_SNAPSHOT:
		if (snapname_parse(value, &name, NULL) == -1)
			return err_set(e, ERR_PEER, "a row's %s is none",
			    p->key);
		return set_text(to, value, e);
	case ROWTEXT_TEXT:
		return set_text(to, value, e);
	default:
		return set_num(p, to, value, e);
	}
}

int
rowtext_set(const struct rowtext_place *places, size_t n, int of,
    unsigned *seen, void *record, const char *key, const char *value,
    struct err *e)
{
	size_t i;

	for (i = 0; i < n; i++)
		if ((places[i].of == 0 || places[i].of == of) &&
		    strcmp(key, places[i].key) == 0)
			break;
	if (i == n)
		return 0;
	if ((*seen & 1u << i) != 0)
		return err_set(e, ERR_PEER, "a row has %s twice", key);
	*seen |= 1u << i;
	return set(&places[i], (char *)record + places[i].at, value, e);
}
