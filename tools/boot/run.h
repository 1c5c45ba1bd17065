/* SPDX-License-Identifier: ISC */
/*
 * run: what the steps of a run share. All hosts are on one loop, each in a
 * phase of its own, and as many of them as --jobs says have an ssh. Without
 * --wait nobody is asked for a passphrase before all hosts are listed, and
 * none is delivered before all are read; with it, or where all were read in
 * the beginning (a file's), each host goes on by itself.
 */
#ifndef BOOT_RUN_H
#define BOOT_RUN_H

#include <stdbool.h>
#include <stddef.h>

#include "boot.h"
#include "bootreport.h"
#include "call.h"
#include "real.h"

#define RUN_PROMPTS 64		/* of a host; an agent lists no more */

enum run_phase {
	RUN_LIST,		/* its prompts are to be listed; with --wait
				 * again and again, and looked whether it is up */
	RUN_ASK,		/* passphrases of its prompts are to be read */
	RUN_GIVE,		/* they are to be delivered */
	RUN_OVER,
};

enum run_mark {
	RUN_SEEN,		/* was listed once, and is not now */
	RUN_LISTED,
	RUN_DONE,		/* it was given what it asked for */
};

struct run_prompt {
	struct bootline_prompt p;
	enum run_mark mark;
	bool open;			/* RUN_DONE: its disk was seen open */
	bool anew;			/* that, and its host was away since */
	struct secret *secret;		/* owned; NULL: its host's */
};

struct run_host {
	struct run *run;
	size_t i;			/* in run->o->hosts */
	const struct boot_host *spec;	/* that */
	enum run_phase phase;
	struct run_prompt *prompts;	/* owned */
	size_t nprompts, next;
	const struct secret *shared;	/* all its prompts'; NULL: none is */
	struct call *call;		/* what is under way: one of the two; or
					 * a session that isn't busy */
	struct real *real;
	bool busy;			/* something is, or has just ended */
	bool begun;			/* to be given passphrases */
	bool sent;			/* the passphrase, of this call */
	bool handed;			/* it was delivered, says the agent */
	bool twice;			/* it lists an id more than once */
	uint64_t end_ms;		/* of all its prompts; 0: none begun */
	char word[BOOTLINE_WORD];	/* the agent's verdict; "" */
	char why[BOOTLINE_TEXT];
	/* Of --wait. */
	uint64_t due_ms, pause_ms;	/* when it is looked at again */
	bool look;			/* next: is the real system up? */
	bool idle;			/* its agent answered, without a prompt */
	bool blind;			/* that can't be told */
	bool booting;			/* nothing is left to be given */
	char wait_why[BOOTLINE_TEXT];	/* as it was shown */
	const struct run_prompt *relisted;	/* by this list, although it was
					 * given that; NULL: none was */
	char asks[BOOTLINE_ID + 40];	/* by the last list, in words; "" */
	char key_why[BOOTLINE_TEXT];	/* a boot host key that is not its own,
					 * unless it is the real system's */
};

struct run {
	const struct boot_opts *o;
	struct buf pins;		/* the path of the known hosts */
	struct buf dir;			/* real.h's; "": none yet */
	struct bootreport *report;
	struct run_host *hosts;		/* owned */
	struct ask *ask;		/* under way; NULL: nobody is asked */
	struct secret **shared;		/* owned; what it is for is that of
					 * the first host with its source */
	struct loop *loop;
	struct loop_timer *turn;	/* something may begin */
	uint64_t wait_end_ms;		/* 0: no --wait */
	size_t left;			/* hosts that are not over */
	size_t running;			/* that are busy */
	bool halted, waited;
	bool stopped;			/* by a signal, or by err */
	struct err err;			/* what ends it all */
};

/* run_wake(): something may begin by now, or all is over. */
void run_wake(struct run *r);
/* run_free(): what was under way for h is over. Wakes. */
void run_free(struct run_host *h);
/* run_rest(): the same, but its session stays, where there is one, until h goes
 * on or another host needs its place. */
void run_rest(struct run_host *h);
/* run_over(): h is done, as v says. */
void run_over(struct run_host *h, enum bootreport_verdict v);
/* run_fail(): the same, as state, and why. */
void run_fail(struct run_host *h, bool again, const char *state,
	const char *why);
/* run_halt(): no host gets a passphrase any more, but those that have begun. */
void run_halt(struct run *r);
/* run_end(): all of it ends with e. */
void run_end(struct run *r, const struct err *e);
/* run_pins(): the file with the boot host keys of h. Borrowed. */
const char *run_pins(const struct run_host *h);

/* list_command(): what hosts are asked for first. */
const struct bootcmd *list_command(const struct run *r);
/* list_start(): its prompts, screen or log. */
void list_start(struct run_host *h);
/* list_show(): --dry-run: prints how each is asked. 0, or -1: as call_argv(),
 * ERR_SYS. */
int list_show(const struct run *r, struct err *e);

/* wait_more(): --wait: nothing can be done about h now, for why, or NULL: for
 * what it was before; look: the real system may be up. */
void wait_more(struct run_host *h, const char *why, bool look);
/* wait_look(): whether it is up. */
void wait_look(struct run_host *h);
/* wait_over(): the time is over, or will not help, for h. */
void wait_over(struct run_host *h);

/* ask_first(): what is read before anything is connected. */
void ask_first(struct run *r);
/* ask_start(): the next passphrase of h; sooner or later all its prompts have
 * one, or it has failed. */
void ask_start(struct run_host *h);
/* ask_cancel(): nobody wants to know any more. It ends, somewhat later. */
void ask_cancel(struct ask *a);
/* ask_host(): for whom. Borrowed. */
const struct run_host *ask_host(const struct ask *a);
void ask_free(struct ask *a);		/* NULL is legal */
/* ask_main(): the process that is asked for a passphrase: ask.c. */
#define ASK_OPTION "--read-passphrase"
int ask_main(int argc, char **argv);

/* unlock_start(): the next of its prompts gets its passphrase. */
void unlock_start(struct run_host *h);

#endif
