/* SPDX-License-Identifier: ISC */
#include "danger.h"

#include <stddef.h>
#include <string.h>

static const char ssh_what[] = "who may log in";

const struct danger danger_table[] = {
	{ "/root/.ssh", ssh_what },
	{ "/root/.bashrc", "what root's shell runs" },
	{ "/root/.profile", "what root's shell runs" },
	{ "/root/.bash_profile", "what root's shell runs" },
	{ "/root/.bash_login", "what root's shell runs" },
	{ "/root/.config", "what root's programs run" },
	{ "/etc/ssh", "who may log in" },
	{ "/etc/passwd", "who may log in" },
	{ "/etc/shadow", "who may log in" },
	{ "/etc/gshadow", "who may log in" },
	{ "/etc/group", "who may log in" },
	{ "/etc/pam.d", "who may log in" },
	{ "/etc/security", "who may log in" },
	{ "/etc/nsswitch.conf", "who may log in" },
	{ "/etc/sudoers", "who may become root" },
	{ "/etc/sudoers.d", "who may become root" },
	{ "/etc/sudo.conf", "who may become root" },
	{ "/etc/doas.conf", "who may become root" },
	{ "/etc/polkit-1", "who may become root" },
	{ "/etc/dbus-1", "who may become root" },
	{ "/etc/crontab", "what cron runs" },
	{ "/etc/cron.d", "what cron runs" },
	{ "/etc/cron.hourly", "what cron runs" },
	{ "/etc/cron.daily", "what cron runs" },
	{ "/etc/cron.weekly", "what cron runs" },
	{ "/etc/cron.monthly", "what cron runs" },
	{ "/etc/cron.yearly", "what cron runs" },
	{ "/etc/anacrontab", "what cron runs" },
	{ "/var/spool/cron", "what cron runs" },
	{ "/etc/systemd", "what systemd runs" },
	{ "/run", "what systemd runs" },
	{ "/var/run", "what systemd runs" },
	{ "/var/lib/systemd", "what systemd runs" },
	{ "/etc/tmpfiles.d", "what systemd writes as root" },
	{ "/etc/fstab", "what is mounted at boot" },
	{ "/etc/default", "what runs at boot" },
	{ "/etc/inetd.conf", "what inetd runs" },
	{ "/etc/xinetd.d", "what inetd runs" },
	{ "/etc/init.d", "what runs at boot" },
	{ "/etc/rc.local", "what runs at boot" },
	{ "/etc/udev", "what udev runs" },
	{ "/etc/modprobe.d", "what the kernel loads" },
	{ "/etc/modules", "what the kernel loads" },
	{ "/etc/modules-load.d", "what the kernel loads" },
	{ "/etc/sysctl.conf", "the kernel's settings" },
	{ "/etc/sysctl.d", "the kernel's settings" },
	{ "/etc/ld.so.preload", "what every program loads" },
	{ "/etc/ld.so.cache", "what every program loads" },
	{ "/etc/ld.so.conf", "what every program loads" },
	{ "/etc/ld.so.conf.d", "what every program loads" },
	{ "/etc/profile", "what root's shell runs" },
	{ "/etc/profile.d", "what root's shell runs" },
	{ "/etc/bash.bashrc", "what root's shell runs" },
	{ "/etc/environment", "what root's shell runs" },
	{ "/etc/apt", "what apt installs and runs" },
	{ "/etc/dpkg", "what apt installs and runs" },
	{ "/var/lib/dpkg", "what apt installs and runs" },
	{ "/etc/logrotate.d", "what logrotate runs" },
	{ "/etc/network", "what runs when an interface comes up" },
	{ "/etc/NetworkManager", "what runs when an interface comes up" },
	{ "/etc/dhcp", "what runs when an interface comes up" },
	{ "/etc/ppp", "what runs when an interface comes up" },
	{ "/etc/rsyslog.conf", "what rsyslog runs" },
	{ "/etc/rsyslog.d", "what rsyslog runs" },
	{ "/etc/postern", "what postern runs" },
	{ "/var/lib/postern", "what postern runs" },
	{ "/etc/initramfs-tools", "what runs at boot" },
	{ "/etc/kernel", "what runs at boot" },
	{ "/etc/alternatives", "the commands that root runs" },
	{ "/usr", "the commands that root runs" },
	{ "/bin", "the commands that root runs" },
	{ "/sbin", "the commands that root runs" },
	{ "/lib", "what every program loads" },
	{ "/lib32", "what every program loads" },
	{ "/lib64", "what every program loads" },
	{ "/libx32", "what every program loads" },
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

bool
danger_plain(const char *path)
{
	size_t n;

	if (path[0] != '/')
		return false;
	while (*path == '/') {
		n = strcspn(++path, "/");
		if ((n == 0 && path[0] == '/') ||
		    (n == 1 && path[0] == '.') ||
		    (n == 2 && memcmp(path, "..", 2) == 0))
			return false;
		path += n;
	}
	return true;
}

bool
danger_deeper(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	if (!danger_inside(path, folder))
		return false;
	while (len > 0 && folder[len - 1] == '/')
		len--;
	path += len + strspn(path + len, "/");
	return strchr(path, '/') != NULL;
}

bool
danger_system(const char *path)
{
	static const char *const bound[] = { "/usr", "/lib", "/lib32",
	    "/lib64", "/libx32", "/bin", "/sbin" };
	static const char *const own[] = { "/usr/sbin/csync2", "/usr/bin/sh",
	    "/usr/lib/x", "/usr/lib64/x", "/sbin/csync2", "/bin/sh",
	    "/lib/x", "/lib64/x" };
	bool ret = false;
	size_t i;

	for (i = 0; i < sizeof(bound) / sizeof(*bound); i++)
		ret = ret || danger_inside(path, bound[i]);
	for (i = 0; i < sizeof(own) / sizeof(*own); i++)
		ret = ret && !danger_inside(own[i], path);
	return ret;
}

const struct danger *
danger_root(const char *root)
{
	static const char ssh_folder[] = "/.ssh";
	static const struct danger ssh = { "authorized_keys", ssh_what };
	const struct danger *d;
	const char *p;

	for (d = danger_table; d->path != NULL; d++)
		if (danger_inside(root, d->path) ||
		    danger_inside(d->path, root))
			return d;
	for (p = strstr(root, ssh_folder); p != NULL;
	    p = strstr(p + 1, ssh_folder))
		if (p[5] == '\0' || p[5] == '/')
			return &ssh;
	return NULL;
}
