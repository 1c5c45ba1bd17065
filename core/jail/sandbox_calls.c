/* SPDX-License-Identifier: ISC */
/*
 * The filters of system calls, as a program that runs when postern is built:
 * libseccomp knows the numbers of each architecture, and what it makes of
 * these tables, for each of SANDBOX_SUMS, goes into OUT as C (sandbox_rows.h).
 * So a program that confines itself neither loads libseccomp nor waits for it.
 *
 *	jail_filters OUT
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "jail/sandbox.h"

/* A copying program makes none of these. Names that this libseccomp does not
 * know are passed over; those that are newer than Debian 12's come by number
 * below. */
static const char *const denied[] = {
	"socketcall",
	/* Other processes. */
	"ptrace", "process_vm_readv", "process_vm_writev", "process_madvise",
	"pidfd_getfd", "kcmp",
	"process_mrelease", "rt_tgsigqueueinfo", "rt_sigqueueinfo",
	"migrate_pages", "move_pages",
	/* Content by a path alone: Landlock knows of it from Linux 6.2 on.
	 * ftruncate() is for whoever may open the file for writing. */
	"truncate", "truncate64",
	/* Files without a path, programs without a file. */
	"open_by_handle_at", "name_to_handle_at", "memfd_secret", "execveat",
	"uselib",
	/* Mounts and namespaces. */
	"mount", "umount", "umount2", "pivot_root", "chroot", "move_mount",
	"open_tree", "fsopen", "fsconfig", "fsmount", "fspick",
	"mount_setattr", "unshare", "setns", "swapon", "swapoff",
	"quotactl", "quotactl_fd",
	/* Large, and young or odd, parts of the kernel. */
	"bpf", "perf_event_open", "userfaultfd", "io_uring_setup",
	"io_uring_enter", "io_uring_register", "io_setup", "io_submit",
	"fanotify_init", "fanotify_mark", "keyctl", "add_key", "request_key",
	"modify_ldt", "personality", "vmsplice", "seccomp",
	"landlock_create_ruleset",
	/* IPC by number, which no path confines. */
	"shmget", "shmat", "shmctl", "msgget", "msgsnd", "msgrcv", "msgctl",
	"semget", "semop", "semtimedop", "semctl", "ipc", "mq_open",
	"mq_unlink",
	/* The machine. */
	"settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "stime",
	"sethostname", "setdomainname", "syslog", "acct", "vhangup",
	"lookup_dcookie", "nfsservctl",
};

/* Nobody gets here by accident. */
static const char *const killed[] = {
	"init_module", "finit_module", "delete_module", "create_module",
	"kexec_load", "kexec_file_load", "reboot", "iopl", "ioperm",
	"_sysctl",
};

/* What Landlock leaves alone (sandbox.h). */
static const char *const meta[] = {
	"chmod", "fchmod", "fchmodat", "chown", "fchown", "lchown",
	"fchownat", "utime", "utimes", "futimesat", "utimensat", "setxattr",
	"lsetxattr", "fsetxattr", "removexattr", "lremovexattr",
	"fremovexattr", "ftruncate", "fallocate",
};

/* Whoever is not there yet can't be talked to; or not be waited for. */
static const char *const outwards[] = { "connect" };
static const char *const inwards[] = { "bind", "listen", "accept",
	"accept4" };

static const char *const signals[] = { "pidfd_open", "pidfd_send_signal" };

/* Programs without a file; the group that it is killed by. */
static const char *const start[] = { "memfd_create", "setsid", "setpgid" };

/* Denied unless one of calls is given. */
static const struct unless {
	unsigned calls;
	const char *const *names;
	size_t n;
} unless[] = {
#define ROW(calls, names) { calls, names, sizeof(names) / sizeof(*(names)) }
	ROW(SANDBOX_META, meta),
	ROW(SANDBOX_UNIX | SANDBOX_NET, outwards),
	ROW(SANDBOX_NET, inwards),
	ROW(SANDBOX_SIGNALS, signals),
	ROW(SANDBOX_START, start),
#undef ROW
};

