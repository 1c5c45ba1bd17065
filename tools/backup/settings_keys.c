/* SPDX-License-Identifier: ISC */
#include "settings_keys.h"

#include <stdlib.h>
#include <string.h>

#include "allow.h"
#include "base/num.h"
#include "settings.h"
#include "ssh/host.h"

#define J(key, kind, field) \
	{ "job *", key, kind, BASE_JOB, offsetof(struct settings_job, field) }
#define P(key, kind, field) { "client *", key, kind, BASE_CLIENT_PULL, \
	offsetof(struct settings_job, field) }
#define S(key, kind, field) \
	{ "store", key, kind, BASE_STORE, offsetof(struct settings_store, field) }
#define C(key, kind, field) { "client *", key, kind, BASE_CLIENT, \
	offsetof(struct settings_client, field) }
#define SP(key, kind, field) { "store", key, kind, BASE_STORE_POLICY, \
	offsetof(struct settings_policy, field) }
#define CP(key, kind, field) { "client *", key, kind, BASE_CLIENT_POLICY, \
	offsetof(struct settings_policy, field) }
/* Rows with limits or words. */
#define ROW(sect, key, kind, base, type, field, ...) \
	{ sect, key, kind, base, offsetof(struct type, field), __VA_ARGS__ }
#define JN(key, field, ...) ROW("job *", key, KIND_NUM, BASE_JOB, \
	settings_job, field, __VA_ARGS__)
#define JW(key, field, words) ROW("job *", key, KIND_WORD, BASE_JOB, \
	settings_job, field, 0, 0, words)
#define PW(key, field, words) ROW("client *", key, KIND_WORD, \
	BASE_CLIENT_PULL, settings_job, field, 0, 0, words)
#define SN(key, field, ...) ROW("store", key, KIND_NUM, BASE_STORE_POLICY, \
	settings_policy, field, __VA_ARGS__)
#define SW(key, field, words) ROW("store", key, KIND_WORD, \
	BASE_STORE_POLICY, settings_policy, field, 0, 0, words)
#define CN(key, field, ...) ROW("client *", key, KIND_NUM, \
	BASE_CLIENT_POLICY, settings_policy, field, __VA_ARGS__)

#define SNAPSHOTS_MAX 100000

