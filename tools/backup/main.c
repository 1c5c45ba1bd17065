/* SPDX-License-Identifier: ISC */
#include <locale.h>
#include <stddef.h>

#include "backup.h"
#include "ui/log.h"

#define NOT_BUILT 70		/* sysexits.h EX_SOFTWARE */

static const struct {
	enum backup_cmd cmd;
	int (*fn)(struct backup_opts *o, struct err *e);
} commands[] = {
	{ BACKUP_SETUP, backup_setup },
	{ BACKUP_RUN, backup_run },
	{ BACKUP_RESTORE, backup_restore },
	{ BACKUP_LIST, backup_list },
	{ BACKUP_FIND, backup_find },
	{ BACKUP_VERIFY, backup_verify },
	{ BACKUP_CAT, backup_cat },
	{ BACKUP_USAGE, backup_usage },
	{ BACKUP_ACCEPT, backup_accept },
	{ BACKUP_PULL, backup_pull },
	{ BACKUP_RECEIVE, backup_receive },
	{ BACKUP_EXPLAIN, backup_explain },
	{ BACKUP_SHOW, backup_show },
	{ BACKUP_DIFF, backup_diff },
	{ BACKUP_DU, backup_du },
	{ BACKUP_PRUNE, backup_prune },
	{ BACKUP_PIN, backup_pin },
	{ BACKUP_STATUS, backup_status },
};

static int
go(struct backup_opts *o, struct err *e)
{
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (commands[i].cmd == o->cmd && commands[i].fn != NULL)
			return commands[i].fn(o, e);
	log_error("%s: not built yet", o->name);
	return NOT_BUILT;
}

int
main(int argc, char **argv)
{
	struct backup_opts o = { 0 };
	struct err e = ERR_INIT;
	int status;

	setlocale(LC_CTYPE, "");
	log_open("postern-backup", LOG_LVL_INFO);
	status = opts_parse(argc, argv, &o, &e);
	if (status == 0) {
		log_open("postern-backup", o.verbose ? LOG_LVL_DEBUG :
		    o.quiet ? LOG_LVL_ERROR : LOG_LVL_INFO);
		status = go(&o, &e);
	} else if (status == 1) {
		status = 0;
	}
	if (status == -1)
		status = log_err(&e);
	opts_clear(&o);
	return status;
}