/* The same number on every architecture. */
static const int denied_numbers[] = {
	467,		/* open_tree_attr */
	457, 458,	/* statmount, listmount */
	459, 460, 461,	/* lsm_get_self_attr, _set_self_attr, _list_modules */
};
static const int meta_numbers[] = {
	452,		/* fchmodat2 */
	463, 466,	/* setxattrat, removexattrat */
	469,		/* file_setattr */
};

#define COUNT(v) (sizeof(v) / sizeof((v)[0]))

/* -EDOM: not a call of this architecture; -EEXIST: it has one already. */
static int
harmless(int rc)
{
	return rc == 0 || rc == -EDOM || rc == -EEXIST ? 0 : rc;
}

static int
add_names(scmp_filter_ctx f, uint32_t action, const char *const *v, size_t n)
{
	int rc = 0, nr;
	size_t i;

	for (i = 0; i < n && rc == 0; i++) {
		nr = seccomp_syscall_resolve_name(v[i]);
		if (nr != __NR_SCMP_ERROR)
			rc = harmless(seccomp_rule_add(f, action, nr, 0));
	}
	return rc;
}

static int
add_numbers(scmp_filter_ctx f, uint32_t action, const int *v, size_t n)
{
	int rc = 0;
	size_t i;

	for (i = 0; i < n && rc == 0; i++)
		rc = harmless(seccomp_rule_add(f, action, v[i], 0));
	return rc;
}

/* An ioctl by its request: the kernel looks at 32 bits of it. */
static int
no_ioctl(scmp_filter_ctx f, unsigned long request)
{
	return seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
	    SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffu, request));
}

/* A socket of one kind only. What is compared are 64 bits, so that nothing
 * hides in the upper half. */
static int
add_sockets(scmp_filter_ctx f, unsigned calls)
{
	const uint32_t no = SCMP_ACT_ERRNO(EPERM);
	unsigned i;
	int rc = 0;

	if ((calls & (SANDBOX_UNIX | SANDBOX_NET)) == 0)
		return seccomp_rule_add(f, no, SCMP_SYS(socket), 0);
	if ((calls & SANDBOX_NET) == 0)
		return seccomp_rule_add(f, no, SCMP_SYS(socket), 1,
		    SCMP_A0(SCMP_CMP_NE, AF_UNIX));
	for (i = 0; i < AF_INET6 && rc == 0; i++)
		if (i != AF_UNIX && i != AF_INET)
			rc = seccomp_rule_add(f, no, SCMP_SYS(socket), 1,
			    SCMP_A0(SCMP_CMP_EQ, i));
	return rc != 0 ? rc : seccomp_rule_add(f, no, SCMP_SYS(socket), 1,
	    SCMP_A0(SCMP_CMP_GT, AF_INET6));
}

/* Calls that depend on what they are asked for. */
static int
add_by_argument(scmp_filter_ctx f, unsigned calls)
{
	static const unsigned long spaces[] = { CLONE_NEWNS, CLONE_NEWUSER,
		CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS,
		CLONE_NEWCGROUP };
	const uint32_t no = SCMP_ACT_ERRNO(EPERM);
	const unsigned type = ~(unsigned)(SOCK_NONBLOCK | SOCK_CLOEXEC);
	int rc = 0;
	size_t i;

	for (i = 0; i < COUNT(spaces) && rc == 0; i++)
		rc = seccomp_rule_add(f, no, SCMP_SYS(clone), 1,
		    SCMP_A0(SCMP_CMP_MASKED_EQ, spaces[i], spaces[i]));
	/* Its flags lie in memory: libc takes clone() instead. */
	if (rc == 0)
		rc = harmless(seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), 435,
		    0));
	/* Typing into a terminal. */
	if (rc == 0)
		rc = no_ioctl(f, TIOCSTI);
	if (rc == 0)
		rc = no_ioctl(f, TIOCLINUX);
	if (rc == 0 && (calls & SANDBOX_META) == 0)
		rc = no_ioctl(f, FS_IOC_SETFLAGS);
	if (rc == 0 && (calls & SANDBOX_META) == 0)
		rc = no_ioctl(f, FS_IOC_FSSETXATTR);
	if (rc == 0 && (calls & SANDBOX_PAIRS) == 0)
		return seccomp_rule_add(f, no, SCMP_SYS(socketpair), 0);
	/* A pair of datagram sockets could be turned to another address. */
	if (rc == 0)
		rc = seccomp_rule_add(f, no, SCMP_SYS(socketpair), 1,
		    SCMP_A0(SCMP_CMP_NE, AF_UNIX));
	for (i = 0; i < 32 && rc == 0; i++)
		if (((1u << i) & type) != 0 && (1u << i) != SOCK_STREAM)
			rc = seccomp_rule_add(f, no, SCMP_SYS(socketpair), 1,
			    SCMP_A1(SCMP_CMP_MASKED_EQ, 1u << i, 1u << i));
	return rc;
}

