/* SPDX-License-Identifier: ISC */
#include "bootconf.h"

#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "bootsecret.h"
#include "ssh/host.h"
#include "ui/conf.h"

#define PORT_MAX 65535

enum kind {
	KIND_HOST,		/* char *: an ssh destination */
	KIND_USER,		/* char *: who logs in */
	KIND_PATH,		/* char *: absolute, as ssh's options take it */
	KIND_SECRET,		/* char *: as --secret */
	KIND_PORT,		/* int64_t */
	KIND_NO_YES,		/* int64_t: 1, 2 */
};

static const struct key {
	const char *name;
	enum kind kind;
	size_t at;		/* in struct bootconf_host */
} keys[] = {
#define K(name, kind, field) \
	{ name, kind, offsetof(struct bootconf_host, field) }
	/* Of a host alone: it stands first. */
	K("address", KIND_HOST, address),
	K("port", KIND_PORT, port),
	K("user", KIND_USER, user),
	K("key", KIND_PATH, key),
	K("secret", KIND_SECRET, secret),
	K("known-hosts", KIND_PATH, known_hosts),
	K("real-port", KIND_PORT, real_port),
	K("real-known-hosts", KIND_PATH, real_known_hosts),
	K("keep-going", KIND_NO_YES, keep_going),
#undef K
};
#define KEYS		(sizeof(keys) / sizeof(keys[0]))
#define ID_HOST		((int)KEYS + 1)		/* [host NAME] itself */
#define ID_SERVER	((int)KEYS + 2)

static int
no_mem(struct err *e)
{
	return err_set(e, ERR_MEM, "out of memory");
}

static int
check_user(const char *v, struct err *e)
{
	char with_host[80];

	if (strchr(v, '@') != NULL || strlen(v) > 64)
		return err_set(e, ERR_CONFIG, "not a user's name");
	memcpy(with_host, v, strlen(v));
	memcpy(with_host + strlen(v), "@h", sizeof("@h"));
	return host_check(with_host, e);
}

static int
check_path(const char *v, struct err *e)
{
	if (v[0] != '/')
		return err_set(e, ERR_CONFIG, "not an absolute path");
	if (strpbrk(v, "\"\\%$") != NULL)
		return err_set(e, ERR_CONFIG, "a path with a quote, '\\', '%%' "
		    "or '$' can't be given to ssh");
	return 0;
}

static int
check_text(enum kind kind, const char *v, struct err *e)
{
	switch (kind) {
	case KIND_HOST:
		return host_check(v, e);
	case KIND_USER:
		return check_user(v, e);
	case KIND_PATH:
		return check_path(v, e);
	default:
		return bootsecret_check(v, e);
	}
}

static int
set_value(const struct key *k, struct bootconf_host *h, const char *v,
    struct err *e)
{
	void *place = (char *)h + k->at;
	uint64_t n;
	char *copy;

	if (v[0] == '\0')
		return err_set(e, ERR_CONFIG, "has no value");
	if (k->kind == KIND_PORT) {
		if (num_u64(v, "a port", 1, PORT_MAX, &n, e) == -1)
			return -1;
		*(int64_t *)place = (int64_t)n;
		return 0;
	}
	if (k->kind == KIND_NO_YES) {
		if (strcmp(v, "no") != 0 && strcmp(v, "yes") != 0)
			return err_set(e, ERR_CONFIG, "one of: no yes");
		*(int64_t *)place = v[0] == 'n' ? 1 : 2;
		return 0;
	}
	if (check_text(k->kind, v, e) == -1)
		return -1;
	copy = strdup(v);
	if (copy == NULL)
		return no_mem(e);
	memcpy(place, &copy, sizeof(copy));
	return 0;
}

/* A name: what pins and passphrases are looked up by. */
static int
check_name(const char *name, struct err *e)
{
	static const char may[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";

	if (strchr("._-", name[0]) != NULL || name[strspn(name, may)] != '\0')
		return err_set(e, ERR_CONFIG, "a host's name has a-z 0-9 . _ - "
		    "only, a letter or digit first, not '%s'", name);
	return 0;
}

/* That of the section, made where it is not there. */
static struct bootconf_host *
host_of(struct bootconf *c, const char *section, struct err *e)
{
	const char *name = section + strlen("host ");
	struct bootconf_host *v;
	size_t i;

	if (strcmp(section, "hosts") == 0)
		return &c->all;
	for (i = 0; i < c->n; i++)
		if (strcmp(c->hosts[i].name, name) == 0)
			return &c->hosts[i];
	if (check_name(name, e) == -1)
		return NULL;
	if (c->n == BOOTCONF_HOSTS) {
		err_set(e, ERR_CONFIG, "more than %d hosts", BOOTCONF_HOSTS);
		return NULL;
	}
	v = reallocarray(c->hosts, c->n + 1, sizeof(*v));
	if (v == NULL) {
		no_mem(e);
		return NULL;
	}
	c->hosts = v;
	v[c->n] = (struct bootconf_host){ .name = strdup(name) };
	if (v[c->n].name == NULL) {
		no_mem(e);
		return NULL;
	}
	return &v[c->n++];
}

static int
set(void *arg, int id, const char *section, const char *key,
    const char *value, const char *at, struct err *e)
{
	struct bootconf_host *h;

	if (id == ID_SERVER)
		return 0;
	h = host_of(arg, section, e);
	if (h != NULL && (id == ID_HOST ||
	    set_value(&keys[id - 1], h, value, e) == 0))
		return 0;
	if (h == NULL)
		err_wrap(e, "%s", at);
	else
		err_wrap(e, "%s: %s", at, key);
	if (e != NULL && e->code != ERR_MEM)
		e->code = ERR_CONFIG;
	return -1;
}

/* The table as core/ui/conf wants it. */
static void
conf_keys(struct conf_key rows[2 * KEYS + 3])
{
	struct conf_key *r = rows;
	size_t i;

	*r++ = (struct conf_key){ "host *", "", ID_HOST, true };
	for (i = 0; i < KEYS; i++)
		*r++ = (struct conf_key){ "host *", keys[i].name, (int)i + 1,
		    false };
	for (i = 1; i < KEYS; i++)
		*r++ = (struct conf_key){ "hosts", keys[i].name, (int)i + 1,
		    false };
	*r++ = (struct conf_key){ "server", "*", ID_SERVER, true };
	*r = (struct conf_key){ 0 };
}

int
bootconf_parse(struct bootconf *c, const char *text, size_t len,
    const char *name, struct err *e)
{
	struct conf_key rows[2 * KEYS + 3];

	conf_keys(rows);
	return conf_parse(text, len, name, rows, set, c, e);
}

int
bootconf_load(struct bootconf *c, const char *path, struct err *e)
{
	struct conf_key rows[2 * KEYS + 3];

	conf_keys(rows);
	return conf_load("boot", path, rows, set, c, e);
}

const struct bootconf_host *
bootconf_find(const struct bootconf *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (strcmp(c->hosts[i].name, name) == 0)
			return &c->hosts[i];
	return NULL;
}

static void
host_clear(struct bootconf_host *h)
{
	free(h->name);
	free(h->address);
	free(h->user);
	free(h->key);
	free(h->secret);
	free(h->known_hosts);
	free(h->real_known_hosts);
}

void
bootconf_clear(struct bootconf *c)
{
	size_t i;

	host_clear(&c->all);
	for (i = 0; i < c->n; i++)
		host_clear(&c->hosts[i]);
	free(c->hosts);
	*c = (struct bootconf){ 0 };
}
