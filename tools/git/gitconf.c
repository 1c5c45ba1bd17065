/* SPDX-License-Identifier: ISC */
#include "gitconf.h"

#include <stdlib.h>
#include <string.h>

#include "gitconf_keys.h"
#include "sys/file.h"
#include "ui/conf.h"

#define ADMIN_REPO "gitolite-admin"

static int
no_mem(struct err *e)
{
	return err_set(e, ERR_MEM, "out of memory");
}

/* What is not 0 or nothing. */
static const struct first {
	size_t at;
	const char *str;	/* NULL: num counts */
	int64_t num;
} defaults[] = {
#define STR(field, value) { offsetof(struct gitconf, field), value, 0 }
#define NUM(field, value) { offsetof(struct gitconf, field), NULL, value }
	STR(gateway.key, "/etc/postern/git/id_ed25519"),
	STR(gateway.known_hosts, "/etc/postern/git/known_hosts"),
	STR(gateway.ssh, "/usr/bin/ssh"),
	STR(gateway.run_dir, "/run/postern-git"),
	NUM(gateway.connect_ms, 5000),
	NUM(gateway.alive_ms, 3000),
	NUM(gateway.answer_ms, 20000),
	NUM(gateway.session_ms, INT64_C(24) * 3600 * 1000),
	NUM(gateway.mux, 2),
	NUM(gateway.mux_demand, 1),
	NUM(gateway.mux_idle_ms, 600 * 1000),
	NUM(gateway.sessions, 500),
	NUM(gateway.sessions_per_id, 50),
	NUM(gateway.side.audit_syslog, 1),
	STR(gateway.server_name, "gitolite"),
	STR(gateway.keys_dir, "/var/lib/postern/git/keys"),
	STR(gateway.allowed_signers, "/etc/postern/git/allowed_signers"),
	STR(gateway.base, "/etc/postern/git/authorized_keys"),
	NUM(gateway.min_keys, 1),
	NUM(gateway.max_drop, 50),
	NUM(gateway.generations, 10),
	NUM(gateway.update_ms, 60 * 1000),
	NUM(gateway.lock_ms, 10 * 1000),
	NUM(gateway.stale_ms, INT64_C(24) * 3600 * 1000),
	STR(server.name, "gitolite"),
	STR(server.state_dir, "/var/lib/postern/git"),
	STR(server.push_key, "/etc/postern/git/id_ed25519"),
	STR(server.push_known_hosts, "/etc/postern/git/known_hosts"),
	NUM(server.push_ms, 10 * 1000),
	NUM(server.deny_admins, 1),
	STR(server.shell, "/usr/share/gitolite3/gitolite-shell"),
	NUM(server.side.audit_syslog, 1),
#undef STR
#undef NUM
};

static void
side_clear(struct gitconf_side *s)
{
	strv_clear(&s->deny_repos);
	strv_clear(&s->read_only);
	strv_clear(&s->commands);
	free(s->audit_file);
}

void
gitconf_clear(struct gitconf *c)
{
	side_clear(&c->gateway.side);
	side_clear(&c->server.side);
	free(c->gateway.server);
	strv_clear(&c->gateway.mirrors);
	free(c->gateway.key);
	free(c->gateway.known_hosts);
	free(c->gateway.ssh);
	free(c->gateway.run_dir);
	free(c->gateway.server_name);
	free(c->gateway.keys_dir);
	free(c->gateway.allowed_signers);
	free(c->gateway.base);
	free(c->gateway.proxy);
	free(c->server.shell);
	free(c->server.keydir);
	strv_clear(&c->server.deny_ids);
	free(c->server.name);
	free(c->server.gateway);
	free(c->server.state_dir);
	free(c->server.push_key);
	free(c->server.push_known_hosts);
	free(c->server.ssh_config);
	*c = (struct gitconf){ 0 };
}

int
gitconf_init(struct gitconf *c, struct err *e)
{
	const struct first *f = defaults;
	char *place, *copy;

	*c = (struct gitconf){ 0 };
	for (; f < defaults + sizeof(defaults) / sizeof(*defaults); f++) {
		place = (char *)c + f->at;
		if (f->str == NULL) {
			memcpy(place, &f->num, sizeof(f->num));
			continue;
		}
		copy = strdup(f->str);
		if (copy == NULL)
			return no_mem(e);
		memcpy(place, &copy, sizeof(copy));
	}
	/* A list in the file adds to it: nobody opens it by mistake. */
	if (strv_add(&c->gateway.side.deny_repos, ADMIN_REPO) == -1 ||
	    strv_add(&c->server.side.deny_repos, ADMIN_REPO) == -1)
		return no_mem(e);
	return 0;
}

static int
set(void *arg, int id, const char *section, const char *key,
    const char *value, const char *at, struct err *e)
{
	const struct gitconf_key *k = &gitconf_keys[id - 1];

	if (gitconf_value(k, value, (char *)arg + k->at, e) == 0)
		return 0;
	err_wrap(e, "%s", at);
	if (e != NULL && e->code != ERR_MEM)
		e->code = ERR_CONFIG;
	return -1;
}

/* The table as core/ui/conf wants it. Owned, or NULL. */
static struct conf_key *
conf_keys(struct err *e)
{
	const struct gitconf_key *k;
	struct conf_key *v;
	size_t n = 0, i;

	while (gitconf_keys[n].key != NULL)
		n++;
	v = calloc(n + 1, sizeof(*v));
	if (v == NULL) {
		no_mem(e);
		return NULL;
	}
	for (i = 0; i < n; i++) {
		k = &gitconf_keys[i];
		v[i] = (struct conf_key){ k->section, k->key, (int)i + 1,
		    k->kind == GITCONF_HOSTS || k->kind == GITCONF_REPOS ||
		    k->kind == GITCONF_IDS || k->kind == GITCONF_COMMANDS };
	}
	return v;
}

int
gitconf_parse(struct gitconf *c, const char *text, size_t len,
    const char *name, struct err *e)
{
	struct conf_key *keys = conf_keys(e);
	int rc;

	if (keys == NULL)
		return -1;
	rc = conf_parse(text, len, name, keys, set, c, e);
	free(keys);
	return rc;
}

int
gitconf_load(struct gitconf *c, const char *path, struct err *e)
{
	struct conf_key *keys;
	int rc;

	if (gitconf_init(c, e) == -1 || file_root_only(path, e) == -1)
		return -1;
	keys = conf_keys(e);
	if (keys == NULL)
		return -1;
	rc = conf_load("git", path, keys, set, c, e);
	free(keys);
	return rc;
}

struct gitcmd_policy
gitconf_policy(const struct gitconf_side *s)
{
	return (struct gitcmd_policy){ .lfs = s->lfs != 0,
		.login_info = s->login_info != 0,
		.deny_repos = &s->deny_repos, .read_only = &s->read_only,
		.commands = s->commands.n > 0 ? &s->commands : NULL };
}
