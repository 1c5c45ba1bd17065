/* SPDX-License-Identifier: ISC */
#include "cage.h"

#include "danger.h"

static const char head[] =
    "# The cage of csync2's daemon, written by postern unlock --cage.\n"
    "# Written again after each change of csync2's configuration.\n"
    "[Service]\n"
    "# Nothing of the host is there but what is bound below.\n"
    "TemporaryFileSystem=/:ro\n"
    "BindReadOnlyPaths=/usr -/lib -/lib32 -/lib64 -/libx32 /bin /sbin\n"
    "BindReadOnlyPaths=-/etc/ld.so.cache -/etc/alternatives\n"
    "BindReadOnlyPaths=/etc/hosts -/etc/nsswitch.conf -/etc/resolv.conf\n";

static const char read_only[] = "# Configuration and keys of the groups.\n";

static const char written[] =
    "# What the groups and the database write.\n";

static const char tail[] =
    "PrivateTmp=yes\n"
    "PrivateDevices=yes\n"
    "# These would be the host's: what others share, where root types.\n"
    "InaccessiblePaths=-/dev/shm -/dev/pts -/dev/hugepages\n"
    "PrivateIPC=yes\n"
    "# No /proc, no /sys: /proc/PID/root of a process of root's that has few\n"
    "# capabilities is the way out. ProtectKernelTunables=, ProtectProc= and\n"
    "# their like would mount them.\n"
    "MountAPIVFS=no\n"
    "ProtectKernelModules=yes\n"
    "ProtectKernelLogs=yes\n"
    "NoNewPrivileges=yes\n"
    "RestrictSUIDSGID=yes\n"
    "RestrictNamespaces=yes\n"
    "RestrictAddressFamilies=AF_INET AF_INET6\n"
    "# Not CAP_FSETID: what is written to loses its set-user-ID bit.\n"
    "CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER\n"
    "SystemCallArchitectures=native\n"
    "# What a kernel has that systemd does not know yet (fchmodat2) is none\n"
    "# of these, and not there, as libraries expect of an older kernel.\n"
    "SystemCallFilter=@system-service\n"
    "SystemCallErrorNumber=ENOSYS\n"
    "# Root's kernel keyring may hold passphrases; io_uring makes sockets\n"
    "# that RestrictAddressFamilies does not see.\n"
    "SystemCallFilter=~@keyring io_uring_setup io_uring_enter "
    "io_uring_register\n"
    "# Root's other processes have the same uid: no signals, no memory of\n"
    "# those with few capabilities, no limits and priorities.\n"
    "SystemCallFilter=~kill tkill tgkill pidfd_send_signal "
    "rt_sigqueueinfo rt_tgsigqueueinfo\n"
    "SystemCallFilter=~process_vm_readv process_vm_writev "
    "process_madvise kcmp move_pages migrate_pages get_robust_list\n"
    "SystemCallFilter=~prlimit64:EPERM setpriority:EPERM "
    "ioprio_set:EPERM sched_setaffinity:EPERM sched_setattr:EPERM "
    "sched_setparam:EPERM sched_setscheduler:EPERM\n";

static int
nomem(struct err *e)
{
	return err_set(e, ERR_MEM, "out of memory");
}

int
cage_word(const char *path, struct buf *out, struct err *e)
{
	const unsigned char *p;
	int rc = 0;

	if (!danger_plain(path))
		return err_set(e, ERR_CONFIG,
		    "'%s' is not a plain absolute path", path);
	for (p = (const unsigned char *)path; *p != '\0'; p++)
		if (*p < ' ' || *p == 0x7f)
			return err_set(e, ERR_CONFIG, "a path with a control "
			    "character can't be written to a unit file");
	rc |= buf_addc(out, '"');
	for (; *path != '\0'; path++) {
		if (*path == '"' || *path == '\\')
			rc |= buf_addc(out, '\\');
		if (*path == '%')
			rc |= buf_addc(out, '%');
		rc |= buf_addc(out, *path);
	}
	rc |= buf_addc(out, '"');
	return rc == 0 ? 0 : nomem(e);
}

static int
emit_paths(const char *directive, const struct strv *s, struct buf *text,
	struct err *e)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (buf_adds(text, directive) == -1)
			return nomem(e);
		if (cage_word(s->v[i], text, e) == -1)
			return -1;
		if (buf_addc(text, '\n') == -1)
			return nomem(e);
	}
	return 0;
}

static int
emit(const struct cage_bind *b, struct buf *text, struct err *e)
{
	size_t i;

	if (buf_adds(text, head) == -1)
		return nomem(e);
	/* Comments, for remote/caged.sh; cage_word() refuses what would end
	 * one, as these are among the paths to bind. */
	for (i = 0; i < b->from.n; i++)
		if (buf_addf(text, "#from %s\n", b->from.v[i]) == -1)
			return nomem(e);
	if (buf_adds(text, read_only) == -1)
		return nomem(e);
	if (emit_paths("BindReadOnlyPaths=", &b->ro, text, e) == -1 ||
	    emit_paths("BindReadOnlyPaths=-", &b->maybe, text, e) == -1)
		return -1;
	if (buf_adds(text, written) == -1)
		return nomem(e);
	if (emit_paths("BindPaths=", &b->rw, text, e) == -1 ||
	    emit_paths("InaccessiblePaths=-", &b->hide, text, e) == -1)
		return -1;
	return buf_adds(text, tail) == 0 ? 0 : nomem(e);
}

int
cage_emit(const struct cage_input *in, struct buf *text,
	struct strv *needs, struct strv *notes, struct err *e)
{
	struct cage_bind b = { 0 };
	size_t i;
	int rc;

	rc = cage_bind_make(in, &b, notes, e);
	if (rc == 0)
		rc = emit(&b, text, e);
	for (i = 0; rc == 0 && i < b.needs.n; i++)
		if (strv_add(needs, b.needs.v[i]) == -1)
			rc = nomem(e);
	cage_bind_clear(&b);
	return rc;
}
