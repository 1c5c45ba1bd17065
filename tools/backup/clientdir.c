/* SPDX-License-Identifier: ISC */
#include "clientdir.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "allow.h"
#include "base/buf.h"
#include "sys/file.h"

int
clientdir_check(const char *store, struct err *e)
{
	struct stat st;

	if (stat(store, &st) == -1)
		return err_sys(e, "%s", store);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, ERR_CONFIG, "%s: not a folder", store);
	if (st.st_uid != geteuid() || (st.st_mode & 022) != 0)
		return err_set(e, ERR_UNSAFE, "%s: must belong to the user "
		    "who keeps the backups (uid %u) and be writable by nobody "
		    "else: owner %u, mode %04o", store, (unsigned)geteuid(),
		    (unsigned)st.st_uid, (unsigned)st.st_mode & 07777u);
	return 0;
}

int
clientdir_make(const char *store, const char *sub, const char *name,
    struct err *e)
{
	struct stat st;
	char *path = NULL;
	int rc = -1;

	if (asprintf(&path, "%s%s%s%s%s", store, *sub != '\0' ? "/" : "", sub,
	    *name != '\0' ? "/" : "", name) == -1)
		return err_set(e, ERR_MEM, "out of memory");
	if (file_mkdirs(path, 0700, e) == -1)
		goto out;
	if (lstat(path, &st) == -1) {
		err_sys(e, "%s", path);
		goto out;
	}
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() ||
	    (st.st_mode & 077) != 0) {
		err_set(e, ERR_UNSAFE, "%s: must be a folder of this user's "
		    "alone (mode 0700)", path);
		goto out;
	}
	rc = 0;
out:
	free(path);
	return rc;
}

/* A new key is no reason to lose a quota. */
int
clientdir_inherit(const struct backup_opts *o, unsigned *ret_allow,
    int64_t *ret_quota, struct err *e)
{
	const struct settings_policy *p;
	struct settings old = { 0 };
	int rc = settings_accepted(o->store, o->client, &old, e);

	*ret_allow = o->allow;
	*ret_quota = o->quota_set ? (int64_t)o->quota : 0;
	if (rc == 0 && old.nclients > 0) {
		p = &old.clients[0].policy;
		if (*ret_allow == 0 && p->allow > 0)
			*ret_allow = (unsigned)p->allow;
		if (!o->quota_set && p->quota > 0)
			*ret_quota = p->quota;
	}
	if (*ret_allow == 0)
		*ret_allow = ALLOW_RUN;
	settings_clear(&old);
	return rc;
}

int
clientdir_conf(const struct backup_opts *o, unsigned allow, int64_t quota,
    struct err *e)
{
	char *path = NULL;
	struct buf b;
	int rc = -1;

	buf_init(&b, 4096);
	if (asprintf(&path, "%s/.postern/%s/client.conf", o->store,
	    o->client) == -1) {
		path = NULL;
		err_set(e, ERR_MEM, "out of memory");
		goto out;
	}
	rc = buf_addf(&b, "# Written by postern backup accept. What "
	    "backup.conf says in\n# [client %s] goes before it.\n[client %s]\n"
	    "allow = ", o->client, o->client);
	if (rc == 0)
		rc = allow_emit(allow, &b, NULL);
	if (quota > 0)
		rc |= buf_addf(&b, "\nquota = %" PRId64, quota);
	rc |= buf_addc(&b, '\n');
	if (rc != 0)
		err_set(e, ERR_MEM, "out of memory");
	else
		rc = file_write(path, b.data, b.len, 0600, NULL, e);
out:
	buf_clear(&b);
	free(path);
	return rc;
}
