/* SPDX-License-Identifier: ISC */
#include "settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "settings_keys.h"
#include "ui/conf.h"

static int
no_mem(struct err *e)
{
	return err_set(e, ERR_MEM, "out of memory");
}

/* Everything of n bytes at p is a number that the file may set. */
static void
unset(int64_t *p, size_t bytes)
{
	size_t i;

	for (i = 0; i < bytes / sizeof(*p); i++)
		p[i] = SETTINGS_UNSET;
}

static void
policy_init(struct settings_policy *p)
{
	unset((int64_t *)(void *)p, sizeof(*p));
}

static void
job_init(struct settings_job *j)
{
	j->files_cache = j->one_file_system = SETTINGS_UNSET;
	j->compress = j->bandwidth = j->nice =
	    j->ionice = j->mode = j->timeout = j->connect_timeout =
	    j->beat = j->direct_port = j->postern = j->command_timeout =
	    SETTINGS_UNSET;
}

static void
job_clear(struct settings_job *j)
{
	free(j->section);
	free(j->name);
	free(j->destination);
	strv_clear(&j->roots);
	strv_clear(&j->excludes);
	free(j->ssh);
	free(j->ssh_config);
	strv_clear(&j->ssh_options);
	strv_clear(&j->direct_from);
	free(j->key);
	free(j->known_hosts);
	free(j->before);
	free(j->after);
	free(j->on_failure);
	free(j->textfile);
	*j = (struct settings_job){ 0 };
}

void
settings_clear(struct settings *s)
{
	size_t i;

	for (i = 0; i < s->njobs; i++)
		job_clear(&s->jobs[i]);
	for (i = 0; i < s->nclients; i++) {
		free(s->clients[i].name);
		free(s->clients[i].user);
		job_clear(&s->clients[i].pull);
	}
	free(s->jobs);
	free(s->clients);
	free(s->store.dir);
	free(s->store.before);
	free(s->store.after);
	free(s->store.on_failure);
	free(s->store.on_silent);
	free(s->store.textfile);
	*s = (struct settings){ 0 };
}

/* The job called name, made if need be; NULL ERR_MEM, ERR_USAGE. */
static struct settings_job *
job_of(struct settings *s, const char *name, struct err *e)
{
	struct settings_job *j;
	size_t i;

	for (i = 0; i < s->njobs; i++)
		if (strcmp(s->jobs[i].section, name) == 0)
			return &s->jobs[i];
	if (settings_name(name, "[job NAME]", e) == -1)
		return NULL;
	j = reallocarray(s->jobs, s->njobs + 1, sizeof(*j));
	if (j == NULL) {
		no_mem(e);
		return NULL;
	}
	s->jobs = j;
	j += s->njobs;
	*j = (struct settings_job){ .section = strdup(name) };
	job_init(j);
	if (j->section == NULL) {
		no_mem(e);
		return NULL;
	}
	s->njobs++;
	return j;
}

static struct settings_client *
client_of(struct settings *s, const char *name, struct err *e)
{
	struct settings_client *c;
	size_t i;

	for (i = 0; i < s->nclients; i++)
		if (strcmp(s->clients[i].name, name) == 0)
			return &s->clients[i];
	if (settings_name(name, "[client NAME]", e) == -1)
		return NULL;
	c = reallocarray(s->clients, s->nclients + 1, sizeof(*c));
	if (c == NULL) {
		no_mem(e);
		return NULL;
	}
	s->clients = c;
	c += s->nclients;
	*c = (struct settings_client){ .name = strdup(name),
		.pull.section = strdup(name) };
	job_init(&c->pull);
	policy_init(&c->policy);
	s->nclients++;		/* settings_clear() frees what is there */
	if (c->name == NULL || c->pull.section == NULL) {
		no_mem(e);
		free(c->name);
		job_clear(&c->pull);
		s->nclients--;
		return NULL;
	}
	return c;
}

static struct settings_store *
store_of(struct settings *s)
{
	if (!s->store.there) {
		s->store.there = true;
		s->store.min_free = s->store.evict_others =
		    s->store.connect_timeout = s->store.command_timeout =
		    SETTINGS_UNSET;
		policy_init(&s->store.policy);
	}
	return &s->store;
}

/* What the offsets of a row are counted from. */
static void *
base_of(struct settings *s, enum settings_base base, const char *section,
    struct err *e)
{
	const char *name = strchr(section, ' ');
	struct settings_client *c;

