/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/strv.h"
#include "chan.h"
#include "half_priv.h"
#include "jail.h"

#define PRINT_MAX 16384		/* bytes of a line: any path and more */

/* Between fork and exec: the relay's socket where recv and relay look for it.
 * All else from 3 up has been marked to be closed. */
static int
place_relay(void *arg)
{
	const struct half *h = arg;

	if (h->wire.theirs == JAIL_RELAY_FD)
		return fcntl(JAIL_RELAY_FD, F_SETFD, 0);
	return dup2(h->wire.theirs, JAIL_RELAY_FD) == -1 ? -1 : 0;
}

static struct half *
start(struct loop *l, const struct strv *argv, bool recv,
    const struct half_calls *calls, struct err *e)
{
	struct half *h = calloc(1, sizeof(*h));
	struct child_spec spec = {
		.argv = argv->v,
		.io = { recv ? CHILD_NULL : CHILD_PIPE, CHILD_PIPE,
		    CHILD_PIPE },
		.own_group = true,
		.out_max = HALF_QUEUE_MAX,
		.before_exec = recv ? place_relay : NULL,
		.on_line = half_on_line,
		.on_raw = half_on_raw,
		.raw_take = !recv && calls->take != NULL ? half_take : NULL,
		.on_drain = half_on_drain,
		.on_end = half_on_child_end,
		.arg = h,
	};

	if (h == NULL) {
		err_set(e, ERR_MEM, "out of memory");
		return NULL;
	}
	h->calls = *calls;
	h->recv = recv;
	lines_init(&h->printed, PRINT_MAX);
	h->wire = (struct wire){ .ctl = -1, .theirs = -1, .from = -1,
		.to = -1, .relay = -1 };
	if (recv && wire_init(&h->wire, h, l, e) == -1)
		goto fail;
	if (recv) {
		h->rest = loop_timer_new(l, 0, 0, half_on_rested, h, e);
		if (h->rest == NULL)
			goto fail;
		loop_timer_stop(h->rest);
	}
	h->child = child_start(l, &spec, e);
	if (h->child == NULL)
		goto fail;
	h->pid = child_pid(h->child);
	child_room(h->child, CHAN_ROOM);
	child_raw(h->child);
	/* Only the jail's copy is left, so that its end is seen here. */
	if (h->wire.theirs != -1)
		close(h->wire.theirs);
	h->wire.theirs = -1;
	return h;
fail:
	half_free(h);
	return NULL;
}

/* rc is of strv_add*(); what could not be added makes no child. */
static struct half *
start_words(struct loop *l, struct strv *argv, int rc, bool recv,
    const struct half_calls *calls, struct err *e)
{
	struct half *h = NULL;

	if (rc == -1)
		err_set(e, ERR_MEM, "out of memory");
	else
		h = start(l, argv, recv, calls, e);
	strv_clear(argv);
	return h;
}

struct half *
half_send_start(struct loop *l, const struct half_send *what,
    const struct half_calls *calls, struct err *e)
{
	const char *const pairs[][2] = { { "--nice", what->nice },
		{ "--ionice", what->ionice },
		{ "--bwlimit", what->bwlimit }, { "--config", what->config },
		{ "--rules", what->rules }, { "--list", what->list },
		{ "--grants", what->grants } };
	struct strv argv = { 0 };
	size_t i;
	int rc;

	rc = strv_add(&argv, what->program);
	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]) && rc == 0; i++) {
		if (pairs[i][1] == NULL)
			continue;
		rc = strv_add(&argv, pairs[i][0]);
		if (rc == 0)
			rc = strv_add(&argv, pairs[i][1]);
	}
	return start_words(l, &argv, rc, false, calls, e);
}

struct half *
half_recv_start(struct loop *l, const struct half_recv *what,
    const struct half_calls *calls, struct err *e)
{
	const char *const words[] = { what->program, "--dir", what->dir,
		"--relay-fd", "3", what->privileged ? "--privileged" : NULL };
	struct strv argv = { 0 };
	size_t i;
	int rc = 0;

	for (i = 0; i < sizeof(words) / sizeof(words[0]) && rc == 0; i++)
		if (words[i] != NULL)
			rc = strv_add(&argv, words[i]);
	if (rc == 0 && what->uid != 0 &&
	    (strv_add(&argv, "--user") == -1 ||
	    strv_addf(&argv, "%u:%u", what->uid, what->gid) == -1))
		rc = -1;
	if (rc == 0)
		rc = strv_add(&argv, "--");
	if (rc == 0)
		rc = strv_addv(&argv, what->argv);
	return start_words(l, &argv, rc, true, calls, e);
}

int
half_program(const char *name, char *out, size_t cap, struct err *e)
{
	ssize_t n = readlink("/proc/self/exe", out, cap);
	char *slash;

	if (n <= 0 || (size_t)n >= cap)
		return err_sys(e, "/proc/self/exe");
	out[n] = '\0';
	slash = strrchr(out, '/');
	if ((size_t)(slash + 1 - out) + strlen(name) >= cap) {
		errno = ENAMETOOLONG;
		return err_sys(e, "%s", name);
	}
	memcpy(slash + 1, name, strlen(name) + 1);
	return 0;
}
