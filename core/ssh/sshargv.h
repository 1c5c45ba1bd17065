/* SPDX-License-Identifier: ISC */
/*
 * sshargv: the argv of an ssh that runs one command on one host, with the
 * user's own configuration still working (aliases, ProxyJump, agents,
 * hardware keys, ControlMaster). Pure.
 *
 * Always: -T -x -a, no escape character, no local command, BatchMode,
 * StrictHostKeyChecking=yes (ours is given first, and ssh takes the first
 * value: neither the configuration nor -o can relax it), "--" before the
 * destination (host_words()), ForwardAgent no, ClearAllForwardings unless
 * remote forwards are asked for, and then ControlPath=none, since a master
 * would keep them after us. What a configuration may say for interactive use
 * (RemoteCommand, SessionType, StdinNull, ForkAfterAuthentication, Tunnel) is
 * off, and loopback host keys are checked as well. Needs OpenSSH 8.7. The
 * user's -o come before our defaults (ConnectTimeout, ServerAlive*,
 * LogLevel=INFO, without which ssh may not say why it failed) and after what
 * is a promise.
 * Source: ssh(1), ssh_config(5).
 */
#ifndef POSTERN_SSHARGV_H
#define POSTERN_SSHARGV_H

#include "base/err.h"
#include "base/strv.h"

struct sshargv_opts {
	const char *program;		/* "ssh" when NULL */
	const char *config;		/* -F, or NULL */
	const char *user;		/* -l for a destination without user@ */
	const struct strv *options;	/* -o, each "Key=value"; or NULL */
	unsigned connect_timeout_s;	/* 0: none of ours */
	const struct strv *remote_forwards;	/* -R specs, or NULL */
};

/* sshargv_build(): append to out (zeroed or empty). command is one string,
 * as ssh passes it to the login shell there. 0, or -1: ERR_CONFIG (dest, user),
 * ERR_MEM; then out may hold a part of it. */
int sshargv_build(const struct sshargv_opts *o, const char *dest,
	const char *command, struct strv *out, struct err *e);

/* In this order: the lines of one failure often mean several of these (a
 * jump host's refusal closes the connection through it), and the highest is
 * the cause. */
enum sshfail {
	SSHFAIL_OTHER,
	SSHFAIL_LOST,		/* was connected, then lost */
	SSHFAIL_UNREACHABLE,	/* no route, refused, timed out, no such name */
	SSHFAIL_DENIED,		/* no authentication method worked */
	SSHFAIL_HOSTKEY_UNKNOWN,
	SSHFAIL_HOSTKEY_CHANGED,
};

/* sshargv_fail(): what a line of ssh's own stderr means; SSHFAIL_OTHER when
 * it says nothing. Callers keep the worst (highest) of all lines. */
enum sshfail sshargv_fail(const char *line);
/* sshargv_failname(): "unreachable", "host key changed", … Static. */
const char *sshargv_failname(enum sshfail f);

#endif
