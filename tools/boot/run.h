/* SPDX-License-Identifier: ISC */
/*
 * run: what the steps of a run share. Each step is a loop of its own over all
 * hosts: they are listed, then the passphrases are read (which blocks, and may
 * ask a person), then delivered, prompt after prompt on each host.
 */
#ifndef BOOT_RUN_H
#define BOOT_RUN_H

#include <stdbool.h>
#include <stddef.h>

#include "boot.h"
#include "bootreport.h"
#include "call.h"
#include "proc/pool.h"

#define RUN_PROMPTS 64		/* of a host; an agent lists no more */

struct run_host {
	struct run *run;
	size_t i;			/* in run->o->hosts */
	struct bootline_prompt *prompts;	/* owned */
	struct secret **secrets;	/* a prompt's; NULL: the shared one */
	size_t nprompts, next;
	struct call *call;
	bool begun, ended;		/* of this step */
	bool sent;			/* the passphrase, of this call */
	bool handed;			/* it was delivered, says the agent */
	bool twice;			/* it lists an id more than once */
	uint64_t end_ms;		/* of all its prompts; 0: none begun */
	char word[BOOTLINE_WORD];	/* the agent's verdict; "" */
	char why[BOOTLINE_TEXT];
};

struct run {
	const struct boot_opts *o;
	struct buf pins;		/* the path of the known hosts */
	struct bootreport *report;
	struct run_host *hosts;		/* owned */
	struct secret *shared;		/* all prompts' */
	struct loop *loop;		/* of this step */
	struct pool *pool;
	size_t left;			/* hosts that this step waits for */
	bool stopped;			/* by a signal */
};

/* run_step(): start(host) for each host that wants() does, as many at once as
 * --jobs says, until all have come to run_ended().
 * 0, or -1 ERR_SYS, ERR_MEM. */
int run_step(struct run *r, bool (*wants)(const struct run_host *h),
	void (*start)(struct run_host *h), struct err *e);
/* run_ended(): a host is done with this step. */
void run_ended(struct run_host *h);
/* run_halt(): no host begins any more, but those that have go on. */
void run_halt(struct run *r);

/* run_fail(): a host's end with this step, and why. */
void run_fail(struct run_host *h, bool again, const char *state,
	const char *why);

/* unlock_prompts(): the passphrases of all that was listed, read and
 * delivered. 0, or -1. */
int unlock_prompts(struct run *r, struct err *e);

#endif
