/* SPDX-License-Identifier: ISC */
/*
 * setup_text: what a set-up writes into files that have other things in them,
 * too. Pure: the old text in, the new text out; twice is once.
 */
#ifndef GIT_SETUP_TEXT_H
#define GIT_SETUP_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * setup_text_rc(): gitolite's settings with local_code as LOCAL_CODE and our
 * trigger behind the other ones, in lines of Perl between markers of ours,
 * before the last "1;". local_code: an absolute path of [A-Za-z0-9_/.-].
 * 0, or -1: ERR_CONFIG (a marker without the other), ERR_REFUSED (LOCAL_CODE
 * or push-authkeys are set outside of the markers), ERR_MEM.
 * Source: gitolite, src/lib/Gitolite/Rc.pm: `do $rc`, then %RC is looked at.
 */
int setup_text_rc(const char *text, size_t len, const char *local_code,
	struct buf *out, struct err *e);

/*
 * setup_text_hosts(): known_hosts text with key ("TYPE BASE64") for the host
 * of dest. 1 when it was there already, 0 when it was added, or -1:
 * ERR_UNSAFE (another key is there for this host), ERR_MEM. out has the whole
 * text in both cases.
 */
int setup_text_hosts(const char *text, size_t len, const char *dest,
	const char *key, struct buf *out, struct err *e);

/* setup_text_host(): dest's host as known_hosts names it: "gl", or "[gl]:222"
 * of ssh://git@gl:222. dest is host_check()ed. 0, or -1 ERR_MEM. */
int setup_text_host(const char *dest, struct buf *out, struct err *e);

/* setup_text_forced(): whether the options of a line of authorized_keys hold
 * its key to a command. Source: sshd(8), AUTHORIZED_KEYS FILE FORMAT. */
bool setup_text_forced(const char *options, size_t len);

/* setup_text_user(): dest's user, "git" without one. 0, or -1 ERR_MEM. */
int setup_text_user(const char *dest, struct buf *out, struct err *e);

/*
 * setup_text_conf(): git.conf (text, which core/ui/conf takes) with key = value
 * in section: the key's own line replaced, or a line behind the last one of
 * the section, or a section at the end. Whether the key is there, with which
 * value, says setup_text_conf_get(): true with the value appended to out.
 * setup_text_conf_add() adds a line for a key that may be repeated.
 * 0, or -1 ERR_MEM.
 */
int setup_text_conf(const char *text, size_t len, const char *section,
	const char *key, const char *value, struct buf *out, struct err *e);
int setup_text_conf_add(const char *text, size_t len, const char *section,
	const char *key, const char *value, struct buf *out, struct err *e);
bool setup_text_conf_get(const char *text, size_t len, const char *section,
	const char *key, struct buf *out);

#endif
