/* SPDX-License-Identifier: ISC */
/*
 * keys: where a client has the key that it makes backups with, and the host
 * keys that it knows the store by: for root /etc/postern, otherwise
 * $XDG_CONFIG_HOME or ~/.config, with /postern. And what ssh is told so that
 * it uses these and no other.
 */
#ifndef BACKUP_KEYS_H
#define BACKUP_KEYS_H

#include "base/err.h"
#include "base/strv.h"
#include "settings.h"

enum keys_file {
	KEYS_FOLDER,
	KEYS_PRIVATE,		/* backup_key */
	KEYS_PUBLIC,		/* backup_key.pub */
	KEYS_KNOWN_HOSTS,	/* backup_known_hosts */
	KEYS_CONF,		/* backup.conf */
};

/* keys_path(): returns owned, or NULL: ERR_CONFIG (no home), ERR_MEM. */
char *keys_path(enum keys_file f, struct err *e);

/* keys_options(): what ssh gets as -o for job j, which has been filled:
 * IdentityFile, IdentitiesOnly, no agent, UserKnownHostsFile of ours alone,
 * no ControlMaster (it would have been let in with another key), then the
 * job's own ssh-option. For sshargv_opts.options. Each is added to out.
 * 0, or -1 ERR_MEM, ERR_CONFIG (a path that ssh would read otherwise). */
int keys_options(const struct settings_job *j, struct strv *out,
	struct err *e);

/* keys_pull(): the same for `pull`: the owner's own configuration and keys,
 * and before them what the [client] says (j as it was read, not filled). */
int keys_pull(const struct settings_job *j, struct strv *out,
	struct err *e);

#endif
