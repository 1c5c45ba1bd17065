/* SPDX-License-Identifier: ISC */
/*
 * postern-backup-send [--nice N] [--ionice CLASS[:LEVEL]] [--bwlimit KIB]
 *     --config CONF [--rules FILE] [--list FILE] --grants FILE
 * postern-backup-send [--nice N] [--ionice CLASS[:LEVEL]] --grants FILE
 *     --sender -- rsync --server --sender ARGUMENT…
 * postern-backup-send [--nice N] [--ionice CLASS[:LEVEL]] --grants FILE
 *     --scan ORDER
 * postern-backup-send --readable FILE
 * postern-backup-send --explain
 *
 * The half that reads: becomes an rsync daemon on stdin and stdout, or the
 * sender of a one-time sshd (admit.c has made its arguments), that can read
 * what the grants say (grants.h), CONF and FILE, whatever its uid and its
 * capability would let it, and can write, connect to and signal nothing.
 *
 * May carry cap_dac_read_search=p (root:group, mode 0750): it then reads what
 * root reads, for whoever may execute it. It does not parse what a peer
 * sends: rsync does, confined. The grants are read before the capability is
 * effective: they must be the caller's to read. What they hide is left out
 * with the capability: the caller may not even list what lies beside it. Of
 * what is hidden root sees no name either (send_mask.h).
 *
 * With --scan no rsync is started: send_scan.h.
 *
 * With --readable no rsync is started: 0 when it could read the files that
 * FILE names (as grants), 1 when not. Who may execute it learns no more than
 * a run would tell.
 *
 * Exit status: rsync's; 120 when rsync was not started, 64 usage; of a scan
 * send_scan.h's.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/num.h"
#include "grants.h"
#include "jail.h"
#include "send_grants.h"
#include "send_mask.h"
#include "send_scan.h"
#include "jail/cap.h"
#include "sys/file.h"

#define NAME "postern-backup-send"

struct send_opts {
	const char *nice, *ionice, *bwlimit, *config, *rules, *grants;
	const char *list, *scan;
	char *const *sender;	/* rsync's argv; NULL: the daemon */
};

