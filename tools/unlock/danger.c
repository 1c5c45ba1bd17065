/* SPDX-License-Identifier: ISC */
#include "danger.h"

#include <stddef.h>
#include <string.h>

static const char ssh_what[] = "who may log in";

const struct danger danger_table[] = {
	{ "/root/.ssh", ssh_what },
	{ "/root/.bashrc", "what root's shell runs" },
	{ "/root/.profile", "what root's shell runs" },
	{ "/etc/ssh", "who may log in" },
	{ "/etc/passwd", "who may log in" },
	{ "/etc/shadow", "who may log in" },
	{ "/etc/pam.d", "who may log in" },
	{ "/etc/sudoers", "who may become root" },
	{ "/etc/sudoers.d", "who may become root" },
	{ "/etc/crontab", "what cron runs" },
	{ "/etc/cron.d", "what cron runs" },
	{ "/etc/cron.hourly", "what cron runs" },
	{ "/etc/cron.daily", "what cron runs" },
	{ "/etc/cron.weekly", "what cron runs" },
	{ "/etc/cron.monthly", "what cron runs" },
	{ "/var/spool/cron", "what cron runs" },
	{ "/etc/systemd", "what systemd runs" },
	{ "/run", "what systemd runs" },
	{ "/etc/init.d", "what runs at boot" },
	{ "/etc/rc.local", "what runs at boot" },
	{ "/etc/udev", "what udev runs" },
	{ "/etc/modprobe.d", "what the kernel loads" },
	{ "/etc/ld.so.preload", "what every program loads" },
	{ "/etc/ld.so.conf", "what every program loads" },
	{ "/etc/ld.so.conf.d", "what every program loads" },
	{ "/etc/profile", "what root's shell runs" },
	{ "/etc/profile.d", "what root's shell runs" },
	{ "/etc/bash.bashrc", "what root's shell runs" },
	{ "/etc/environment", "what root's shell runs" },
	{ "/etc/apt", "what apt installs and runs" },
	{ "/etc/dpkg", "what apt installs and runs" },
	{ "/etc/logrotate.d", "what logrotate runs" },
	{ "/etc/network", "what runs when an interface comes up" },
	{ "/etc/initramfs-tools", "what runs at boot" },
	{ "/etc/alternatives", "the commands that root runs" },
	{ "/usr", "the commands that root runs" },
	{ "/bin", "the commands that root runs" },
	{ "/sbin", "the commands that root runs" },
	{ "/lib", "what every program loads" },
	{ "/lib64", "what every program loads" },
	{ "/boot", "the kernel" },
	{ "/dev", "the disks" },
	{ "/proc", "the kernel's settings" },
	{ "/sys", "the kernel's settings" },
	{ NULL, NULL },
};

bool
danger_inside(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	while (len > 0 && folder[len - 1] == '/')
		len--;
	return strncmp(path, folder, len) == 0 &&
	    (path[len] == '/' || path[len] == '\0');
}

const struct danger *
danger_root(const char *root)
{
	static const struct danger ssh = { "authorized_keys", ssh_what };
	const struct danger *d;
	const char *p;

	for (d = danger_table; d->path != NULL; d++)
		if (danger_inside(root, d->path) ||
		    danger_inside(d->path, root))
			return d;
	p = strstr(root, "/.ssh");
	if (p != NULL && (p[5] == '\0' || p[5] == '/'))
		return &ssh;
	return NULL;
}
