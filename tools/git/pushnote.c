/* SPDX-License-Identifier: ISC */
#include "pushnote.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "keyserial.h"
#include "pushstate.h"
#include "sys/file.h"
#include "sys/lock.h"

#define LINE	(ERR_MSG_MAX + 128)
#define PATH	4096
#define NONE	"- "	/* before why: it has no sequence of its own */

void
pushnote_read(const char *state, struct pushnote *ret)
{
	struct pushnote n = { 0 };
	struct buf b;
	int at = 0;

	buf_init(&b, LINE);
	if (file_read_below(state, PUSHNOTE_FILE, &b, NULL) == 0 &&
	    b.len > 0 && sscanf(b.data, "%" SCNu64 " %" SCNu64 " %" SCNu64
	    " %n", &n.time_s, &n.sequence, &n.keys, &at) == 3 && at > 0) {
		n.none = strncmp(b.data + at, NONE, strlen(NONE)) == 0;
		at += n.none ? (int)strlen(NONE) : 0;
		snprintf(n.why, sizeof(n.why), "%.*s", (int)strcspn(
		    b.data + at, "\n"), b.data + at);
		n.ok = !n.none && strcmp(n.why, "ok") == 0;
	} else {
		n = (struct pushnote){ 0 };
	}
	*ret = n;
	buf_clear(&b);
}

static int
in_state(const char *state, const char *name, char path[PATH],
    struct err *e)
{
	int n = snprintf(path, PATH, "%s/%s", state, name);

	return n > 0 && n < PATH ? 0 :
	    err_set(e, ERR_CONFIG, "%s: too long", state);
}

/* The note with the highest sequence that counts; all is 0: none. The caller
 * holds the lock. */
static void
highest(const char *state, struct pushnote *ret)
{
	char serial[PATH];

	pushnote_read(state, ret);
	if (in_state(state, "sequence", serial, NULL) == -1 ||
	    ret->sequence > keyserial_last(serial))
		*ret = (struct pushnote){ 0 };
}

int
pushnote_put(const char *state, const struct pushnote *n, unsigned wait_ms,
    struct err *e)
{
	char lock[PATH], path[PATH], text[LINE];
	const struct pushnote *of = n;
	struct pushnote before;
	int fd, len, rc = 0;

	if (in_state(state, PUSHSTATE_LOCK, lock, e) == -1 ||
	    in_state(state, PUSHNOTE_FILE, path, e) == -1 ||
	    lock_take(lock, wait_ms, &fd, e) == -1)
		return -1;
	highest(state, &before);
	if (n->sequence == 0)
		of = &before;
	len = snprintf(text, sizeof(text), "%" PRIu64 " %" PRIu64 " %" PRIu64
	    " %s%s\n", n->time_s, of->sequence, of->keys, of != n ? NONE : "",
	    n->ok ? "ok" : n->why);
	if (n->sequence == 0 || n->sequence >= before.sequence)
		rc = pushstate_write(path, text, (size_t)len, e);
	close(fd);
	return rc;
}