	switch (base) {
	case BASE_STORE:
		return store_of(s);
	case BASE_STORE_POLICY:
		return &store_of(s)->policy;
	case BASE_JOB:
		return job_of(s, name + 1, e);
	case BASE_CLIENT:
		return client_of(s, name + 1, e);
	case BASE_CLIENT_POLICY:
		c = client_of(s, name + 1, e);
		return c != NULL ? &c->policy : NULL;
	case BASE_CLIENT_PULL:
		c = client_of(s, name + 1, e);
		return c != NULL ? &c->pull : NULL;
	}
	return NULL;
}

static int
set(void *arg, int id, const char *section, const char *key,
    const char *value, const char *at, struct err *e)
{
	const struct settings_key *k = &settings_keys[id - 1];
	struct settings *s = arg;
	char *base;

	base = base_of(s, k->base, section, e);
	if (base == NULL || settings_value(k, key, value, base + k->at,
	    e) == -1) {
		err_wrap(e, "%s", at);
		if (e != NULL && e->code != ERR_MEM)
			e->code = ERR_CONFIG;
		return -1;
	}
	return 0;
}

/* The table as core/ui/conf wants it. Owned, or NULL. */
static struct conf_key *
conf_keys(struct err *e)
{
	struct conf_key *v;
	size_t n = 0, i;

	while (settings_keys[n].key != NULL)
		n++;
	v = calloc(n + 1, sizeof(*v));
	if (v == NULL) {
		no_mem(e);
		return NULL;
	}
	for (i = 0; i < n; i++)
		v[i] = (struct conf_key){ settings_keys[i].section,
		    settings_keys[i].key, (int)i + 1,
		    settings_keys[i].kind == KIND_LIST ||
		    settings_keys[i].kind == KIND_ROOTS };
	return v;
}

int
settings_parse(struct settings *s, const char *text, size_t len,
    const char *name, struct err *e)
{
	struct conf_key *keys = conf_keys(e);
	int rc;

	if (keys == NULL)
		return -1;
	rc = conf_parse(text, len, name, keys, set, s, e);
	free(keys);
	return rc;
}

int
settings_load(struct settings *s, const char *path, struct err *e)
{
	struct conf_key *keys = conf_keys(e);
	int rc;

	if (keys == NULL)
		return -1;
	rc = conf_load("backup", path, keys, set, s, e);
	free(keys);
	return rc;
}

int
settings_accepted(const char *store, const char *name, struct settings *ret,
    struct err *e)
{
	char *path = NULL;
	int rc = 0;

	if (asprintf(&path, "%s/.postern/%s/client.conf", store, name) == -1)
		return no_mem(e);
	if (access(path, F_OK) == 0)
		rc = settings_load(ret, path, e);
	free(path);
	return rc;
}

/* Each run replaces all of it. */
static int
check_textfiles(const struct settings *s, struct err *e)
{
	const struct settings_job *v = s->jobs;
	size_t i, k;

	for (i = 0; i < s->njobs; i++)
		for (k = 0; k < i && v[i].textfile != NULL; k++)
			if (v[k].textfile != NULL && strcmp(v[i].textfile,
			    v[k].textfile) == 0)
				return err_set(e, ERR_CONFIG, "backup.conf: "
				    "[job %s] and [job %s] have the same "
				    "textfile", v[k].section, v[i].section);
	return 0;
}

int
settings_check(const struct settings *s, struct err *e)
{
	const struct settings_job *j;
	size_t i;

	for (i = 0; i < s->njobs; i++) {
		j = &s->jobs[i];
		if (j->roots.n == 0)
			return err_set(e, ERR_CONFIG, "backup.conf: [job %s] "
			    "has no root: nothing to back up", j->section);
	}
	if (s->store.there && s->store.dir == NULL)
		return err_set(e, ERR_CONFIG, "backup.conf: [store] has no "
		    "dir");
	return check_textfiles(s, e) == -1 ? -1 : settings_users(s, e);
}

struct settings_job *
settings_job(struct settings *s, const char *name, struct err *e)
{
	size_t i;

	for (i = 0; name != NULL && i < s->njobs; i++)
		if (strcmp(s->jobs[i].section, name) == 0)
			return &s->jobs[i];
	if (name == NULL && s->njobs == 1)
		return &s->jobs[0];
	if (s->njobs == 0)
		err_set(e, ERR_CONFIG, "backup.conf has no [job NAME]; "
		    "'postern backup setup' writes a first one");
	else if (name == NULL)
		err_set(e, ERR_CONFIG, "backup.conf has %zu jobs: say which "
		    "one (--job NAME)", s->njobs);
	else
		err_set(e, ERR_CONFIG, "backup.conf has no [job %s]", name);
	return NULL;
}
