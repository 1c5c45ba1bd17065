/* SPDX-License-Identifier: ISC */
#include "setup_plain.h"

#include <errno.h>
#include <unistd.h>

#include "base/buf.h"

bool
setup_plain(const struct gitconf_server *c, const char *home)
{
	struct buf path;
	bool yes = false;

	buf_init(&path, 4200);
	if (c->keydir != NULL && buf_addf(&path,
	    "%s/.gitolite.rc", home) == 0)
		yes = access(path.data, F_OK) == -1 && errno == ENOENT;
	buf_clear(&path);
	return yes;
}
