/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <linux/fs.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "jail/sandbox.h"

/* A copying program makes none of these. Names that this libseccomp does not
 * know are passed over; those that are newer than Debian 12's come by number
 * below. */
static const char *const denied[] = {
	/* Whoever is not there yet can't be talked to. */
	"socket", "connect", "bind", "listen", "accept", "accept4",
	"socketcall",
	/* Other processes. */
	"ptrace", "process_vm_readv", "process_vm_writev", "process_madvise",
	"pidfd_getfd", "pidfd_open", "pidfd_send_signal", "kcmp",
	"process_mrelease", "rt_tgsigqueueinfo", "rt_sigqueueinfo",
	"migrate_pages", "move_pages",
	/* The group that it is killed by. */
	"setsid", "setpgid",
	/* Content by a path alone: Landlock knows of it from Linux 6.2 on.
	 * ftruncate() is for whoever may open the file for writing. */
	"truncate", "truncate64",
	/* Files without a path, programs without a file. */
	"open_by_handle_at", "name_to_handle_at", "memfd_create",
	"memfd_secret", "execveat", "uselib",
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
	int rc;

	rc = seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH,
	    SCMP_ACT_KILL_PROCESS);
	if (rc == 0)
		rc = add_names(f, SCMP_ACT_KILL_PROCESS, killed,
		    COUNT(killed));
	if (rc == 0)
		rc = add_names(f, no, denied, COUNT(denied));
	if (rc == 0)
		rc = add_numbers(f, no, denied_numbers, COUNT(denied_numbers));
	if (rc == 0 && (calls & SANDBOX_META) == 0)
		rc = add_names(f, no, meta, COUNT(meta));
	if (rc == 0 && (calls & SANDBOX_META) == 0)
		rc = add_numbers(f, no, meta_numbers, COUNT(meta_numbers));
	if (rc == 0 && (calls & SANDBOX_GROUPS) != 0)
		rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(0),
		    SCMP_SYS(setgroups), 0);
	if (rc == 0)
		rc = add_by_argument(f, calls);
	return rc;
}

int
sandbox_filter(unsigned calls, struct err *e)
{
	scmp_filter_ctx f;
	int rc;

	if (seccomp_arch_native() != SCMP_ARCH_X86_64 &&
	    seccomp_arch_native() != SCMP_ARCH_AARCH64)
		return err_set(e, ERR_REFUSED, "the filter of system calls "
		    "was written for amd64 and arm64 only");
	f = seccomp_init(SCMP_ACT_ALLOW);
	if (f == NULL)
		return err_set(e, ERR_MEM, "out of memory");
	rc = fill(f, calls);
	if (rc == 0)
		rc = seccomp_load(f);
	seccomp_release(f);
	if (rc != 0) {
		errno = -rc;
		return err_sys(e, "seccomp");
	}
	return 0;
}
