/* SPDX-License-Identifier: ISC */
/*
 * backup_store STORE CLIENT COMMAND [ARG …]: the store's functions, one a
 * call, for test_backup_store.py. The clock is $BACKUP_NOW when that is set.
 *
 *	make			the store and the client
 *	begin			says: fresh|resumed BACKEND PREV LINK-DEST
 *	finish [BYTES]		begins (resumes) and finishes; says the name
 *	list			snapshots, newest first
 *	remove SNAPSHOT | remove-incoming | sweep
 *	hold SNAPSHOT		says "held", until its stdin ends
 *	pin SNAPSHOT
 *	evict MIN-FREE QUOTA MIN-KEEP ACROSS(0|1) [OTHERS-MIN-KEEP]	says
 *				what went
 *	trim ROOT		what .incoming has beside it
 *	run STATE		a line to runs
 *	runs			what is read back: count and bad lines
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store.h"
#include "store_build.h"
#include "store_evict.h"
#include "store_hold.h"
#include "store_list.h"
#include "store_rec.h"
#include "store_remove.h"
#include "store_runs.h"
#include "store_trim.h"

static int64_t
told(void)
{
	return strtoll(getenv("BACKUP_NOW"), NULL, 10);
}

static int
begin(struct store_client *c, char **a, struct err *e)
{
	struct store_build b;

	(void)a;
	if (store_build_begin(c, &b, e) == -1)
		return -1;
	printf("%s %s %s %s\n", b.resumed ? "resumed" : "fresh",
	    store_backend_name(b.backend), b.prev, b.link_dest);
	return 0;
}

static int
finish(struct store_client *c, char **a, struct err *e)
{
	struct store_rec rec = { .mode = "channel", .rsync = "3.2.7" };
	char name[STORE_SNAP_MAX];
	struct store_build b;

	if (a[0] != NULL)
		rec.bytes = rec.added = strtoull(a[0], NULL, 10);
	if (store_build_begin(c, &b, e) == -1 ||
	    store_build_finish(c, &b, &rec, name, e) == -1)
		return -1;
	puts(name);
	return 0;
}

static int
list(struct store_client *c, char **a, struct err *e)
{
	struct store_list l;
	size_t i;

	(void)a;
	if (store_list_read(c, &l, e) == -1)
		return -1;
	for (i = 0; i < l.n; i++)
		puts(l.snaps[i].name);
	store_list_clear(&l);
	return 0;
}

static int
remove_one(struct store_client *c, char **a, struct err *e)
{
	return store_remove(c, a[0], e);
}

static int
remove_incoming(struct store_client *c, char **a, struct err *e)
{
	(void)a;
	return store_remove_incoming(c, e);
}

static int
sweep(struct store_client *c, char **a, struct err *e)
{
	(void)a;
	return store_remove_sweep(c, e);
}

static int
hold(struct store_client *c, char **a, struct err *e)
{
	int fd;
	char ch;

	if (store_hold_take(c, a[0], &fd, NULL, e) == -1)
		return -1;
	puts("held");
	fflush(stdout);
	while (read(0, &ch, 1) > 0)
		;
	close(fd);
	return 0;
}

static int
pin(struct store_client *c, char **a, struct err *e)
{
	return store_hold_pin(c, a[0], true, e);
}

static size_t
told_keep(void *arg, const char *name)
{
	(void)name;
	return strtoull(arg, NULL, 10);
}

static int
evict(struct store_client *c, char **a, struct err *e)
{
	struct store_evict_rules rules = { strtoull(a[0], NULL, 10),
	    strtoull(a[1], NULL, 10), strtoull(a[2], NULL, 10),
	    a[3][0] == '1', told_keep, a[4] != NULL ? a[4] : a[2] };
	struct strv removed = { 0 };
	size_t i;
	int rc;

	rc = store_evict(c, &rules, &removed, e);
	for (i = 0; i < removed.n; i++)
		puts(removed.v[i]);
	strv_clear(&removed);
	return rc;
}

static int
trim(struct store_client *c, char **a, struct err *e)
{
	struct strv roots = { 0 };
	int rc = -1;

	if (strv_add(&roots, a[0]) == 0)
		rc = store_trim(c->fd, c->path, STORE_INCOMING, &roots, e);
	strv_clear(&roots);
	return rc;
}

static int
run(struct store_client *c, char **a, struct err *e)
{
	struct store_run r = { 1, "run" };

	snprintf(r.state, sizeof(r.state), "%s", a[0]);
	snprintf(r.message, sizeof(r.message), "a line of some length");
	return store_runs_add(c, &r, e);
}

static int
runs(struct store_client *c, char **a, struct err *e)
{
	struct store_runs r;

	(void)a;
	if (store_runs_read(c, &r, e) == -1)
		return -1;
	printf("%zu %zu\n", r.n, r.bad);
	store_runs_clear(&r);
	return 0;
}

static const struct command {
	const char *name;
	int args;		/* at least */
	bool lock;
	int (*fn)(struct store_client *c, char **a, struct err *e);
} commands[] = {
	{ "begin", 0, true, begin },
	{ "finish", 0, true, finish },
	{ "list", 0, false, list },
	{ "remove", 1, true, remove_one },
	{ "remove-incoming", 0, true, remove_incoming },
	{ "sweep", 0, true, sweep },
	{ "hold", 1, false, hold },
	{ "pin", 1, true, pin },
	{ "evict", 4, true, evict },
	{ "trim", 1, true, trim },
	{ "run", 1, false, run },
	{ "runs", 0, false, runs },
};

static int
go(int argc, char **argv, struct err *e)
{
	struct store_client c = { .fd = -1, .admin_fd = -1, .lock_fd = -1 };
	struct store s;
	size_t i;
	int rc = -1;

	if (strcmp(argv[3], "make") == 0 && store_make(argv[1], e) == -1)
		return -1;
	if (store_open(argv[1], &s, e) == -1)
		return -1;
	if (getenv("BACKUP_NOW") != NULL)
		s.now = told;
	if (strcmp(argv[3], "make") == 0) {
		rc = store_client_make(&s, argv[2], e);
		goto out;
	}
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, argv[3]) == 0)
			break;
	if (i == sizeof(commands) / sizeof(commands[0]) ||
	    argc - 4 < commands[i].args) {
		err_set(e, ERR_USAGE, "no such command");
		goto out;
	}
	if (store_client_open(&s, argv[2], &c, e) == -1 ||
	    (commands[i].lock && store_client_lock(&c, 0, e) == -1))
		goto out;
	rc = commands[i].fn(&c, argv + 4, e);
out:
	store_client_close(&c);
	store_close(&s);
	return rc;
}

int
main(int argc, char **argv)
{
	struct err e = ERR_INIT;

	if (argc < 4)
		return 64;
	if (go(argc, argv, &e) == 0)
		return fflush(stdout) == 0 ? 0 : 1;
	fprintf(stderr, "%s\n", e.msg);
	return err_exit(e.code);
}
