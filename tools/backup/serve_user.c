/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <pwd.h>
#include <unistd.h>

#include "serve.h"

/*
 * [client NAME] user: root keeps the store, reads what the client says, makes
 * and removes snapshots; the rsync that receives runs as that user.
 */

int
serve_user(struct serve *s, struct err *e)
{
	const char *name = settings_client_user(&s->o->conf, s->client_name);
	const struct passwd *pw;

	if (name == NULL)
		return 0;
	if (geteuid() != 0)
		return err_set(e, ERR_CONFIG, "[client %s] user = %s: only "
		    "root can receive as somebody else, and this is uid %u",
		    s->client_name, name, geteuid());
	if (s->policy.metadata == METADATA_REAL)
		return err_set(e, ERR_CONFIG, "[client %s] user = %s: has not "
		    "the capabilities that metadata = real takes",
		    s->client_name, name);
	errno = 0;
	pw = getpwnam(name);
	if (pw == NULL && errno != 0)
		return err_sys(e, "[client %s] user = %s", s->client_name,
		    name);
	if (pw == NULL)
		return err_set(e, ERR_CONFIG, "[client %s] user = %s: there "
		    "is no such user", s->client_name, name);
	if (pw->pw_uid == 0 || pw->pw_gid == 0)
		return err_set(e, ERR_CONFIG, "[client %s] user = %s: is root, "
		    "or of root's group", s->client_name, name);
	s->client.recv_uid = pw->pw_uid;
	s->client.recv_gid = pw->pw_gid;
	return 0;
}
