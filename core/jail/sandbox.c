/* SPDX-License-Identifier: ISC */
#include "jail/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/beneath.h"

/*
 * Of linux/landlock.h, which is older on some distributions than the kernel
 * that runs there. Names of our own, so that neither gets in the other's way.
 */
#define LL_EXECUTE	(UINT64_C(1) << 0)
#define LL_WRITE_FILE	(UINT64_C(1) << 1)
#define LL_READ_FILE	(UINT64_C(1) << 2)
#define LL_READ_DIR	(UINT64_C(1) << 3)
#define LL_REMOVE_DIR	(UINT64_C(1) << 4)
#define LL_REMOVE_FILE	(UINT64_C(1) << 5)
#define LL_MAKE_CHAR	(UINT64_C(1) << 6)
#define LL_MAKE_DIR	(UINT64_C(1) << 7)
#define LL_MAKE_REG	(UINT64_C(1) << 8)
#define LL_MAKE_SOCK	(UINT64_C(1) << 9)
#define LL_MAKE_FIFO	(UINT64_C(1) << 10)
#define LL_MAKE_BLOCK	(UINT64_C(1) << 11)
#define LL_MAKE_SYM	(UINT64_C(1) << 12)
#define LL_REFER	(UINT64_C(1) << 13)
#define LL_TRUNCATE	(UINT64_C(1) << 14)
#define LL_IOCTL_DEV	(UINT64_C(1) << 15)
#define LL_NET_BIND	(UINT64_C(1) << 0)
#define LL_NET_CONNECT	(UINT64_C(1) << 1)
#define LL_SCOPE_ABSTRACT (UINT64_C(1) << 0)
#define LL_SCOPE_SIGNAL	(UINT64_C(1) << 1)

#define LL_VERSION	1U
#define LL_PATH_BENEATH	1
#define LL_NET_PORT	2

/* What may be allowed on something that is no folder. */
#define LL_FILE (LL_EXECUTE | LL_WRITE_FILE | LL_READ_FILE | LL_TRUNCATE | \
    LL_IOCTL_DEV)

struct ll_ruleset {
	uint64_t fs, net, scoped;
};

struct ll_beneath {
	uint64_t allowed;
	int32_t parent;
} __attribute__((packed));

struct ll_port {
	uint64_t allowed, port;
};

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

struct sandbox {
	int fd;			/* the ruleset */
	uint64_t handled;	/* LL_*: what the kernel can forbid */
};

/* One row a version: what it brought, and what is lost without it. */
static const struct version {
	int abi;
	uint64_t fs, net, scoped;
	size_t size;		/* of struct ll_ruleset then */
	const char *what;
} versions[] = {
	{ 1, LL_REFER - 1, 0, 0, 8, "files and folders" },
	{ 2, LL_REFER, 0, 0, 8, "links and renames between folders" },
	{ 3, LL_TRUNCATE, 0, 0, 8, "truncate" },
	{ 4, 0, LL_NET_BIND | LL_NET_CONNECT, 0, 16, "TCP" },
	{ 5, LL_IOCTL_DEV, 0, 0, 16, "device ioctls" },
	{ 6, 0, 0, LL_SCOPE_ABSTRACT | LL_SCOPE_SIGNAL, 24,
	    "abstract sockets and signals" },
};
#define VERSIONS (sizeof(versions) / sizeof(versions[0]))

static const struct {
	unsigned right;
	uint64_t fs;
} rights[] = {
	{ SANDBOX_READ, LL_READ_FILE },
	{ SANDBOX_LIST, LL_READ_DIR },
	{ SANDBOX_EXEC, LL_EXECUTE },
	{ SANDBOX_WRITE, LL_WRITE_FILE | LL_TRUNCATE | LL_REMOVE_DIR |
	    LL_REMOVE_FILE | LL_MAKE_DIR | LL_MAKE_REG | LL_MAKE_SOCK |
	    LL_MAKE_FIFO | LL_MAKE_SYM | LL_REFER },
	{ SANDBOX_DEVICES, LL_MAKE_CHAR | LL_MAKE_BLOCK },
	{ SANDBOX_ADD, LL_WRITE_FILE | LL_MAKE_REG },
};

int
sandbox_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0,
	    LL_VERSION);

	return abi > 0 ? (int)abi : 0;
}

/* Whichever the kernel gives: by listen(2) alone there is one, too. */
static int
any_port(const struct sandbox *s, struct err *e)
{
	struct ll_port rule = { LL_NET_BIND, 0 };

	return syscall(SYS_landlock_add_rule, s->fd, LL_NET_PORT, &rule,
	    0U) == 0 ? 0 : err_sys(e, "landlock_add_rule of a port");
}

