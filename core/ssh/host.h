/* SPDX-License-Identifier: ISC */
/*
 * host: an ssh destination that a person or a configuration named. Pure.
 * Grammar (ssh(1)): [user@]host, or ssh://[user@]host[:port]; never empty,
 * never beginning with '-' (in user and host), no white space, control
 * bytes, quotes, backslash, `$;&|<>()*?{}!#~ or non-ASCII bytes, no '/', and
 * no '%' in a URL but before an IPv6 zone (ssh decodes it); at most 255 bytes.
 * "[" and "]" only around an IPv6 address in a URL. An alias of ssh_config
 * is a host.
 */
#ifndef POSTERN_HOST_H
#define POSTERN_HOST_H

#include "base/err.h"
#include "base/strv.h"

/* host_check(): 0, or -1 ERR_CONFIG saying what is wrong with it. */
int host_check(const char *dest, struct err *e);

/*
 * host_words(): append what names dest, host_check()ed, in ssh's argv: "--"
 * and dest; of a URL with an IPv6 address, which ssh does not take for one,
 * its parts: -pPORT, -lUSER, "--", ADDRESS. 0, or -1: out of memory.
 */
int host_words(const char *dest, struct strv *out);

#endif
