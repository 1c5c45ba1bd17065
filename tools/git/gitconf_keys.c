/* SPDX-License-Identifier: ISC */
#include "gitconf_keys.h"

#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/strv.h"
#include "gitcmd.h"
#include "gitconf.h"
#include "gitid.h"
#include "gitrepo.h"
#include "keylist.h"
#include "ssh/host.h"

#define HOUR	(INT64_C(3600) * 1000)
#define AT(field)	offsetof(struct gitconf, field)
#define G(key, kind, field, ...) \
	{ "gateway", key, kind, AT(gateway.field), __VA_ARGS__ }
#define S(key, kind, field, ...) \
	{ "server", key, kind, AT(server.field), __VA_ARGS__ }
#define NO_YES	0, 0, "no yes"
/* Keys that both sections have. */
#define SIDE(sect, field) \
	{ sect, "lfs", GITCONF_WORD, AT(field.lfs), NO_YES }, \
	{ sect, "login-info", GITCONF_WORD, AT(field.login_info), NO_YES }, \
	{ sect, "deny-repo", GITCONF_REPOS, AT(field.deny_repos) }, \
	{ sect, "read-only", GITCONF_REPOS, AT(field.read_only) }, \
	{ sect, "command", GITCONF_COMMANDS, AT(field.commands) }, \
	{ sect, "audit", GITCONF_WORD, AT(field.audit_json), 0, 0, \
	    "text json" }, \
	{ sect, "audit-syslog", GITCONF_WORD, AT(field.audit_syslog), \
	    NO_YES }, \
	{ sect, "audit-file", GITCONF_PATH_, AT(field.audit_file) }, \
	{ sect, "audit-bytes", GITCONF_WORD, AT(field.audit_bytes), NO_YES }

const struct gitconf_key gitconf_keys[] = {
	G("server", GITCONF_HOST, server),
	G("mirror", GITCONF_HOSTS, mirrors),
	G("key", GITCONF_PATH_, key),
	G("known-hosts", GITCONF_PATH_, known_hosts),
	G("ssh", GITCONF_PATH_, ssh),
	G("run-dir", GITCONF_PATH_, run_dir),
	G("connect-timeout", GITCONF_TIME, connect_ms, 1000, HOUR),
	G("alive-interval", GITCONF_TIME, alive_ms, 1000, HOUR),
	G("answer-timeout", GITCONF_TIME, answer_ms, 1000, HOUR),
	G("session-timeout", GITCONF_TIME, session_ms, 0, 366 * 24 * HOUR),
	G("exec", GITCONF_WORD, exec, NO_YES),
	G("mux", GITCONF_NUM, mux, 0, 32),
	G("mux-start", GITCONF_WORD, mux_demand, 0, 0, "service demand"),
	G("mux-idle", GITCONF_TIME, mux_idle_ms, 1000, 366 * 24 * HOUR),
	G("sessions", GITCONF_NUM, sessions, 0, 100000),
	G("sessions-per-id", GITCONF_NUM, sessions_per_id, 0, 100000),
	G("rate", GITCONF_NUM, rate, 0, 1000000),
	G("rate-per-id", GITCONF_NUM, rate_per_id, 0, 1000000),
	G("server-name", GITCONF_ID, server_name),
	G("keys-dir", GITCONF_PATH_, keys_dir),
	G("allowed-signers", GITCONF_PATH_, allowed_signers),
	G("base", GITCONF_PATH_, base),
	G("proxy", GITCONF_PATH_, proxy),
	G("min-keys", GITCONF_NUM, min_keys, 0, KEYLIST_MAX),
	G("max-drop", GITCONF_NUM, max_drop, 0, 100),
	G("generations", GITCONF_NUM, generations, 1, 1000),
	G("revoke", GITCONF_WORD, revoke_end, 0, 0, "keep end"),
	G("update-timeout", GITCONF_TIME, update_ms, 1000, HOUR),
	G("lock-timeout", GITCONF_TIME, lock_ms, 0, HOUR),
	G("stale-after", GITCONF_TIME, stale_ms, 0, 366 * 24 * HOUR),
	G("lookup", GITCONF_WORD, lookup_index, 0, 0, "file index"),
	SIDE("gateway", gateway.side),
	S("gitolite-shell", GITCONF_PATH_, shell),
	S("keydir", GITCONF_PATH_, keydir),
	S("deny-id", GITCONF_IDS, deny_ids),
	S("deny-admins", GITCONF_WORD, deny_admins, NO_YES),
	S("name", GITCONF_ID, name),
	S("gateway", GITCONF_HOST, gateway),
	S("state-dir", GITCONF_PATH_, state_dir),
	S("push-key", GITCONF_PATH_, push_key),
	S("push-known-hosts", GITCONF_PATH_, push_known_hosts),
	S("push-ssh-config", GITCONF_PATH_, ssh_config),
	S("push-timeout", GITCONF_TIME, push_ms, 1000, HOUR),
	SIDE("server", server.side),
	{ NULL }
};

