/* SPDX-License-Identifier: ISC */
#include <locale.h>
#include <string.h>

#include "boot.h"
#include "run.h"
#include "secret/secret.h"
#include "server.h"
#include "ui/log.h"

/* setup, check and stage, which concern this machine and no host. */
static int
server(int argc, char **argv, struct err *e)
{
	struct server_opts o = { 0 };
	int status = server_parse(argc, argv, &o, e);

	if (status != 0)
		return status == 1 ? 0 : -1;
	log_open("postern-boot", o.quiet ? LOG_LVL_ERROR : LOG_LVL_INFO);
	return server_run(&o, e);
}

int
main(int argc, char **argv)
{
	struct boot_opts o = { 0 };
	struct err e = ERR_INIT;
	int status;

	setlocale(LC_CTYPE, "");
	log_open("postern-boot", LOG_LVL_INFO);
	if (secret_harden(&e) == -1)
		return log_err(&e);
	if (argc > 1 && strcmp(argv[1], ASK_OPTION) == 0)
		return ask_main(argc, argv);
	if (server_mine(argc, argv)) {
		status = server(argc, argv, &e);
		return status == -1 ? log_err(&e) : status;
	}
	status = bootopts_parse(argc, argv, &o, &e);
	if (status == 0) {
		log_open("postern-boot", o.verbose ? LOG_LVL_DEBUG : o.quiet ?
		    LOG_LVL_ERROR : LOG_LVL_INFO);
		status = run_boot(&o, &e);
	} else if (status == 1) {
		status = 0;
	}
	bootopts_clear(&o);
	return status == -1 ? log_err(&e) : status;
}
