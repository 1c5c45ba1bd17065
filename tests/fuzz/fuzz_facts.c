/* SPDX-License-Identifier: ISC */
/*
 * What hosts tell the check of themselves: the first byte chooses the way of
 * the push, each line after it is a fact of one host after another. Whatever
 * they say, each finding has a text and a cure and stands once, the worst
 * first, and nothing in it can move a cursor.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NHOSTS 3

static const char priv[] = "group priv { host h1 (h2 h3); key k; "
    "include /srv/priv; }\n";
static const char pub[] = "nossl h1 *;\ngroup pub { host h1 h2; key k1; "
    "include /srv; }\n";

static int
load(void *arg, const char *name, struct buf *out, struct err *e)
{
	(void)name;
	(void)e;
	return buf_adds(out, *(const char *const *)arg);
}

static void
parse(struct cfg *c, const char *name, const char *text)
{
	struct err e = ERR_INIT;

	if (cfg_parse(name, "h1", load, &text, c, &e) == -1)
		abort();
}

/* Up to the first line that is refused, as a host's session goes. */
static void
tell(struct check_host *hosts, const uint8_t *data, size_t size)
{
	const uint8_t *nl;
	struct err e = ERR_INIT;
	size_t len, n = 0;
	char *line;
	int rc = 0;

	for (; size > 0 && rc == 0; data += len, size -= len) {
		nl = memchr(data, '\n', size);
		len = nl != NULL ? (size_t)(nl - data) + 1 : size;
		line = strndup((const char *)data, nl != NULL ? len - 1 :
		    len);
		if (line == NULL)
			abort();
		rc = check_fact_add(&hosts[n++ % NHOSTS], line, &e);
		free(line);
	}
}

static void
judge(const struct check_list *l)
{
	const struct check_finding *f;
	const char *p;
	size_t i, k;

	for (i = 0; i < l->n; i++) {
		f = &l->v[i];
		if (f->text[0] == '\0' || f->cure[0] == '\0' ||
		    (i > 0 && l->v[i - 1].level < f->level))
			abort();
		for (p = f->text; *p != '\0'; p++)
			if ((unsigned char)*p < ' ' || *p == 0x7f)
				abort();
		for (k = 0; k < i && l->n < 100; k++)
			if (strcmp(l->v[k].id, f->id) == 0 &&
			    strcmp(l->v[k].text, f->text) == 0 &&
			    l->v[k].at.line == f->at.line &&
			    l->v[k].host != NULL && f->host != NULL &&
			    strcmp(l->v[k].host, f->host) == 0)
				abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum check_mode modes[] = { CHECK_PIPE, CHECK_FIFO,
	    CHECK_SHARED };
	struct cfg cfgs[2] = { 0 };
	const struct cfg *both[] = { &cfgs[0], &cfgs[1] };
	struct check_host hosts[NHOSTS] = { 0 };
	struct strv chosen = { 0 };
	struct check_list l = { 0 };
	struct check_input in = { .cfgs = both, .ncfgs = 2,
	    .chosen = &chosen, .pusher = "h1", .hosts = hosts,
	    .nhosts = NHOSTS };
	struct err e = ERR_INIT;
	size_t i;

	if (size == 0)
		return 0;
	in.mode = modes[data[0] % 3];
	in.key_file = data[0] & 0x80;
	parse(&cfgs[0], "/etc/csync2_priv.cfg", priv);
	parse(&cfgs[1], "/etc/csync2.cfg", pub);
	if (strv_add(&chosen, "priv") == -1)
		abort();
	for (i = 0; i < NHOSTS; i++)
		if ((hosts[i].name = strdup(cfgs[0].groups[0].hosts[i].self))
		    == NULL)
			abort();
	tell(hosts, data + 1, size - 1);
	if (check_run(&in, &l, &e) == -1)
		abort();
	judge(&l);
	check_list_clear(&l);
	for (i = 0; i < NHOSTS; i++)
		check_host_clear(&hosts[i]);
	strv_clear(&chosen);
	cfg_clear(&cfgs[0]);
	cfg_clear(&cfgs[1]);
	return 0;
}
