/* SPDX-License-Identifier: ISC */
#include "check.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sys/file.h"

#define BUILTIN_MAX	(1u << 20)

/* Whether the image's kernel has it built in: such a one has a folder of
 * modules' as well. */
static bool
built_in(const struct check *c, const char *name)
{
	const char *p, *at;
	char path[160];
	struct buf list;
	glob_t g = { 0 };
	size_t i, k;
	bool is = false;

	buf_init(&list, BUILTIN_MAX);
	snprintf(path, sizeof(path), "%s/lib/modules/*/modules.builtin",
	    c->tree.root);
	(void)glob(path, 0, NULL, &g);
	for (i = 0; i < g.gl_pathc && !is; i++) {
		at = g.gl_pathv[i] + strlen(c->tree.root);
		buf_clear(&list);
		if (!imgtree_read(&c->tree, at, &list))
			continue;
		for (p = list.data; (p = strchr(p, '/')) != NULL && !is; ) {
			p++;
			for (k = 0; name[k] != '\0' && (p[k] == name[k] ||
			    (p[k] == '-' && name[k] == '_')); )
				k++;
			is = name[k] == '\0' && strncmp(p + k, ".ko", 3) == 0;
		}
	}
	globfree(&g);
	buf_clear(&list);
	return is;
}

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
		if (!imgtree_find(&c->tree, "/lib/modules", name, ".ko") &&
		    !built_in(c, name))
			check_say(c, CHECK_ERROR, "driver", "the network "
			    "card's driver %s isn't in the image: put %s%s%s "
			    "into %s, then %s", name,
			    c->dracut ? "add_drivers+=\" " : "", name,
			    c->dracut ? " \"" : "", c->dracut ?
			    "/etc/dracut.conf.d/network.conf" :
			    "/etc/initramfs-tools/modules", c->build);
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
	    "isc-dhcp-client and iputils-arping" :
	    "install initramfs-tools-core anew", c->build);
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
	struct buf line, own;
	size_t i;

	buf_init(&line, 65536);
	buf_init(&own, 4096);
	if (file_read("/proc/cmdline", &line, &none) == 0)
		for (i = 0; i < sizeof(off) / sizeof(off[0]); i++)
			if (has_word(line.data, off[i]))
				check_say(c, CHECK_ERROR, "kernel-line", "%s "
				    "stands on the kernel line: take it out "
				    "of the boot loader's configuration",
				    off[i]);
	/* As an older module wrote it. */
	if (imgtree_read(&c->tree, "/etc/cmdline.d/99postern-boot.conf",
	    &own) && strstr(own.data, " ip=") != NULL)
		check_say(c, CHECK_ERROR, "kernel-line-ip", "dracut halts with "
		    "this image where the kernel line has an ip=, too: %s",
		    c->build);
	buf_clear(&line);
	buf_clear(&own);
}

void
check_network(struct check *c)
{
	drivers(c);
	tools(c);
	kernel_line(c);
}
