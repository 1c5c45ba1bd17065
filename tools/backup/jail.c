/* SPDX-License-Identifier: ISC */
#include "jail.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/esc.h"

#if defined(__x86_64__)
#define LOADER "/lib64/ld-linux-x86-64.so.2"
#define TRIPLET "x86_64-linux-gnu"
#elif defined(__aarch64__)
#define LOADER "/lib/ld-linux-aarch64.so.1"
#define TRIPLET "aarch64-linux-gnu"
#else
#error "sandbox.h knows amd64 and arm64"
#endif

static const struct {
	const char *path;
	unsigned allow;
} programs[] = {
	{ JAIL_RSYNC, SANDBOX_READ | SANDBOX_EXEC },
	{ LOADER, SANDBOX_READ | SANDBOX_EXEC },
	{ "/etc/ld.so.cache", SANDBOX_READ | SANDBOX_OPTIONAL },
	{ "/etc/ld.so.preload", SANDBOX_READ | SANDBOX_OPTIONAL },
	{ "/etc/ssl/openssl.cnf", SANDBOX_READ | SANDBOX_OPTIONAL },
	{ "/dev/urandom", SANDBOX_READ | SANDBOX_OPTIONAL },
};

/* Debian's; where both are missing, other distributions' for 64 bits. */
static const char *const libraries[] = { "/usr/lib/" TRIPLET,
	"/lib/" TRIPLET, "/usr/lib64", "/usr/lib" };
#define DEBIAN 2
#define COUNT(v) (sizeof(v) / sizeof((v)[0]))

static bool
is_library(size_t i)
{
	bool debian = access(libraries[0], F_OK) == 0 ||
	    access(libraries[1], F_OK) == 0;

	return debian == (i < DEBIAN);
}

int
jail_start(int keep, struct err *e)
{
	const struct rlimit none = { 0, 0 };

	if (syscall(SYS_close_range, (unsigned)keep, ~0U, 0U) == -1)
		return err_sys(e, "close_range");
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1)
		return err_sys(e, "PR_SET_PDEATHSIG");
	if (setrlimit(RLIMIT_CORE, &none) == -1)
		return err_sys(e, "RLIMIT_CORE");
	return 0;
}

int
jail_programs(struct sandbox *s, struct err *e)
{
	size_t i;

	for (i = 0; i < COUNT(programs); i++)
		if (sandbox_allow(s, programs[i].path, programs[i].allow,
		    e) == -1)
			return -1;
	for (i = 0; i < COUNT(libraries); i++)
		if (is_library(i) && sandbox_allow(s, libraries[i],
		    SANDBOX_READ | SANDBOX_OPTIONAL, e) == -1)
			return -1;
	return 0;
}

void
jail_paths(const char *relay, const char *out[JAIL_PATHS])
{
	size_t n = 0, i;

	/* Where both are, the folder comes before what lies in it. */
	for (i = 0; i < COUNT(libraries); i++)
		if (is_library(i))
			out[n++] = libraries[i];
	for (i = 0; i < COUNT(programs); i++)
		out[n++] = programs[i].path;
	if (relay != NULL)
		out[n++] = relay;
	out[n] = NULL;
}

int
jail_exec(char *const *argv, struct err *e)
{
	/* TZ: glibc reads no file for it. */
	static char path[] = "PATH=/usr/bin:/bin", lang[] = "LC_ALL=C",
		tz[] = "TZ=<UTC>0";
	char *envp[] = { path, lang, tz, NULL };

	execve(JAIL_RSYNC, argv, envp);
	return err_sys(e, "run " JAIL_RSYNC);
}

int
jail_fail(const char *program, const struct err *e)
{
	struct buf line;

	buf_init(&line, 4 * ERR_MSG_MAX);
	esc_text(&line, e->msg, strlen(e->msg));
	dprintf(STDERR_FILENO, "%s: %s\n", program, line.data);
	buf_clear(&line);
	return e->code == ERR_USAGE ? 64 : JAIL_FAILED;
}
