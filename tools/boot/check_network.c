/* SPDX-License-Identifier: ISC */
#include "check.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sys/file.h"

/* The drivers of this machine's cards, where they are modules at all. */
static void
drivers(struct check *c)
{
	char path[4096];
	glob_t g = { 0 };
	const char *name;
	size_t i;

	if (!imgtree_find(&c->tree, "/lib/modules", "", ".ko"))
		return;		/* a kernel with all that it needs */
	if (glob("/sys/class/net/*/device/driver/module", 0, NULL, &g) != 0) {
		globfree(&g);
		return;
	}
	for (i = 0; i < g.gl_pathc; i++) {
		if (realpath(g.gl_pathv[i], path) == NULL)
			continue;
		name = strrchr(path, '/') + 1;
		if (!imgtree_find(&c->tree, "/lib/modules", name, ".ko"))
			check_say(c, CHECK_ERROR, "driver", "the network "
			    "card's driver %s isn't in the image: %s %s, then "
			    "%s", name, c->dracut ? "add_drivers+=\"" :
			    "put it into /etc/initramfs-tools/modules:",
			    name, c->build);
	}
	globfree(&g);
}

/* A program that can set an address. */
static void
tools(struct check *c)
{
	/* busybox has an ifup as well, which is not dracut's. */
	static const struct { bool dracut, systemd; const char *path; } at[] = {
		{ true, false, "/sbin/ifup" },
		/* Nothing starts it where systemd isn't. */
		{ true, true, "/usr/lib/systemd/systemd-networkd" },
		{ true, true, "/lib/systemd/systemd-networkd" },
		{ true, false, "/usr/sbin/NetworkManager" },
		{ false, false, "/bin/ipconfig" },
		{ false, false, "/usr/lib/klibc/bin/ipconfig" },
		{ false, false, "/sbin/dhcpcd" },
	};
	size_t i;

	for (i = 0; i < sizeof(at) / sizeof(at[0]); i++)
		if (at[i].dracut == c->dracut &&
		    (c->systemd || !at[i].systemd) &&
		    imgtree_has(&c->tree, at[i].path))
			return;
	check_say(c, CHECK_ERROR, "network", "nothing in the image sets up a "
	    "network: %s, then %s", c->dracut ? "install dracut-network, "
	    "isc-dhcp-client and iputils-arping" : "install initramfs-tools-core anew",
	    c->build);
}

/* The word of the kernel line that is just this. */
static bool
has_word(const char *line, const char *word)
{
	size_t n = strlen(word);
	const char *p = line;

	while ((p = strstr(p, word)) != NULL) {
		if ((p == line || p[-1] == ' ') &&
		    (p[n] == ' ' || p[n] == '\n' || p[n] == '\0'))
			return true;
		p += n;
	}
	return false;
}

static void
kernel_line(struct check *c)
{
	static const char *const off[] = { "ip=off", "ip=none",
	    "rd.neednet=0", "rd.luks=0" };
	struct err none = ERR_INIT;
	struct buf line;
	size_t i;

	buf_init(&line, 65536);
	if (file_read("/proc/cmdline", &line, &none) == 0)
		for (i = 0; i < sizeof(off) / sizeof(off[0]); i++)
			if (has_word(line.data, off[i]))
				check_say(c, CHECK_ERROR, "kernel-line", "%s "
				    "stands on the kernel line: take it out "
				    "of the boot loader's configuration",
				    off[i]);
	if (c->conf.ip != NULL && (strncmp(line.data, "ip=", 3) == 0 ||
	    strstr(line.data, " ip=") != NULL))
		check_say(c, CHECK_WARNING, "kernel-line-ip", "ip= stands on "
		    "the kernel line and in %s: leave one out",
		    SERVERCONF_FILE);
	buf_clear(&line);
}

void
check_network(struct check *c)
{
	drivers(c);
	tools(c);
	kernel_line(c);
}
