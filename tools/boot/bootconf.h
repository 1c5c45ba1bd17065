/* SPDX-License-Identifier: ISC */
/*
 * bootconf: boot.conf(5), read as core/ui/conf does, which names file and line
 * of what is wrong. Each [host NAME] is one that --all means, [hosts] is what
 * goes for all of them unless they say otherwise. [server] is for the programs
 * that make an image on this machine, if it has one: passed over here.
 *
 *	bootconf_load, or bootconf_parse → ... → bootconf_clear
 *
 * Pure but for bootconf_load().
 */
#ifndef BOOT_BOOTCONF_H
#define BOOT_BOOTCONF_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define BOOTCONF_HOSTS 4096		/* of a file */

/* Strings are owned; NULL, or 0, where nothing is said. */
struct bootconf_host {
	char *name;
	char *address, *user, *key, *secret, *known_hosts, *real_known_hosts;
	int64_t port, real_port;
	int64_t keep_going;		/* 1: no, 2: yes */
};

struct bootconf {
	struct bootconf_host all;	/* [hosts]; without a name */
	struct bootconf_host *hosts;	/* owned; in the file's order */
	size_t n;
};

/* bootconf_parse(): text of len bytes into c, zeroed by the caller; name is
 * for messages. 0, or -1: ERR_CONFIG, ERR_MEM; bootconf_clear() in every
 * case. */
int bootconf_parse(struct bootconf *c, const char *text, size_t len,
	const char *name, struct err *e);

/* bootconf_load(): the file that conf_find() finds, path if not NULL; none is
 * as an empty one. As bootconf_parse() and conf_load(). */
int bootconf_load(struct bootconf *c, const char *path, struct err *e);

/* bootconf_find(): the host of that name, to the byte; borrowed, or NULL. */
const struct bootconf_host *bootconf_find(const struct bootconf *c,
	const char *name);

void bootconf_clear(struct bootconf *c);	/* legal on a zeroed one */

#endif
