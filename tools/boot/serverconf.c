/* SPDX-License-Identifier: ISC */
#include "serverconf.h"

#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "ui/conf.h"

#define KEYS		"/root/.ssh/authorized_keys"
#define HOST_KEY	"/etc/postern/boot/host_key"
#define SECTION		"server"
#define LETTERS		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS		"0123456789"
#define VALUE_MAX	160

enum { K_PORT = 1, K_KEYS, K_EMERGENCY, K_HOST_KEY, K_SSHD, K_IP, K_KEEP,
	K_OTHER };

static const struct conf_key keys[] = {
	{ SECTION, "port", K_PORT, false },
	{ SECTION, "authorized-keys", K_KEYS, false },
	{ SECTION, "emergency-keys", K_EMERGENCY, false },
	{ SECTION, "host-key", K_HOST_KEY, false },
	{ SECTION, "sshd", K_SSHD, false },
	{ SECTION, "ip", K_IP, false },
	{ SECTION, "keep-network", K_KEEP, false },
	{ "*", "*", K_OTHER, true },	/* hosts, for the client */
	{ "", NULL, 0, false }
};

static int
set(char **p, const char *v, struct err *e)
{
	char *s = strdup(v);

	if (s == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	free(*p);
	*p = s;
	return 0;
}

int
serverconf_init(struct serverconf *c, struct err *e)
{
	*c = (struct serverconf){ .port = SERVERCONF_PORT };
	if (set(&c->keys, KEYS, e) == -1 ||
	    set(&c->host_key, HOST_KEY, e) == -1) {
		serverconf_clear(c);
		return -1;
	}
	return 0;
}

void
serverconf_clear(struct serverconf *c)
{
	free(c->keys);
	free(c->emergency);
	free(c->host_key);
	free(c->ip);
	*c = (struct serverconf){ 0 };
}

int
serverconf_path(const char *v, const char *what, struct err *e)
{
	if (v[0] != '/' || strlen(v) > VALUE_MAX ||
	    v[strspn(v, LETTERS DIGITS "/._-+@,:")] != '\0' ||
	    strstr(v, "/../") != NULL)
		return err_set(e, ERR_CONFIG, "%s: needs an absolute path of "
		    "letters, digits and /._-+@,:", what);
	return 0;
}

int
serverconf_ip(const char *v, const char *what, struct err *e)
{
	if (v[0] == '\0' || strlen(v) > VALUE_MAX ||
	    v[strspn(v, LETTERS DIGITS ".:-_[]/")] != '\0')
		return err_set(e, ERR_CONFIG, "%s: not what the kernel takes "
		    "behind ip=, such as dhcp or "
		    "10.0.0.2::10.0.0.1:255.255.255.0::eth0:off", what);
	return 0;
}

int
serverconf_sshd(const char *v, const char *what, enum serverconf_sshd *ret,
    struct err *e)
{
	static const char *const names[] = { "auto", "dropbear", "openssh" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(v, names[i]) == 0) {
			*ret = (enum serverconf_sshd)i;
			return 0;
		}
	}
	return err_set(e, ERR_CONFIG, "%s: auto, dropbear or openssh", what);
}

static int
yes_no(const char *v, const char *what, bool *ret, struct err *e)
{
	if (strcmp(v, "yes") != 0 && strcmp(v, "no") != 0)
		return err_set(e, ERR_CONFIG, "%s: yes or no", what);
	*ret = v[0] == 'y';
	return 0;
}

static int
on_key(void *arg, int id, const char *section, const char *key,
    const char *value, const char *at, struct err *e)
{
	struct serverconf *c = arg;
	char what[256];

	if (id == K_OTHER) {
		/* The row for any section takes what ours does not know. */
		if (strcmp(section, SECTION) == 0)
			return err_set(e, ERR_CONFIG, "%s: unknown key '%s' "
			    "in [server]", at, key);
		return 0;
	}
	snprintf(what, sizeof(what), "%s: %s", at, key);
	c->found = true;
	switch (id) {
	case K_PORT:
		if (num_u64(value, what, 1, 65535, &c->port, e) == -1) {
			e->code = ERR_CONFIG;
			return -1;
		}
		return 0;
	case K_KEYS:
		return serverconf_path(value, what, e) == -1 ? -1 :
		    set(&c->keys, value, e);
	case K_EMERGENCY:
		return serverconf_path(value, what, e) == -1 ? -1 :
		    set(&c->emergency, value, e);
	case K_HOST_KEY:
		return serverconf_path(value, what, e) == -1 ? -1 :
		    set(&c->host_key, value, e);
	case K_SSHD:
		return serverconf_sshd(value, what, &c->sshd, e);
	case K_IP:
		return serverconf_ip(value, what, e) == -1 ? -1 :
		    set(&c->ip, value, e);
	default:
		return yes_no(value, what, &c->keep_network, e);
	}
}

int
serverconf_parse(const char *text, size_t len, const char *name,
    struct serverconf *c, struct err *e)
{
	return conf_parse(text, len, name, keys, on_key, c, e);
}

/* Whether the line of n bytes at p sets key. */
static bool
sets(const char *p, size_t n, const char *key)
{
	size_t k = strlen(key);

	if (n < k || memcmp(p, key, k) != 0)
		return false;
	while (k < n && (p[k] == ' ' || p[k] == '\t'))
		k++;
	return k < n && p[k] == '=';
}

/* Where in text the line of key stands in [server] (*ret_len with its line
 * feed), or where one would go (0); false: there is no such section. */
static bool
place(const char *text, size_t len, const char *key, size_t *ret_at,
    size_t *ret_len)
{
	static const char head[] = "[" SECTION "]";
	size_t i, n, body;
	bool in = false, found = false;
	const char *nl;

	for (i = 0; i < len; i += n) {
		nl = memchr(text + i, '\n', len - i);
		n = nl != NULL ? (size_t)(nl - text) - i + 1 : len - i;
		body = n - (nl != NULL);
		if (text[i] == '[') {
			in = body >= sizeof(head) - 1 &&
			    memcmp(text + i, head, sizeof(head) - 1) == 0;
		} else if (!in || body == 0) {
			continue;
		}
		if (!in)
			continue;
		/* Behind its last line that says something. */
		*ret_at = i + n;
		*ret_len = 0;
		found = true;
		if (sets(text + i, body, key)) {
			*ret_at = i;
			*ret_len = n;
			break;
		}
	}
	return found;
}

int
serverconf_put(const char *text, size_t len, const char *key,
    const char *value, struct buf *out, struct err *e)
{
	size_t at = len, old = 0;
	int rc;
	bool found = place(text, len, key, &at, &old);

	rc = buf_add(out, text, at);
	if (rc == 0 && at > 0 && text[at - 1] != '\n')
		rc = buf_addc(out, '\n');
	if (rc == 0 && !found)
		rc = buf_addf(out, "%s[" SECTION "]\n", len > 0 ? "\n" : "");
	if (rc == 0)
		rc = buf_addf(out, "%s = %s\n", key, value);
	if (rc == 0)
		rc = buf_add(out, text + at + old, len - at - old);
	return rc == 0 ? 0 : err_set(e, ERR_MEM, "out of memory");
}
