/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "allow.h"
#include "keys.h"
#include "request.h"
#include "settings.h"

#define MAX_JOBS	16
#define CONNECT_MS	30000
#define COMMAND_MS	3600000

static void
fill(int64_t *n, int64_t value)
{
	if (*n == SETTINGS_UNSET)
		*n = value;
}

int
settings_job_fill(struct settings_job *j, struct err *e)
{
	if (j->name == NULL && (j->name = strdup(j->section)) == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	if (j->key == NULL && (j->key = keys_path(KEYS_PRIVATE, e)) == NULL)
		return -1;
	if (j->known_hosts == NULL && (j->known_hosts = keys_path(
	    KEYS_KNOWN_HOSTS, e)) == NULL)
		return -1;
	fill(&j->one_file_system, 0);
	fill(&j->files_cache, 1);
	fill(&j->compress, COMPRESS_NONE);
	fill(&j->bandwidth, 0);
	fill(&j->nice, 0);
	fill(&j->ionice, 0);
	fill(&j->mode, MODE_CHANNEL);
	fill(&j->direct_port, 0);
	fill(&j->timeout, 0);
	fill(&j->command_timeout, COMMAND_MS);
	fill(&j->connect_timeout, CONNECT_MS);
	fill(&j->beat, REQUEST_BEAT_MS);
	return 0;
}

static const struct settings_policy defaults = {
	.keep = { 0 },
	.min_keep = 1,
	.max_jobs = MAX_JOBS,
	.quota = 0,
	.rate_limit = 0,
	.silent_days = 0,
	.allow = ALLOW_RUN | ALLOW_LIST | ALLOW_RESTORE | ALLOW_VERIFY,
	.timeout = 0,
	.backend = BACKEND_AUTO,
	.metadata = METADATA_FAKE_SUPER,
};

/* Whether p says anything about what is kept. */
static bool
keeps(const struct settings_policy *p)
{
	size_t i;

	for (i = 0; i < KEEP_MAX; i++)
		if (p->keep[i] != SETTINGS_UNSET)
			return true;
	return false;
}

/* What p sets goes before what *ret has. The keep-… count as one: three
 * rules of a client and three others of the store would be a fourth thing. */
static void
overlay(struct settings_policy *ret, const struct settings_policy *p)
{
	const int64_t *from = (const int64_t *)(const void *)p;
	int64_t *to = (int64_t *)(void *)ret;
	size_t i;

	if (keeps(p))
		memcpy(ret->keep, defaults.keep, sizeof(ret->keep));
	for (i = 0; i < sizeof(*p) / sizeof(*from); i++)
		if (from[i] != SETTINGS_UNSET)
			to[i] = from[i];
}

static struct settings_client *
find_client(const struct settings *s, const char *name)
{
	size_t i;

	for (i = 0; s != NULL && i < s->nclients; i++)
		if (strcmp(s->clients[i].name, name) == 0)
			return &s->clients[i];
	return NULL;
}

void
settings_client_get(struct settings *s, const struct settings *accepted,
    const char *name, struct settings_policy *ret,
    struct settings_job **ret_pull)
{
	struct settings_client *c;

	*ret = defaults;
	if (s->store.there)
		overlay(ret, &s->store.policy);
	c = find_client(accepted, name);
	if (c != NULL)
		overlay(ret, &c->policy);
	c = find_client(s, name);
	if (c != NULL)
		overlay(ret, &c->policy);
	if (ret_pull != NULL)
		*ret_pull = c != NULL ? &c->pull : NULL;
}

const char *
settings_client_user(const struct settings *s, const char *name)
{
	const struct settings_client *c = find_client(s, name);

	return c != NULL ? c->user : NULL;
}

uint64_t
settings_command_ms(const struct settings *s)
{
	int64_t ms = s->store.command_timeout;

	return s->store.there && ms != SETTINGS_UNSET ? (uint64_t)ms :
	    COMMAND_MS;
}

static bool
is_digits(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (s[i] < '0' || s[i] > '9')
			return false;
	return len > 0;
}

/* X.YYYY-mm-dd.DIGITS */
static bool
like_snapshot(const char *s)
{
	const char *time = strrchr(s, '.');

	return time != NULL && is_digits(time + 1, strlen(time + 1)) &&
	    time - s > 11 && time[-11] == '.' && is_digits(time - 10, 4) &&
	    time[-6] == '-' && is_digits(time - 5, 2) && time[-3] == '-' &&
	    is_digits(time - 2, 2);
}

int
settings_name(const char *s, const char *what, struct err *e)
{
	size_t len = strlen(s);

	if (len == 0 || len > 63 || strspn(s,
	    "abcdefghijklmnopqrstuvwxyz0123456789._-") != len ||
	    strchr("._-", s[0]) != NULL || strstr(s, "..") != NULL)
		return err_set(e, ERR_USAGE, "%s: a name has 1 to 63 of a-z "
		    "0-9 . _ - with a letter or digit first and no '..'",
		    what);
	if (like_snapshot(s))
		return err_set(e, ERR_USAGE, "%s: '%s' looks like the name of "
		    "a snapshot", what, s);
	return 0;
}
