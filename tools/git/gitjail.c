/* SPDX-License-Identifier: ISC */
#include "gitjail.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "gitprog.h"
#include "jail/sandbox.h"

#define PASS	(SANDBOX_OPTIONAL | SANDBOX_BEYOND)
#define READ	(SANDBOX_READ | SANDBOX_LIST | PASS)
#define RUN	(READ | SANDBOX_EXEC)
#define WRITE	(READ | SANDBOX_WRITE)
#define S	(1u << GITJAIL_SESSION)
#define U	(1u << GITJAIL_UPDATE)
#define SERVE	(1u << GITJAIL_SERVE)

struct row {
	const char *path;
	unsigned allow, kinds;
};

/* What is the same everywhere: programs, settings, names of hosts. */
static const struct row fixed[] = {
	{ "/usr", RUN, S | U },
	{ "/lib", RUN, S | U },
	{ "/lib64", RUN, S | U },
	{ "/bin", RUN, S | U },
	{ "/sbin", RUN, S | U },
	{ "/etc", READ, S | U | SERVE },
	{ "/proc", READ, S | U },
	{ "/dev", READ, S | U },
	{ "/dev/null", WRITE, S | U | SERVE },
	{ "/dev/tty", WRITE, S },
	/* What resolv.conf may be a link to. */
	{ "/run", READ, S },
};

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
/* Its search for leaks at the end wants ptrace. */
static int confined;
int __lsan_is_turned_off(void);

int
__lsan_is_turned_off(void)
{
	return confined;
}
#endif

static const unsigned sums[] = {
	[GITJAIL_SESSION] = SANDBOX_SESSION,
	[GITJAIL_UPDATE] = SANDBOX_UPDATE,
	[GITJAIL_SERVE] = SANDBOX_WAIT,
};

/* The folder that path is in. */
static int
folder(struct sandbox *s, const char *path, unsigned allow, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX];

	if (slash == NULL || (size_t)(slash - path) >= sizeof(dir))
		return 0;
	snprintf(dir, sizeof(dir), "%.*s", slash == path ? 1 :
	    (int)(slash - path), path);
	return sandbox_allow(s, dir, allow, e);
}

/* A log that is rotated is made anew. Read is the one that is there, for how it
 * ends. */
static int
audit(struct sandbox *s, const struct gitconf_side *c, struct err *e)
{
	return c->audit_file == NULL || (sandbox_allow(s, c->audit_file, READ,
	    e) != -1 && folder(s, c->audit_file, SANDBOX_ADD | PASS,
	    e) != -1) ? 0 : -1;
}

/* The pool's program, which a session starts. */
static int
program(struct sandbox *s, struct err *e)
{
	struct buf path;
	int rc;

	buf_init(&path, PATH_MAX);
	rc = gitprog_path("x", &path, e);
	if (rc == 0)
		rc = folder(s, path.data, RUN, e);
	buf_clear(&path);
	return rc;
}

static int
gateway(struct sandbox *s, enum gitjail kind,
    const struct gitconf_gateway *c, struct err *e)
{
	const struct row rows[] = {
		{ c->ssh, RUN, S }, { c->key, READ, S },
		{ c->known_hosts, READ, S }, { c->allowed_signers, READ, U },
		{ c->base, READ, S | U }, { c->keys_dir, READ, S },
		{ c->keys_dir, WRITE, U }, { c->run_dir, WRITE, S | U },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if ((rows[i].kinds & (1u << kind)) != 0 && sandbox_allow(s,
		    rows[i].path, rows[i].allow, e) == -1)
			return -1;
	if (kind == GITJAIL_SESSION && program(s, e) == -1)
		return -1;
	return audit(s, &c->side, e);
}

static int
allow(struct sandbox *s, enum gitjail kind, const struct gitconf *c,
    struct err *e)
{
	size_t i;

	for (i = 0; i < sizeof(fixed) / sizeof(*fixed); i++)
		if ((fixed[i].kinds & (1u << kind)) != 0 && sandbox_allow(s,
		    fixed[i].path, fixed[i].allow, e) == -1)
			return -1;
	return kind == GITJAIL_SERVE ? audit(s, &c->server.side, e) :
	    gateway(s, kind, &c->gateway, e);
}

int
gitjail_open(enum gitjail kind, const struct gitconf *c,
    struct sandbox **ret, struct err *e)
{
	struct sandbox *s = NULL;

	if (sandbox_abi() > 0) {
		s = sandbox_new(sums[kind], e);
		if (s == NULL || allow(s, kind, c, e) == -1) {
			sandbox_free(s);
			return err_wrap(e, "confining this program");
		}
	}
	*ret = s;
	return 0;
}

int
gitjail_apply(enum gitjail kind, struct sandbox *s, struct err *e)
{
	bool filter;

	if (sandbox_try(s, sums[kind], &filter, e) == -1)
		return err_wrap(e, "confining this program");
#ifdef __SANITIZE_ADDRESS__
	confined = 1;
#endif
	return 0;
}

int
gitjail_enter(enum gitjail kind, const struct gitconf *c, struct err *e)
{
	struct sandbox *s;
	int rc;

	if (gitjail_open(kind, c, &s, e) == -1)
		return -1;
	rc = gitjail_apply(kind, s, e);
	sandbox_free(s);
	return rc;
}

bool
gitjail_lacks(char *out, size_t cap)
{
	int abi = sandbox_abi();
	char text[512];

	sandbox_describe(abi, text, sizeof(text));
	snprintf(out, cap, "%s%s", !sandbox_filters() ? "system calls are not "
	    "filtered here; " : "", abi == 0 ? "there is no Landlock here: "
	    "files are not confined" : text);
	return !sandbox_filters() || abi == 0 || strstr(text, "too old") !=
	    NULL;
}
