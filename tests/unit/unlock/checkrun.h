/* SPDX-License-Identifier: ISC */
/* checkrun: one run of the check on configurations and facts that a test
 * gives, and what it found. */
#ifndef TEST_CHECKRUN_H
#define TEST_CHECKRUN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "check.h"
#include "conf.h"

#define PRIV "group priv {\nhost h1 (h2 h3);\nkey /var/lib/csync2/p.key;\n" \
	"include /usr/local/sbin;\n}\n"
#define PUB "group pub {\nhost h1 h2;\nkey k1;\ninclude /srv/pub;\n}\n"

struct run {
	struct cfg cfgs[2];
	struct check_host hosts[3];
	size_t nhosts;
	struct check_list list;
	enum check_mode mode;
	const char *pusher;
	bool key_file;
};

/* Facts of one host, one a line. */
static inline void
tells(struct run *r, const char *name, const char *facts)
{
	struct check_host *h = &r->hosts[r->nhosts++];
	struct err e = ERR_INIT;
	char line[256];
	size_t len;

	h->name = strdup(name);
	for (; *facts != '\0'; facts += len + 1) {
		len = strcspn(facts, "\n");
		snprintf(line, sizeof(line), "%.*s", (int)len, facts);
		assert_int_equal(check_fact_add(h, line, &e), 0);
	}
}

static inline void
run(struct run *r, const char *priv, const char *pub)
{
	const struct cfg *cfgs[2] = { &r->cfgs[0], &r->cfgs[1] };
	struct strv chosen = { 0 };
	struct check_input in = { .cfgs = cfgs, .ncfgs = 1,
		.chosen = &chosen, .pusher = r->pusher ? r->pusher : "h1",
		.hosts = r->hosts, .nhosts = r->nhosts, .mode = r->mode,
		.key_file = r->key_file };
	struct err e = ERR_INIT;

	strv_add(&chosen, "priv");
	conf_parse(&r->cfgs[0], "/etc/csync2_priv.cfg", priv);
	if (pub != NULL) {
		conf_parse(&r->cfgs[1], "/etc/csync2.cfg", pub);
		in.ncfgs = 2;
	}
	if (check_run(&in, &r->list, &e) == -1)
		fail_msg("%s", e.msg);
	strv_clear(&chosen);
}

static inline void
end(struct run *r)
{
	size_t i;

	check_list_clear(&r->list);
	for (i = 0; i < r->nhosts; i++)
		check_host_clear(&r->hosts[i]);
	cfg_clear(&r->cfgs[0]);
	cfg_clear(&r->cfgs[1]);
	*r = (struct run){ 0 };
}

static inline const struct check_finding *
find(const struct run *r, const char *id)
{
	size_t i;

	for (i = 0; i < r->list.n; i++)
		if (strcmp(r->list.v[i].id, id) == 0)
			return &r->list.v[i];
	return NULL;
}

static inline size_t
count(const struct run *r, const char *id)
{
	size_t i, n = 0;

	for (i = 0; i < r->list.n; i++)
		n += strcmp(r->list.v[i].id, id) == 0;
	return n;
}

static inline const struct check_finding *
finds(const struct run *r, const char *id, enum check_level level)
{
	const struct check_finding *f = find(r, id);

	if (f == NULL)
		fail_msg("no finding %s", id);
	assert_int_equal(f->level, level);
	assert_true(f->text[0] != '\0' && f->cure[0] != '\0');
	return f;
}

static inline void
at(const struct check_finding *f, const char *file, unsigned line)
{
	assert_string_equal(f->at.file, file);
	assert_int_equal(f->at.line, line);
}

#endif
