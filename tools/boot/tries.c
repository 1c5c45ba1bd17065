/* SPDX-License-Identifier: ISC */
#include "tries.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "give.h"
#include "rate.h"
#include "sys/clock.h"
#include "sys/file.h"

#define TRIES		GIVE_DIR "/tries"

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

static int
tries_write(const struct rate *r, struct err *e)
{
	struct buf b;
	int rc;

	buf_init(&b, RATE_TEXT);
	rc = rate_emit(r, &b) == 0 ? file_write(TRIES, b.data, b.len, 0600,
	    NULL, e) : err_set(e, ERR_MEM, "out of memory");
	buf_clear(&b);
	return rc;
}

int
tries_note(unsigned most, struct err *e)
{
	uint64_t now = clock_ms(), wait;
	struct rate r;

	if (tries_read(&r, e) == -1)
		return -1;
	wait = rate_wait_ms(&r, most, now);
	if (wait > 0)
		return err_set(e, ERR_BUSY, "%u passphrases in a minute are "
		    "enough: again in %" PRIu64 " s", most,
		    (wait + 999) / 1000);
	rate_note(&r, now);
	return tries_write(&r, e);
}

int
tries_forget(struct err *e)
{
	struct rate r;

	if (tries_read(&r, e) == -1)
		return -1;
	rate_forget(&r);
	return tries_write(&r, e);
}