/* tests/doc_names.py reads this table, by its macros. */
const struct settings_key settings_keys[] = {
	J("destination", KIND_HOST, destination),
	J("name", KIND_NAME, name),
	J("root", KIND_ROOTS, roots),
	J("exclude", KIND_LIST, excludes),
	J("one-file-system", KIND_BOOL, one_file_system),
	JW("compress", compress, "none zstd zlib"),
	J("bandwidth", KIND_SIZE, bandwidth),
	JN("nice", nice, 0, 19),
	J("ionice", KIND_IONICE, ionice),
	JW("mode", mode, "channel direct"),
	J("files-cache", KIND_BOOL, files_cache),
	JN("direct-port", direct_port, 1024, 65535),
	J("direct-from", KIND_LIST, direct_from),
	J("ssh", KIND_PROGRAM, ssh),
	J("ssh-config", KIND_PATH, ssh_config),
	J("ssh-option", KIND_LIST, ssh_options),
	J("key", KIND_PATH, key),
	J("known-hosts", KIND_PATH, known_hosts),
	J("before", KIND_STR, before),
	J("after", KIND_STR, after),
	J("on-failure", KIND_STR, on_failure),
	J("textfile", KIND_PATH, textfile),
	J("timeout", KIND_TIME, timeout),
	J("command-timeout", KIND_TIME, command_timeout),
	J("connect-timeout", KIND_TIME, connect_timeout),
	J("beat", KIND_TIME, beat),

	S("dir", KIND_PATH, dir),
	S("min-free", KIND_SIZE, min_free),
	S("evict-others", KIND_BOOL, evict_others),
	S("connect-timeout", KIND_TIME, connect_timeout),
	S("command-timeout", KIND_TIME, command_timeout),
	S("before", KIND_STR, before),
	S("after", KIND_STR, after),
	S("on-failure", KIND_STR, on_failure),
	S("on-silent", KIND_STR, on_silent),
	S("textfile", KIND_PATH, textfile),
	SN("keep-last", keep[KEEP_LAST], 0, SNAPSHOTS_MAX),
	SN("keep-hourly", keep[KEEP_HOURLY], 0, SNAPSHOTS_MAX),
	SN("keep-daily", keep[KEEP_DAILY], 0, SNAPSHOTS_MAX),
	SN("keep-weekly", keep[KEEP_WEEKLY], 0, SNAPSHOTS_MAX),
	SN("keep-monthly", keep[KEEP_MONTHLY], 0, SNAPSHOTS_MAX),
	SN("keep-yearly", keep[KEEP_YEARLY], 0, SNAPSHOTS_MAX),
	SN("min-keep", min_keep, 1, SNAPSHOTS_MAX),
	SN("max-jobs", max_jobs, 1, SNAPSHOTS_MAX),
	SN("silent-days", silent_days, 0, 3660),
	SP("quota", KIND_SIZE, quota),
	SP("rate-limit", KIND_TIME, rate_limit),
	SP("timeout", KIND_TIME, timeout),
	SW("back-end", backend, "auto hardlink btrfs"),
	SW("metadata", metadata, "fake-super real"),

	CN("keep-last", keep[KEEP_LAST], 0, SNAPSHOTS_MAX),
	CN("keep-hourly", keep[KEEP_HOURLY], 0, SNAPSHOTS_MAX),
	CN("keep-daily", keep[KEEP_DAILY], 0, SNAPSHOTS_MAX),
	CN("keep-weekly", keep[KEEP_WEEKLY], 0, SNAPSHOTS_MAX),
	CN("keep-monthly", keep[KEEP_MONTHLY], 0, SNAPSHOTS_MAX),
	CN("keep-yearly", keep[KEEP_YEARLY], 0, SNAPSHOTS_MAX),
	CN("min-keep", min_keep, 1, SNAPSHOTS_MAX),
	CN("max-jobs", max_jobs, 1, SNAPSHOTS_MAX),
	CN("silent-days", silent_days, 0, 3660),
	CP("allow", KIND_ALLOW, allow),
	CP("quota", KIND_SIZE, quota),
	CP("rate-limit", KIND_TIME, rate_limit),
	CP("timeout", KIND_TIME, timeout),
	C("user", KIND_STR, user),
	P("destination", KIND_HOST, destination),
	P("postern", KIND_BOOL, postern),
	P("root", KIND_ROOTS, roots),
	P("exclude", KIND_LIST, excludes),
	P("one-file-system", KIND_BOOL, one_file_system),
	PW("compress", compress, "none zstd zlib"),
	P("bandwidth", KIND_SIZE, bandwidth),
	P("ssh", KIND_PROGRAM, ssh),
	P("ssh-config", KIND_PATH, ssh_config),
	P("ssh-option", KIND_LIST, ssh_options),
	P("key", KIND_PATH, key),
	P("known-hosts", KIND_PATH, known_hosts),
	{ 0 },
};

