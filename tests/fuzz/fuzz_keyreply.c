/* SPDX-License-Identifier: ISC */
/* keyreply: what a gateway answers is read into printable text or refused in
 * printable words, and what was read is read again from what it writes. The
 * same bytes as a line of an authorized_keys file, and as a session's file. */
#include "base/esc.h"
#include "keyask.h"
#include "keyreply.h"
#include "retell.h"
#include "sessions.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
printable(const char *s)
{
	for (; *s != '\0'; s++)
		if (*s < 0x20 || *s > 0x7e)
			return false;
	return true;
}

/* A message shows what came escaped, which leaves UTF-8 as it is: escaping it
 * once more changes nothing but its backslashes. */
static bool
escaped(const char *s)
{
	size_t want = strlen(s);
	struct buf again;
	const char *p;
	bool same;

	for (p = s; *p != '\0'; p++)
		want += *p == '\\';
	buf_init(&again, 4 * ERR_MSG_MAX);
	same = esc_text(&again, s, strlen(s)) == 0 && again.len == want;
	buf_clear(&again);
	return same;
}

static void
others(const char *data, size_t size)
{
	char id[GITID_MAX + 1];
	struct session s;

	if (keyask_id(data, size, id))
		demand(gitid_valid(id, strlen(id)));
	if (sessions_parse("1.2", data, size, &s, NULL) == 0)
		demand(s.pid == 1 && s.start == 2 &&
		    gitid_valid(s.id, strlen(s.id)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct keyreply r, again;
	struct err e = ERR_INIT;
	struct buf out;

	buf_init(&out, KEYREPLY_MAX);
	if (keyreply_parse((const char *)data, size, &r, &e) == 0) {
		demand(printable(r.why));
		demand(keyreply_emit(&r, &out, &e) == 0);
		demand(keyreply_parse(out.data, out.len, &again, &e) == 0);
		demand(again.what == r.what && again.sequence == r.sequence &&
		    again.keys == r.keys && again.skipped == r.skipped &&
		    strcmp(again.why, r.why) == 0);
	} else {
		demand(e.code == ERR_PEER && escaped(e.msg));
	}
	buf_clear(&out);
	others((const char *)data, size);
	return 0;
}