static const struct {
	const char *name;
	size_t at;
} rows[] = {
	{ "--nice", offsetof(struct send_opts, nice) },
	{ "--ionice", offsetof(struct send_opts, ionice) },
	{ "--bwlimit", offsetof(struct send_opts, bwlimit) },
	{ "--config", offsetof(struct send_opts, config) },
	{ "--rules", offsetof(struct send_opts, rules) },
	{ "--grants", offsetof(struct send_opts, grants) },
	{ "--list", offsetof(struct send_opts, list) },
	{ "--scan", offsetof(struct send_opts, scan) },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* Only admit.c starts it so; but nobody should get another rsync by us. */
static int
check_sender(char *const *argv, struct err *e)
{
	static const char *const head[] = { "rsync", "--server",
		"--sender" };
	size_t i;

	for (i = 0; i < 3; i++)
		if (argv[i] == NULL || strcmp(argv[i], head[i]) != 0)
			return err_set(e, ERR_USAGE, "--sender: no rsync "
			    "--server --sender");
	return 0;
}

static int
parse(char **argv, struct send_opts *o, struct err *e)
{
	const char **slot;
	size_t i;

	for (; *argv != NULL; argv += 2) {
		if (strcmp(*argv, "--sender") == 0 && argv[1] != NULL &&
		    strcmp(argv[1], "--") == 0) {
			o->sender = argv + 2;
			break;
		}
		for (i = 0; i < ROWS && strcmp(*argv, rows[i].name) != 0; i++)
			continue;
		if (i == ROWS)
			return err_set(e, ERR_USAGE, "unknown argument '%s'",
			    *argv);
		slot = (const char **)(void *)((char *)o + rows[i].at);
		if (argv[1] == NULL || *slot != NULL)
			return err_set(e, ERR_USAGE, "%s takes one value, "
			    "once", *argv);
		*slot = argv[1];
	}
	if (o->grants == NULL || (o->config != NULL) + (o->sender != NULL) +
	    (o->scan != NULL) != 1)
		return err_set(e, ERR_USAGE, "--grants and one of --config, "
		    "--sender and --scan are needed");
	if (o->scan != NULL)
		return 0;
	if (o->sender != NULL)
		return check_sender(o->sender, e);
	if (o->config[0] != '/' || (o->rules != NULL && o->rules[0] != '/') ||
	    (o->list != NULL && o->list[0] != '/'))
		return err_set(e, ERR_USAGE, "paths must be absolute");
	return 0;
}

/* ioprio_set(2) has no header: class << 13 | level, 1 is "this process". */
static int
set_ionice(const char *text, struct err *e)
{
	static const struct {
		const char *name;
		int class;
	} classes[] = { { "best-effort", 2 }, { "idle", 3 } };
	size_t len = strcspn(text, ":"), i;
	uint64_t level = 4;

	for (i = 0; i < 2; i++)
		if (strlen(classes[i].name) == len &&
		    memcmp(classes[i].name, text, len) == 0)
			break;
	if (i == 2)
		return err_set(e, ERR_USAGE,
		    "--ionice takes best-effort[:0-7] or idle");
	if (text[len] == ':' &&
	    num_u64(text + len + 1, "--ionice", 0, 7, &level, e) == -1)
		return -1;
	if (syscall(SYS_ioprio_set, 1, 0, classes[i].class << 13 |
	    (classes[i].class == 3 ? 0 : (int)level)) == -1)
		return err_sys(e, "--ionice %s", text);
	return 0;
}

static int
be_modest(const struct send_opts *o, struct err *e)
{
	uint64_t n;

	if (o->nice != NULL) {
		if (num_u64(o->nice, "--nice", 0, 19, &n, e) == -1)
			return -1;
		/* Who is nicer already stays so, and may not be less. */
		if (getpriority(PRIO_PROCESS, 0) < (int)n &&
		    setpriority(PRIO_PROCESS, 0, (int)n) == -1)
			return err_sys(e, "--nice %s", o->nice);
	}
	return o->ionice != NULL ? set_ionice(o->ionice, e) : 0;
}

/* What has to be found by its path from here on, as it lies. */
static int
needed(const struct send_opts *o, struct strv *out, struct err *e)
{
	const char *all[JAIL_PATHS + 4];
	char *real;
	size_t i;
	int rc = 0;

	jail_paths(NULL, all);
	for (i = 0; all[i] != NULL; i++)
		;
	if (o->config != NULL)
		all[i++] = o->config;
	if (o->rules != NULL)
		all[i++] = o->rules;
	if (o->list != NULL)
		all[i++] = o->list;
	all[i] = NULL;
	for (i = 0; rc == 0 && all[i] != NULL; i++) {
		real = realpath(all[i], NULL);
		if (real != NULL)
			rc = strv_add(out, real);
		free(real);
	}
	return rc == 0 ? 0 : err_set(e, ERR_MEM, "out of memory");
}

static int
confine(const struct send_opts *o, struct err *e)
{
	struct sandbox *s = NULL;
	struct strv keep = { 0 };
	struct buf text;
	bool all;
	int rc = -1;

	buf_init(&text, GRANTS_MAX);
	if (file_read(o->grants, &text, e) == -1)
		goto out;
	if (needed(o, &keep, e) == -1 || send_mask(&text, &keep, e) == -1 ||
	    cap_keep(CAP_KEEP_READ, &all, e) == -1)
		goto out;
	s = sandbox_new(0, e);
	if (s == NULL || (o->scan == NULL && jail_programs(s, e) == -1) ||
	    (o->config != NULL &&
		sandbox_allow(s, o->config, SANDBOX_READ, e) == -1) ||
	    (o->rules != NULL &&
		sandbox_allow(s, o->rules, SANDBOX_READ, e) == -1) ||
	    (o->list != NULL &&
		sandbox_allow(s, o->list, SANDBOX_READ, e) == -1))
		goto out;
	if (send_grants_allow(&text, s, e) == -1) {
		err_wrap(e, "%s", o->grants);
		goto out;
	}
	/* rsync as root wants to drop groups; here that takes a capability
	 * and gives nothing. */
	rc = sandbox_enter(s, geteuid() == 0 ? SANDBOX_GROUPS : 0, e);
out:
	strv_clear(&keep);
	buf_clear(&text);
	sandbox_free(s);
	return rc;
}

static int
explain(struct err *e)
{
	char caps[256], kernel[512];

	if (cap_describe(caps, sizeof(caps), e) == -1)
		return -1;
	sandbox_describe(sandbox_abi(), kernel, sizeof(kernel));
	dprintf(STDOUT_FILENO, "%s\ncapabilities: %s\n", kernel, caps);
	return 0;
}

/* Beside a run, whose rsync said that it could not open them. */
static int
readable(const char *path, struct err *e)
{
	struct buf text;
	bool all;
	int rc = -1;

	buf_init(&text, GRANTS_MAX);
	if (file_read(path, &text, e) == 0 &&
	    cap_keep(CAP_KEEP_READ, &all, e) == 0)
		rc = send_grants_readable(&text, e);
	buf_clear(&text);
	return rc;
}

static int
scan(const struct send_opts *o, struct err *e)
{
	struct send_scan s = { .old = NULL };
	int rc = -1;

	if (send_scan_open(&s, o->scan, e) == 0 && be_modest(o, e) == 0 &&
	    confine(o, e) == 0)
		rc = send_scan_run(&s, e);
	send_scan_clear(&s);
	return rc;
}

int
main(int argc, char **argv)
{
	struct send_opts o = { 0 };
	struct err e = ERR_INIT;
	char config[4096];
	char limit[32] = "--bwlimit=0";
	char *rsync[] = { (char []){ JAIL_RSYNC }, (char []){ "--server" },
		(char []){ "--daemon" }, config, limit, (char []){ "." },
		NULL };
	uint64_t kib = 0;
	int n;

	if (argc == 2 && strcmp(argv[1], "--explain") == 0)
		return explain(&e) == 0 ? 0 : jail_fail(NAME, &e);
	if (argc == 3 && strcmp(argv[1], "--readable") == 0) {
		if (jail_start(3, &e) == 0 && readable(argv[2], &e) == 0)
			return 0;
		(void)jail_fail(NAME, &e);
		return 1;
	}
	if (argc < 1 || parse(argv + 1, &o, &e) == -1)
		return jail_fail(NAME, &e);
	if (o.scan != NULL) {
		if (jail_start(3, &e) == 0 && scan(&o, &e) == 0)
			return 0;
		n = jail_fail(NAME, &e);
		return e.sys_errno == ENOSPC || e.sys_errno == EDQUOT ?
		    SEND_SCAN_FULL : n;
	}
	n = snprintf(config, sizeof(config), "--config=%s", o.config != NULL ?
	    o.config : "");
	if (n < 0 || (size_t)n >= sizeof(config)) {
		err_set(&e, ERR_USAGE, "--config: too long");
		return jail_fail(NAME, &e);
	}
	if (o.bwlimit != NULL && num_u64(o.bwlimit, "--bwlimit", 1,
	    UINT32_MAX, &kib, &e) == -1)
		return jail_fail(NAME, &e);
	/* Of a daemon it is the most that the other end may ask for. */
	snprintf(limit, sizeof(limit), "--bwlimit=%lu", (unsigned long)kib);
	if (jail_start(3, &e) == 0 && be_modest(&o, &e) == 0 &&
	    confine(&o, &e) == 0)
		jail_exec(o.sender != NULL ? o.sender : rsync, &e);
	return jail_fail(NAME, &e);
}