struct sandbox *
sandbox_new(unsigned calls, struct err *e)
{
	struct ll_ruleset set = { 0 };
	struct sandbox *s;
	size_t size = 0, i;
	int abi = sandbox_abi();

	if (abi == 0) {
		err_set(e, ERR_REFUSED, "this kernel can't confine a program: "
		    "Landlock is missing or off (Linux 5.13 or later, and "
		    "'landlock' in /sys/kernel/security/lsm)");
		return NULL;
	}
	s = calloc(1, sizeof(*s));
	if (s == NULL) {
		err_set(e, ERR_MEM, "out of memory");
		return NULL;
	}
	for (i = 0; i < VERSIONS && versions[i].abi <= abi; i++) {
		set.fs |= versions[i].fs;
		set.net |= versions[i].net;
		set.scoped |= versions[i].scoped;
		size = versions[i].size;
	}
	if ((calls & SANDBOX_NET) != 0)
		set.net &= ~LL_NET_CONNECT;
	if ((calls & SANDBOX_SIGNALS) != 0)
		set.scoped &= ~LL_SCOPE_SIGNAL;
	s->handled = set.fs;
	s->fd = (int)syscall(SYS_landlock_create_ruleset, &set, size, 0U);
	if (s->fd == -1) {
		err_sys(e, "landlock_create_ruleset");
		free(s);
		return NULL;
	}
	if (set.net == LL_NET_BIND && any_port(s, e) == -1) {
		sandbox_free(s);
		return NULL;
	}
	return s;
}

void
sandbox_free(struct sandbox *s)
{
	if (s == NULL)
		return;
	if (s->fd != -1)
		close(s->fd);
	free(s);
}

/* Also for a path that only its owner may look into: with O_PATH nothing but
 * search of its parents is asked for. */
static int
open_path(const char *path, unsigned allow)
{
	return (allow & SANDBOX_STRICT) == 0 ? open(path, O_PATH | O_CLOEXEC) :
	    nolinks_open(path, O_PATH | O_NOFOLLOW);
}

int
sandbox_allow(struct sandbox *s, const char *path, unsigned allow,
    struct err *e)
{
	struct ll_beneath rule = { .parent = -1 };
	struct stat st;
	int ret = -1;
	size_t i;

	rule.parent = open_path(path, allow);
	if (rule.parent == -1) {
		if ((errno == ENOENT && (allow & SANDBOX_OPTIONAL) != 0) ||
		    (errno == EACCES && (allow & SANDBOX_BEYOND) != 0) ||
		    ((errno == ELOOP || (errno == ENOTDIR &&
		    (allow & SANDBOX_OPTIONAL) != 0)) &&
		    (allow & SANDBOX_STRICT) != 0))
			return 1;
		return err_sys(e, "%s", path);
	}
	if (fstat(rule.parent, &st) == -1) {
		err_sys(e, "%s", path);
		goto out;
	}
	if (S_ISLNK(st.st_mode)) {
		ret = 1;
		goto out;
	}
	for (i = 0; i < sizeof(rights) / sizeof(rights[0]); i++)
		if ((allow & rights[i].right) != 0)
			rule.allowed |= rights[i].fs;
	rule.allowed &= s->handled;
	if (!S_ISDIR(st.st_mode))
		rule.allowed &= LL_FILE;
	ret = rule.allowed == 0;
	if (ret == 0 && syscall(SYS_landlock_add_rule, s->fd, LL_PATH_BENEATH,
	    &rule, 0U) == -1)
		ret = err_sys(e, "%s: landlock_add_rule", path);
out:
	close(rule.parent);
	return ret;
}

static int
restrict_files(struct sandbox *s, struct err *e)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return err_sys(e, "no_new_privs");
	if (s != NULL && syscall(SYS_landlock_restrict_self, s->fd, 0U) == -1)
		return err_sys(e, "landlock_restrict_self");
	return 0;
}

int
sandbox_enter(struct sandbox *s, unsigned calls, struct err *e)
{
	return restrict_files(s, e) == -1 ? -1 : sandbox_filter(calls, e);
}

int
sandbox_try(struct sandbox *s, unsigned calls, bool *ret_filter,
    struct err *e)
{
	*ret_filter = sandbox_filters();
	if (restrict_files(s, e) == -1)
		return -1;
	return *ret_filter ? sandbox_filter(calls, e) : 0;
}

/* snprintf() at the end of what is there. */
static void
add(char *out, size_t cap, size_t *len, const char *sep, const char *what)
{
	int n = snprintf(out + *len, cap - *len, "%s%s", sep, what);

	if (n > 0)
		*len = (size_t)n < cap - *len ? *len + (size_t)n : cap - 1;
}

void
sandbox_describe(int abi, char *out, size_t cap)
{
	size_t len = 0, i;

	if (cap == 0)
		return;
	out[0] = '\0';
	if (abi <= 0) {
		add(out, cap, &len, "", "nothing is confined: no Landlock");
		return;
	}
	for (i = 0; i < VERSIONS; i++) {
		if (versions[i].abi <= abi)
			add(out, cap, &len, i == 0 ? "the kernel confines " :
			    ", ", versions[i].what);
		else
			add(out, cap, &len, versions[i - 1].abi <= abi ?
			    "; it is too old to confine " : ", ",
			    versions[i].what);
	}
	add(out, cap, &len, "; system calls are filtered", "");
}
