/* SPDX-License-Identifier: ISC */
#include "keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const names[] = {
	[KEYS_FOLDER] = "",
	[KEYS_PRIVATE] = "/backup_key",
	[KEYS_PUBLIC] = "/backup_key.pub",
	[KEYS_KNOWN_HOSTS] = "/backup_known_hosts",
	[KEYS_CONF] = "/backup.conf",
};

char *
keys_path(enum keys_file f, struct err *e)
{
	const char *xdg = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");
	char *s = NULL;
	int n;

	if (geteuid() == 0)
		n = asprintf(&s, "/etc/postern%s", names[f]);
	else if (xdg != NULL && xdg[0] == '/')
		n = asprintf(&s, "%s/postern%s", xdg, names[f]);
	else if (home != NULL && home[0] == '/')
		n = asprintf(&s, "%s/.config/postern%s", home, names[f]);
	else {
		err_set(e, ERR_CONFIG, "HOME is not set to an absolute path");
		return NULL;
	}
	if (n == -1) {
		err_set(e, ERR_MEM, "out of memory");
		return NULL;
	}
	return s;
}

/* ssh reads '%' and '"' in a path as its own. */
static int
add_file(struct strv *out, const char *key, const char *path, struct err *e)
{
	if (strpbrk(path, "\"%\\\n") != NULL || strstr(path, "${") != NULL)
		return err_set(e, ERR_CONFIG, "%s: ssh would not take this "
		    "path as it is: it has a '\"', '%%', '\\' or '${'", path);
	if (strv_addf(out, "%s=\"%s\"", key, path) == -1)
		return err_set(e, ERR_MEM, "out of memory");
	return 0;
}

static int
add_words(struct strv *out, char *const *words, const struct strv *more,
    struct err *e)
{
	size_t i;

	if (words != NULL && strv_addv(out, words) == -1)
		return err_set(e, ERR_MEM, "out of memory");
	for (i = 0; i < more->n; i++)
		if (strv_add(out, more->v[i]) == -1)
			return err_set(e, ERR_MEM, "out of memory");
	return 0;
}

int
keys_options(const struct settings_job *j, struct strv *out, struct err *e)
{
	static char *const ours[] = { "IdentitiesOnly=yes",
		"IdentityAgent=none",
		"PreferredAuthentications=publickey",
		"GlobalKnownHostsFile=/dev/null", "UpdateHostKeys=no",
		"ControlMaster=no", "ControlPath=none", NULL };

	if (add_file(out, "IdentityFile", j->key, e) == -1 ||
	    add_file(out, "UserKnownHostsFile", j->known_hosts, e) == -1)
		return -1;
	return add_words(out, ours, &j->ssh_options, e);
}

int
keys_pull(const struct settings_job *j, struct strv *out, struct err *e)
{
	static char *const ours[] = { "IdentitiesOnly=yes", NULL };

	if (j->key != NULL && (add_file(out, "IdentityFile", j->key,
	    e) == -1 || add_words(out, ours, &(struct strv){ 0 }, e) == -1))
		return -1;
	if (j->known_hosts != NULL && add_file(out, "UserKnownHostsFile",
	    j->known_hosts, e) == -1)
		return -1;
	return add_words(out, NULL, &j->ssh_options, e);
}