int
settings_path(const char *s, const char *what, struct err *e)
{
	const char *p = s;
	size_t n;

	if (*s != '/')
		return err_set(e, ERR_USAGE, "%s: not an absolute path", what);
	for (; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return err_set(e, ERR_USAGE, "%s: a control character "
			    "in a path", what);
	for (p = s + 1; *p != '\0'; p += n) {
		n = strcspn(p, "/");
		if (n == 0)
			return err_set(e, ERR_USAGE, "%s: two slashes in a "
			    "row", what);
		if ((n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' &&
		    p[1] == '.'))
			return err_set(e, ERR_USAGE, "%s: '.' or '..' in a "
			    "path", what);
		if (p[n] == '/') {
			n++;
			if (p[n] == '\0')
				return err_set(e, ERR_USAGE, "%s: a slash at "
				    "the end", what);
		}
	}
	return 0;
}

int
settings_program(const char *s, const char *what, struct err *e)
{
	if (*s != '/' && strchr(s, '/') != NULL)
		return err_set(e, ERR_USAGE, "%s: neither an absolute path nor "
		    "a name to be found in PATH", what);
	return 0;
}

static int
set_str(char **at, const char *value, struct err *e)
{
	char *copy = strdup(value);

	if (copy == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	free(*at);
	*at = copy;
	return 0;
}

static int
add_list(const struct settings_key *k, struct strv *at, const char *key,
    const char *value, struct err *e)
{
	if (k->kind == KIND_ROOTS) {
		if (settings_path(value, key, e) == -1)
			return -1;
		if (strv_has(at, value))
			return err_set(e, ERR_CONFIG, "%s: the same path for "
			    "a second time", key);
	}
	if (strv_add(at, value) == -1)
		return err_set(e, ERR_MEM, "out of memory");
	return 0;
}

static int
set_word(const char *words, const char *key, const char *value, int64_t *at,
    struct err *e)
{
	const char *p = words;
	size_t n, len = strlen(value);
	int64_t i;

	for (i = 0; *p != '\0'; i++, p += n + (p[n] == ' ')) {
		n = strcspn(p, " ");
		if (n == len && memcmp(p, value, n) == 0) {
			*at = i;
			return 0;
		}
	}
	return err_set(e, ERR_CONFIG, "%s: one of: %s", key, words);
}

/* ioprio_set(2): 2 is best-effort, 3 idle. Realtime is root's, and nothing
 * that a backup needs. */
static int
set_ionice(const char *key, const char *value, int64_t *at, struct err *e)
{
	if (strcmp(value, "idle") == 0)
		*at = SETTINGS_IONICE(3, 0);
	else if (strcmp(value, "best-effort") == 0)
		*at = SETTINGS_IONICE(2, 4);
	else if (strncmp(value, "best-effort:", 12) == 0 &&
	    value[12] >= '0' && value[12] <= '7' && value[13] == '\0')
		*at = SETTINGS_IONICE(2, value[12] - '0');
	else
		return err_set(e, ERR_CONFIG, "%s: idle, best-effort or "
		    "best-effort:0 to best-effort:7", key);
	return 0;
}

static int
set_number(const struct settings_key *k, const char *key, const char *value,
    int64_t *at, struct err *e)
{
	unsigned allow;
	uint64_t n;

	switch (k->kind) {
	case KIND_NUM:
		if (num_u64(value, key, (uint64_t)k->min, (uint64_t)k->max,
		    &n, e) == -1)
			return -1;
		break;
	case KIND_SIZE:
		if (num_size(value, key, &n, e) == -1)
			return -1;
		break;
	case KIND_TIME:
		if (num_duration_ms(value, key, &n, e) == -1)
			return -1;
		break;
	case KIND_BOOL:
		return set_word("no yes", key, value, at, e);
	case KIND_WORD:
		return set_word(k->words, key, value, at, e);
	case KIND_IONICE:
		return set_ionice(key, value, at, e);
	default:
		if (allow_parse(value, &allow, e) == -1)
			return err_wrap(e, "%s", key);
		n = allow;
		break;
	}
	if (n > INT64_MAX)
		return err_set(e, ERR_CONFIG, "%s: too much", key);
	*at = (int64_t)n;
	return 0;
}

int
settings_value(const struct settings_key *k, const char *key,
    const char *value, void *place, struct err *e)
{
	if (*value == '\0')
		return err_set(e, ERR_CONFIG, "%s: has no value", key);
	switch (k->kind) {
	case KIND_PATH:
		if (settings_path(value, key, e) == -1)
			return -1;
		break;
	case KIND_PROGRAM:
		if (settings_program(value, key, e) == -1)
			return -1;
		break;
	case KIND_HOST:
		if (host_check(value, e) == -1)
			return err_wrap(e, "%s", key);
		break;
	case KIND_NAME:
		if (settings_name(value, key, e) == -1)
			return -1;
		break;
	case KIND_LIST:
	case KIND_ROOTS:
		return add_list(k, place, key, value, e);
	case KIND_STR:
		break;
	default:
		return set_number(k, key, value, place, e);
	}
	return set_str(place, value, e);
}
