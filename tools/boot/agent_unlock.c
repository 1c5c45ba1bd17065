/* SPDX-License-Identifier: ISC */
#include "agent.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "deliver.h"
#include "rate.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/lock.h"

#define RUN_DIR		"/run/postern-boot"
#define LOCK		RUN_DIR "/lock"
#define TRIES		RUN_DIR "/tries"
#define INPUT_MS	60000u	/* for the passphrase, once we are ready */
#define LOOK_MS		100	/* between two looks at what became of it */
#define GRACE_MS	2000u	/* for the kernel, after cryptsetup's end */

/* What each way to end is called, and its exit status. */
enum verdict { ACCEPTED, DELIVERED, REJECTED, GONE, FAILED, BUSY, REFUSED };
static const struct {
	const char *word;
	enum err_code code;
} verdicts[] = {
	[ACCEPTED] = { "accepted", ERR_NONE },
	[DELIVERED] = { "delivered", ERR_TIMEOUT },
	[REJECTED] = { "rejected", ERR_REFUSED },
	[GONE] = { "gone", ERR_REFUSED },
	[FAILED] = { "failed", ERR_PEER },
	[BUSY] = { "busy", ERR_BUSY },
	[REFUSED] = { "refused", ERR_REFUSED },
};

static int
tries_read(struct rate *ret, struct err *e)
{
	struct buf b;
	int rc;

	*ret = (struct rate){ .n = 0 };
	if (access(TRIES, F_OK) == -1 && errno == ENOENT)
		return 0;
	buf_init(&b, RATE_TEXT);
	rc = file_read(TRIES, &b, e);
	if (rc == 0 && (rc = rate_parse(b.data, b.len, ret, e)) == -1)
		err_wrap(e, TRIES);
	buf_clear(&b);
	return rc;
}

/* Writes down a try, or says when there may be one (ERR_BUSY). Only who has
 * the lock comes here. */
static int
tries_note(const struct agent_opts *o, struct err *e)
{
	uint64_t now = clock_ms(), wait;
	struct rate r;
	struct buf b;
	int rc;

	if (tries_read(&r, e) == -1)
		return -1;
	wait = rate_wait_ms(&r, o->most, now);
	if (wait > 0)
		return err_set(e, ERR_BUSY, "%u passphrases in a minute are "
		    "enough: again in %" PRIu64 " s", o->most,
		    (wait + 999) / 1000);
	rate_note(&r, now);
	buf_init(&b, RATE_TEXT);
	rc = rate_emit(&r, &b) == 0 ? file_write(TRIES, b.data, b.len, 0600,
	    NULL, e) : err_set(e, ERR_MEM, "out of memory");
	buf_clear(&b);
	return rc;
}

/* One line, and a whole one: of a session that was cut off the rest would pass
 * for a shorter passphrase. Its newline is taken off. */
static int
check_input(struct lockmem *pass, struct err *e)
{
	unsigned char *nl = memchr(pass->data, '\n', pass->len);

	if (nl == NULL || (size_t)(nl - pass->data) + 1 != pass->len)
		return err_set(e, ERR_REFUSED, "not one line with a newline");
	pass->len--;
	if (pass->len == 0)
		return err_set(e, ERR_REFUSED, "an empty passphrase");
	if (memchr(pass->data, '\0', pass->len) != NULL)
		return err_set(e, ERR_REFUSED, "a passphrase with a NUL");
	return 0;
}

static int
read_input(struct lockmem *pass, struct err *e)
{
	if (lockmem_init(pass, BOOTLINE_SECRET + 1, e) == -1)
		return -1;
	agent_state("ready");
	if (lockmem_read(pass, STDIN_FILENO, INPUT_MS, e) == -1)
		return err_wrap(e, "standard input");
	return check_input(pass, e);
}

/* Looks again: -1 nobody asks for id, 0 it is the same question as was, 1 it
 * was asked anew. */
static int
asked(const struct asker *was, const char *id)
{
	struct err e = ERR_INIT;
	struct askers now;
	const struct asker *a;
	int rc;

	if (askers_find(&now, &e) == -1)
		return 0;
	a = askers_get(&now, id);
	rc = a == NULL ? -1 : !asker_same(a, was);
	askers_clear(&now);
	return rc;
}

/* What became of a passphrase that was handed over. */
static enum verdict
watch(const struct agent_opts *o, const struct asker *a, const char **why)
{
	const struct timespec look = { .tv_nsec = LOOK_MS * 1000000L };
	uint64_t end = clock_ms() + o->wait_s * (uint64_t)1000, died = 0;
	int now;

	agent_state("waiting");
	while (clock_ms() < end) {
		if (a->prompt.uuid[0] != '\0' &&
		    asker_is_open(a->prompt.uuid))
			return ACCEPTED;
		now = asked(a, a->prompt.id);
		if (now == 1) {
			*why = "it is asked again";
			return REJECTED;
		}
		/* systemd's asker opens the disk itself; askpass hands on. */
		if (now == -1 && a->kind == ASKER_SYSTEMD && !asker_alive(a)) {
			if (died == 0)
				died = clock_ms();
			if (clock_ms() - died > GRACE_MS) {
				*why = "cryptsetup took it and ended, but the "
				    "disk is not open";
				return FAILED;
			}
		}
		nanosleep(&look, NULL);
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

/* Tests pass, hands it over, and waits for what comes of it. */
static enum verdict
give(const struct agent_opts *o, const struct asker *a,
    const struct lockmem *pass, const char **why, struct err *e)
{
	if (tries_note(o, e) == -1)
		return failed(e);
	if (a->luks) {
		agent_state("testing");
		if (deliver_test(a, pass, e) == -1)
			return e->code == ERR_REFUSED ? REJECTED : FAILED;
	}
	/* The console may have answered it meanwhile. */
	if (asked(a, a->prompt.id) != 0)
		return GONE;
	agent_state("delivering");
	if (deliver(a, pass, e) == -1)
		return e->code == ERR_BUSY ? GONE : FAILED;
	return watch(o, a, why);
}

static enum verdict
unlock(const struct agent_opts *o, const char *id, const char **why,
    struct err *e)
{
	struct lockmem pass = { .data = NULL };
	struct askers all = { .n = 0 };
	const struct asker *a;
	enum verdict v = FAILED;

	if (askers_find(&all, e) == -1)
		goto out;
	a = askers_get(&all, id);
	if (a == NULL)
		v = GONE;
	else if (read_input(&pass, e) == -1)
		v = failed(e);
	else
		v = give(o, a, &pass, why, e);
out:
	lockmem_clear(&pass);
	askers_clear(&all);
	return v;
}

int
agent_unlock(const struct agent_opts *o, const char *id)
{
	struct err e = ERR_INIT;
	const char *why = "";
	enum verdict v;
	int lock = -1;

	if (file_mkdirs(RUN_DIR, 0700, &e) == -1 ||
	    lock_take(LOCK, 0, &lock, &e) == -1)
		v = failed(&e);
	else
		v = unlock(o, id, &why, &e);
	if (v == GONE && e.code == ERR_NONE)
		why = "nobody waits for it any more";
	agent_verdict(verdicts[v].word, e.code != ERR_NONE ? e.msg : why);
	if (lock != -1)
		close(lock);
	return err_exit(verdicts[v].code);
}
