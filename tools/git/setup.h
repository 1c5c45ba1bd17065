/* SPDX-License-Identifier: ISC */
/*
 * setup: `postern git setup-gateway` and `setup-server`, once on each host by
 * root. Neither trusts what the network says of the other: each prints the
 * one command that the other host wants, with the public key and the host key
 * that belong there, and a person carries it over.
 *
 *	gw  setup-gateway --server git@gl		prints (1), ends with 2
 *	gl  (1) setup-server --gateway git@gw --key … --host-key …
 *							prints (2)
 *	gw  (2) setup-gateway --server git@gl --key … --host-key …
 *
 * It may as well begin on gl. Each step is said: done, or was so already; a
 * second run changes nothing. Whichever side is complete tries the whole way
 * in the end (setup_prove.h), or says what is left.
 *
 * A mirror of the server's, once the gateway is set up; it brings no keys, so
 * that only the gateway's key and the mirror's host key are carried:
 *
 *	gw   setup-gateway --mirror git@gl2		prints (1), ends with 2
 *	gl2  (1) setup-server --mirror --gateway git@gw --key …
 *							prints (2)
 *	gw   (2) setup-gateway --mirror git@gl2 --host-key …
 */
#ifndef GIT_SETUP_H
#define GIT_SETUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "gitconf.h"

#define SETUP_ETC	"/etc/postern/git"
#define SETUP_STATE	"/var/lib/postern/git"

struct setup_opts {
	const char *peer;	/* how this host reaches the other one */
	const char *here;	/* how the other one reaches this host; its
				 * user is whose logins are set up here.
				 * NULL: git@HOSTNAME */
	const char *key;	/* the other's public key, or NULL: later */
	const char *host_key;	/* the other's host key, or NULL */
	const char *mirror;	/* a gateway's: instead of peer, the mirror
				 * that is set up; or NULL */
	bool is_mirror;		/* a server's: this one brings no keys */
	const char *lookup;	/* the gateway's: "file" or "index"; NULL: as
				 * git.conf has it */
	bool dry_run;
	uint64_t timeout_ms;	/* for a program, and a login; 0: a while */
};

/* Both: the exit status, 0: the whole way works (of a mirror: this host has
 * all; it is the gateway that tries it); 1: it was tried, and
 * something is wrong; 2: a step on the other side is left, or that can't be
 * reached; in a dry run 0, or 2 when a key of the other side is missing; or
 * -1: ERR_USAGE, ERR_CONFIG (what is there says something else), ERR_UNSAFE
 * (another host key is pinned), ERR_REFUSED, ERR_PEER (a program that was
 * needed failed), ERR_SYS, ERR_MEM. What was done before stays done. */
int setup_gateway(const struct setup_opts *o, struct err *e);
int setup_server(const struct setup_opts *o, struct err *e);

#endif
