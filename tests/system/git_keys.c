/* SPDX-License-Identifier: ISC */
/*
 * git_keys COMMAND NAME=VALUE ...: the way of the keys with settings from
 * argv, for test_git_keys*.py.
 *
 *	auth-update	keys= proxy= server= signers= base= sessions= min= drop=
 *			generations= read= lock=	(times in ms)
 *	push-keys, push-authkeys	server= keydir= state= gateway= key=
 *			known= timeout= tries= force=
 *	rollback	keys= base= sessions= gen=
 *	ask		keys= base= id= fp=
 *	lint-keys	path=
 *	session		sessions= keys= base= id= fp=: enters, says "in", and
 *			goes on until its stdin ends
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keyask.h"
#include "keyroll.h"
#include "keyupdate.h"
#include "lintkeys.h"
#include "pushkeys.h"
#include "sessions.h"
#include "ui/log.h"

static char **args;

static const char *
arg(const char *name)
{
	size_t n = strlen(name);
	char **a;

	for (a = args; *a != NULL; a++)
		if (strncmp(*a, name, n) == 0 && (*a)[n] == '=')
			return *a + n + 1;
	return NULL;
}

static unsigned
num(const char *name, unsigned other)
{
	const char *v = arg(name);

	return v != NULL ? (unsigned)strtoul(v, NULL, 10) : other;
}

static int
auth_update(void)
{
	struct keyupdate_conf c = {
		.keys = arg("keys"), .proxy = arg("proxy"),
		.server = arg("server"), .allowed_signers = arg("signers"),
		.base = arg("base"), .sessions = arg("sessions"),
		.min_keys = num("min", 1), .max_drop_pct = num("drop", 50),
		.generations = num("generations", 10),
		.read_ms = num("read", 60000), .lock_ms = num("lock", 10000),
	};

	return keyupdate_main(&c);
}

static int
push(enum pushkeys_voice voice)
{
	struct pushkeys_conf c = {
		.server = arg("server"), .keydir = arg("keydir"),
		.state = arg("state"),
		.send = { .gateway = arg("gateway"), .key = arg("key"),
			.known_hosts = arg("known"), .connect_s = 5 },
		.timeout_ms = num("timeout", 10000),
		.tries = num("tries", 0), .force = arg("force") != NULL,
	};

	return pushkeys_main(&c, arg("json") != NULL ? PUSHKEYS_JSON : voice,
	    false);
}

static int
session(void)
{
	struct err e = ERR_INIT;
	char c;

	if (sessions_enter(arg("sessions"), arg("id"), arg("fp"),
	    "0123456789abcdef", &e) == -1)
		return log_err(&e);
	if (!keyask_still(arg("keys"), arg("base"), arg("id"), arg("fp"))) {
		puts("revoked");
		return 1;
	}
	puts("in");
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	sessions_leave(arg("sessions"));
	return 0;
}

int
main(int argc, char **argv)
{
	struct keyroll_conf roll;
	const char *cmd = argc > 1 ? argv[1] : "";

	log_open("postern-git", LOG_LVL_INFO);
	args = argv + (argc > 1 ? 2 : 1);
	roll = (struct keyroll_conf){ arg("keys"), arg("base"),
		arg("sessions"), 10000 };
	if (strcmp(cmd, "auth-update") == 0)
		return auth_update();
	if (strcmp(cmd, "push-keys") == 0)
		return push(PUSHKEYS_TEXT);
	if (strcmp(cmd, "push-authkeys") == 0)
		return push(PUSHKEYS_TRIGGER);
	if (strcmp(cmd, "rollback") == 0)
		return keyroll_main(&roll, num("gen", 0), false);
	if (strcmp(cmd, "ask") == 0)
		return keyask_main(arg("keys"), arg("base"), arg("id"),
		    arg("fp"), false);
	if (strcmp(cmd, "lint-keys") == 0)
		return lintkeys_main(arg("path"), NULL, false);
	if (strcmp(cmd, "session") == 0)
		return session();
	return 64;
}
