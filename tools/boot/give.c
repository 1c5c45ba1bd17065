/* SPDX-License-Identifier: ISC */
#include "give.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "asker.h"
#include "bootlog.h"
#include "deliver.h"
#include "exhaust.h"
#include "exhaust_shell.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/lock.h"
#include "tries.h"

#define LOCK		GIVE_DIR "/lock"
#define LOOK_MS		100	/* between two looks at what became of it */
#define GRACE_MS	2000u	/* for the kernel, after cryptsetup's end */
#define AGAIN_MS	5000u	/* for systemd, to ask again after a wrong one */
#define LOCK_MS		10000u	/* for another's test to end */

/* What each way to end is called, and its exit status. */
enum verdict { ACCEPTED, DELIVERED, REJECTED, GONE, FAILED, BUSY, REFUSED };
static const struct {
	const char *word;
	enum err_code code;
} verdicts[] = {
	[ACCEPTED] = { "accepted", ERR_NONE },
	[DELIVERED] = { "delivered", ERR_TIMEOUT },
	[REJECTED] = { "rejected", ERR_REFUSED },
	[GONE] = { "gone", ERR_BUSY },
	[FAILED] = { "failed", ERR_PEER },
	[BUSY] = { "busy", ERR_BUSY },
	[REFUSED] = { "refused", ERR_REFUSED },
};

int
give_check(const struct lockmem *pass, struct err *e)
{
	if (pass->len == 0)
		return err_set(e, ERR_REFUSED, "an empty passphrase");
	if (memchr(pass->data, '\0', pass->len) != NULL)
		return err_set(e, ERR_REFUSED, "a passphrase with a NUL");
	return 0;
}

int
give_init(struct lockmem *ret, struct err *e)
{
	return lockmem_init(ret, BOOTLINE_SECRET + 1, e);
}

/* One line, and a whole one: of a session that was cut off the rest would pass
 * for a shorter passphrase. */
int
give_line(struct lockmem *ret, int fd, bool more, unsigned timeout_ms,
    struct err *e)
{
	const unsigned char *nl;

	if ((more ? lockmem_line(ret, fd, timeout_ms, e) :
	    lockmem_read(ret, fd, timeout_ms, e)) == -1)
		return err_wrap(e, "standard input");
	nl = memchr(ret->data, '\n', ret->len);
	if (nl == NULL || (size_t)(nl - ret->data) + 1 != ret->len)
		return err_set(e, ERR_REFUSED, "not one line with a newline");
	ret->len--;
	return give_check(ret, e);
}

enum asked { SAME, ANEW, NOBODY };

/* Looks again: the very question that was, one of its kind for the same disk,
 * or neither. 0, or -1 as askers_find(). */
static int
look(const struct asker *was, enum asked *ret, struct err *e)
{
	struct askers now;
	size_t i;

	if (askers_find(&now, e) == -1)
		return -1;
	*ret = NOBODY;
	for (i = 0; i < now.n && *ret != SAME; i++)
		if (asker_same(&now.v[i], was))
			*ret = SAME;
		else if (now.v[i].kind == was->kind &&
		    strcmp(now.v[i].prompt.id, was->prompt.id) == 0)
			*ret = ANEW;
	askers_clear(&now);
	return 0;
}

/* Whether id, a UUID, is that of an open disk. */
static bool
id_is_open(const char *id)
{
	return lukshdr_uuid(id) && asker_is_open(id);
}

/*
 * Who asks for id now; in *all (zeroed), which the caller clears. systemd hands
 * the answer of one disk on to the others: a question may be gone because its
 * disk was opened by that, or be asked anew in a moment. NULL with *ret_v.
 */
static const struct asker *
await(const char *id, struct askers *all, enum verdict *ret_v, struct err *e)
{
	const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000L };
	uint64_t end = clock_ms() + AGAIN_MS;
	const struct asker *a;

	for (;;) {
		askers_clear(all);
		if (askers_find(all, e) == -1) {
			*ret_v = FAILED;
			return NULL;
		}
		a = askers_get(all, id);
		if (a != NULL)
			return a;
		*ret_v = id_is_open(id) ? ACCEPTED : GONE;
		if (*ret_v == ACCEPTED || clock_ms() >= end)
			return NULL;
		nanosleep(&pause, NULL);
	}
}

static const char took[] = "who asked took it and ended; whether the disk is "
    "open can't be told";

/* What became of a passphrase that was handed over. */
static enum verdict
watch(const struct give_opts *o, const struct asker *a, const char **why,
    struct err *e)
{
	const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000L };
	uint64_t end = clock_ms() + o->wait_s * (uint64_t)1000, died = 0;
	enum asked now;

	o->state(o->arg, "waiting");
	while (clock_ms() < end) {
		if (id_is_open(a->prompt.id))
			return ACCEPTED;
		if (look(a, &now, e) == -1)
			return FAILED;
		if (now == ANEW) {
			*why = "it is asked again";
			return REJECTED;
		}
		if (o->stop != NULL && o->stop(o->arg)) {
			*why = "handed over; interrupted while it was waited "
			    "for the disk";
			return DELIVERED;
		}
		/* systemd's asker opens the disk itself; askpass hands on. */
		if (now == NOBODY && a->kind == ASKER_SYSTEMD &&
		    !asker_alive(a)) {
			if (died == 0)
				died = clock_ms();
			if (clock_ms() - died > GRACE_MS &&
			    a->prompt.uuid[0] == '\0') {
				*why = took;
				return DELIVERED;
			} else if (clock_ms() - died > GRACE_MS) {
				*why = "cryptsetup took it and ended, but the "
				    "disk is not open";
				return FAILED;
			}
		}
		nanosleep(&pause, NULL);
	}
	*why = "handed over; the disk was not seen to open in time";
	return DELIVERED;
}