static int
fill(scmp_filter_ctx f, unsigned calls)
{
	const uint32_t no = SCMP_ACT_ERRNO(EPERM);
	size_t i;
	int rc;

	/* Looked for in a tree, not one after the other. */
	rc = seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (rc == 0)
		rc = seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH,
	    SCMP_ACT_KILL_PROCESS);
	if (rc == 0)
		rc = add_names(f, SCMP_ACT_KILL_PROCESS, killed,
		    COUNT(killed));
	if (rc == 0)
		rc = add_names(f, no, denied, COUNT(denied));
	if (rc == 0)
		rc = add_numbers(f, no, denied_numbers, COUNT(denied_numbers));
	for (i = 0; i < COUNT(unless) && rc == 0; i++)
		if ((calls & unless[i].calls) == 0)
			rc = add_names(f, no, unless[i].names, unless[i].n);
	if (rc == 0 && (calls & SANDBOX_META) == 0)
		rc = add_numbers(f, no, meta_numbers, COUNT(meta_numbers));
	if (rc == 0 && (calls & SANDBOX_GROUPS) != 0)
		rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(0),
		    SCMP_SYS(setgroups), 0);
	if (rc == 0)
		rc = add_sockets(f, calls);
	if (rc == 0)
		rc = add_by_argument(f, calls);
	return rc;
}

/* Words of one filter's BPF, from an open file. */
static int
emit(FILE *bpf, unsigned calls, FILE *out)
{
	struct sock_filter w;
	size_t n = 0;

	rewind(bpf);
	fprintf(out, "static const struct sock_filter f%u[] = {\n", calls);
	for (; fread(&w, sizeof(w), 1, bpf) == 1; n++)
		fprintf(out, "\t{ %#x, %u, %u, %#x },\n", w.code, w.jt, w.jf,
		    w.k);
	fprintf(out, "};\n");
	return n > 0 && ferror(bpf) == 0 ? 0 : -1;
}

static int
make(unsigned calls, FILE *out)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	FILE *bpf = tmpfile();
	int rc = -1;

	if (f != NULL && bpf != NULL && fill(f, calls) == 0 &&
	    seccomp_export_bpf(f, fileno(bpf)) == 0)
		rc = emit(bpf, calls, out);
	if (bpf != NULL)
		fclose(bpf);
	seccomp_release(f);
	return rc;
}

int
main(int argc, char **argv)
{
	static const unsigned sums[] = SANDBOX_SUMS;
	const uint32_t arch = seccomp_arch_native();
	bool known = arch == SCMP_ARCH_X86_64 || arch == SCMP_ARCH_AARCH64;
	FILE *out = argc == 2 ? fopen(argv[1], "w") : NULL;
	size_t i;

	if (out == NULL)
		return 1;
	fprintf(out, "/* Made by core/jail/sandbox_calls.c. */\n"
	    "#include \"jail/sandbox_rows.h\"\n");
	for (i = 0; known && i < COUNT(sums); i++)
		if (make(sums[i], out) == -1)
			return 1;
	fprintf(out, "const struct sandbox_row sandbox_rows[] = {\n");
	for (i = 0; known && i < COUNT(sums); i++)
		fprintf(out, "\t{ %u, f%u, sizeof(f%u) / sizeof(*f%u) },\n",
		    sums[i], sums[i], sums[i], sums[i]);
	fprintf(out, "\t{ 0 }\n};\n");
	return fclose(out) == 0 ? 0 : 1;
}
