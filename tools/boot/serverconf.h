/* SPDX-License-Identifier: ISC */
/*
 * serverconf: section [server] of /etc/postern/boot.conf: what a server puts
 * into its own initramfs. The file's other sections are its hosts, which
 * `postern boot unlock` reads; they are passed over here, as [server] is
 * there. Pure. Source: boot.conf(5).
 */
#ifndef BOOT_SERVERCONF_H
#define BOOT_SERVERCONF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define SERVERCONF_FILE		"/etc/postern/boot.conf"
#define SERVERCONF_MAX		(1u << 20)	/* bytes of it */
#define SERVERCONF_PORT		2222

enum serverconf_sshd { SERVERCONF_AUTO, SERVERCONF_DROPBEAR,
	SERVERCONF_OPENSSH };

struct serverconf {
	bool found;		/* some key of the section is there */
	uint64_t port;
	char *keys;		/* owned, as all of them: absolute paths */
	char *emergency;	/* NULL: nobody gets a shell */
	char *host_key;
	char *ip;		/* of the kernel's ip=; NULL: as booted with */
	enum serverconf_sshd sshd;
	bool keep_network;	/* for the real system */
};

/* serverconf_init(): the defaults. 0, or -1 ERR_MEM. */
int serverconf_init(struct serverconf *c, struct err *e);
void serverconf_clear(struct serverconf *c);

/* serverconf_parse(): what text says into c, which has the defaults; name is
 * used in messages. 0, or -1: ERR_CONFIG with name:line, ERR_MEM. */
int serverconf_parse(const char *text, size_t len, const char *name,
	struct serverconf *c, struct err *e);

/* serverconf_path(), serverconf_ip(): whether v may stand for a file, or an
 * address; both are quoted for a shell and a kernel later, so that few
 * characters may be in them. what goes before the message. 0, or -1
 * ERR_CONFIG. */
int serverconf_path(const char *v, const char *what, struct err *e);
int serverconf_ip(const char *v, const char *what, struct err *e);

/* serverconf_sshd(): "auto", "dropbear" or "openssh". 0, or -1 ERR_CONFIG. */
int serverconf_sshd(const char *v, const char *what,
	enum serverconf_sshd *ret, struct err *e);

/* serverconf_put(): text to out with key = value in [server]: in its line's
 * place, else at the section's end, else in a section of its own at the end.
 * All else stays byte by byte. 0, or -1 ERR_MEM. */
int serverconf_put(const char *text, size_t len, const char *key,
	const char *value, struct buf *out, struct err *e);

#endif