static enum verdict
failed(const struct err *e)
{
	switch (e->code) {
	case ERR_BUSY:
		return BUSY;
	case ERR_REFUSED:
	case ERR_CONFIG:
		return REFUSED;
	default:
		return FAILED;
	}
}

/* Hands pass over to who asks for id by now, and waits for what comes of it. */
static enum verdict
hand_over(const struct give_opts *o, const char *id,
    const struct lockmem *pass, const char **why, struct err *e)
{
	struct askers all = { .n = 0 };
	const struct asker *a;
	enum verdict v;

	a = await(id, &all, &v, e);
	if (a != NULL && exhaust_is(a)) {
		a = exhaust_ask(a, &all, e);
		v = e->code == ERR_NONE ? ACCEPTED : e->code == ERR_BUSY ?
		    BUSY : FAILED;
	}
	if (a == NULL)
		goto out;
	o->state(o->arg, "delivering");
	/* Before it: what it lets go on may end us. */
	(void)bootlog_add(o->by, "delivering", &a->prompt, NULL);
	if (deliver(a, pass, e) == -1)
		v = e->code == ERR_BUSY ? GONE : FAILED;
	else
		v = watch(o, a, why, e);
out:
	askers_clear(&all);
	return v;
}

/* Tests pass, and hands it over. */
static enum verdict
give(const struct give_opts *o, const struct asker *a,
    const struct lockmem *pass, const char **why, struct err *e)
{
	bool tested = false;
	enum verdict v;
	int rc;

	if (a->luks) {
		o->state(o->arg, "testing");
		rc = deliver_test(a, pass, e);
		if (rc == -1)
			return e->code == ERR_REFUSED ? REJECTED : FAILED;
		tested = rc == 0;
	}
	/* Only guesses are counted. */
	if (tested && tries_forget(e) == -1)
		return FAILED;
	v = hand_over(o, a->prompt.id, pass, why, e);
	/* The header takes it: what systemd had tried was the answer of another
	 * disk, which came before ours. */
	if (tested && v == REJECTED)
		v = hand_over(o, a->prompt.id, pass, why, e);
	/* Somebody else may have had a disk asked for again that was given up:
	 * the shell is there all the same. One that came of something else is
	 * not ours to end. */
	if ((v == ACCEPTED || *why == took) && (exhaust_is(a) ||
	    exhaust_was() || exhaust_shell_panic()) && exhaust_shell_end()) {
		exhaust_forget();
		*why = v == ACCEPTED ? "the emergency shell was ended, the "
		    "boot goes on" : "who asked took it and ended; so did the "
		    "emergency shell";
	}
	return tested && v == REJECTED ? FAILED : v;
}

/* unlogged: why it isn't in the log, which keeps nobody out of the machine. */
static enum verdict
locked(const struct give_opts *o, const struct asker *a,
    const struct lockmem *pass, const char **why, struct err *e,
    struct err *unlogged)
{
	enum verdict v;
	int lock;

	if (file_mkdirs(GIVE_DIR, 0700, e) == -1 ||
	    lock_take(LOCK, LOCK_MS, &lock, e) == -1)
		return failed(e);
	/* What is not tried is not written down: anybody could fill it. */
	if (tries_note(o->most, e) == -1) {
		v = e->code == ERR_BUSY ? BUSY : FAILED;
	} else {
		v = give(o, a, pass, why, e);
		(void)bootlog_add(o->by, verdicts[v].word, &a->prompt,
		    unlogged);
	}
	close(lock);
	return v;
}

static void
end(enum verdict v, const char *why, const struct err *e,
    const struct err *unlogged, struct give_end *ret)
{
	if (v == GONE && e->code == ERR_NONE)
		why = "nobody waits for it any more";
	if (e->code != ERR_NONE)
		why = e->msg;
	ret->word = verdicts[v].word;
	ret->code = verdicts[v].code;
	snprintf(ret->why, sizeof(ret->why), "%s%s%s%s", why,
	    unlogged->code != ERR_NONE && why[0] != '\0' ? "; " : "",
	    unlogged->code != ERR_NONE ? "not in the log: " : "",
	    unlogged->msg);
}

bool
give_wanted(const char *id, struct give_end *ret)
{
	struct err e = ERR_INIT, unlogged = ERR_INIT;
	struct askers all = { .n = 0 };
	enum verdict v;
	bool wanted;

	wanted = await(id, &all, &v, &e) != NULL;
	if (!wanted)
		end(v, "", &e, &unlogged, ret);
	askers_clear(&all);
	return wanted;
}

/* The lock is for who has a passphrase already: one who thinks, or whose
 * network has gone, keeps nobody out. hand_over() looks again who asks. */
void
give_run(const struct give_opts *o, const char *id, struct give_end *ret)
{
	struct err e = ERR_INIT, unlogged = ERR_INIT;
	struct lockmem pass = { .data = NULL };
	struct askers all = { .n = 0 };
	const struct asker *a;
	const char *why = "";
	enum verdict v;

	a = await(id, &all, &v, &e);
	if (a != NULL && o->read(o->arg, &pass, &e) == -1)
		v = failed(&e);
	else if (a != NULL)
		v = locked(o, a, &pass, &why, &e, &unlogged);
	lockmem_clear(&pass);
	askers_clear(&all);
	end(v, why, &e, &unlogged, ret);
}