static int
no_mem(struct err *e)
{
	return err_set(e, ERR_MEM, "out of memory");
}

static int
set_str(char **at, const char *value, struct err *e)
{
	char *copy = strdup(value);

	if (copy == NULL)
		return no_mem(e);
	free(*at);
	*at = copy;
	return 0;
}

static int
set_path(const char *key, char **at, const char *value, struct err *e)
{
	const char *p;
	size_t n;

	if (value[0] != '/')
		return err_set(e, ERR_CONFIG, "%s: not an absolute path", key);
	/* ssh has no way to quote these in a path of its own options. */
	if (strpbrk(value, "\"\\") != NULL)
		return err_set(e, ERR_CONFIG, "%s: a quote or backslash in a "
		    "path", key);
	for (p = value; *p != '\0'; p += n) {
		p += *p == '/';
		n = strcspn(p, "/");
		if (n == 2 && p[0] == '.' && p[1] == '.')
			return err_set(e, ERR_CONFIG, "%s: '..' in a path",
			    key);
	}
	return set_str(at, value, e);
}

static int
set_word(const struct gitconf_key *k, const char *value, int64_t *at,
    struct err *e)
{
	size_t n, len = strlen(value);
	const char *p = k->words;
	int64_t i;

	for (i = 0; *p != '\0'; i++, p += n + (p[n] == ' ')) {
		n = strcspn(p, " ");
		if (n != len || memcmp(p, value, n) != 0)
			continue;
		*at = i;
		return 0;
	}
	return err_set(e, ERR_CONFIG, "%s: one of: %s", k->key, k->words);
}

static int
set_number(const struct gitconf_key *k, const char *value, int64_t *at,
    struct err *e)
{
	uint64_t n;
	int rc;

	rc = k->kind == GITCONF_TIME ? num_duration_ms(value, k->key, &n, e) :
	    num_u64(value, k->key, (uint64_t)k->min, (uint64_t)k->max, &n, e);
	if (rc == -1)
		return -1;
	if ((int64_t)n < k->min || (int64_t)n > k->max)
		return err_set(e, ERR_CONFIG, "%s: from %lld s to %lld s",
		    k->key, (long long)(k->min / 1000),
		    (long long)(k->max / 1000));
	*at = (int64_t)n;
	return 0;
}

static int
set_host(const struct gitconf_key *k, const char *value, struct err *e)
{
	return host_check(value, e) == -1 ? err_wrap(e, "%s", k->key) : 0;
}

int
gitconf_value(const struct gitconf_key *k, const char *value, void *place,
    struct err *e)
{
	if (*value == '\0')
		return err_set(e, ERR_CONFIG, "%s: has no value", k->key);
	switch (k->kind) {
	case GITCONF_ID:
		if (gitid_check(value, strlen(value), e) == -1)
			return err_wrap(e, "%s", k->key);
		return set_str(place, value, e);
	case GITCONF_HOST:
		if (set_host(k, value, e) == -1)
			return -1;
		return set_str(place, value, e);
	case GITCONF_PATH_:
		return set_path(k->key, place, value, e);
	case GITCONF_WORD:
		return set_word(k, value, place, e);
	case GITCONF_NUM:
	case GITCONF_TIME:
		return set_number(k, value, place, e);
	case GITCONF_HOSTS:
		if (set_host(k, value, e) == -1)
			return -1;
		break;
	case GITCONF_COMMANDS:
		if (!gitcmd_known(value))
			return err_set(e, ERR_CONFIG, "%s: '%s' is none of "
			    "gitolite's commands that can be let through",
			    k->key, value);
		break;
	case GITCONF_REPOS:
		if (gitrepo_pattern(value, e) == -1)
			return err_wrap(e, "%s", k->key);
		break;
	case GITCONF_IDS:
		if (gitid_pattern(value, e) == -1)
			return err_wrap(e, "%s", k->key);
		break;
	}
	return strv_add(place, value) == -1 ? no_mem(e) : 0;
}
