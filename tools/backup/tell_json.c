/* SPDX-License-Identifier: ISC */
#include "tell_json.h"

#include <stdio.h>
#include <string.h>

#include "base/esc.h"
#include "hits.h"
#include "rows.h"

#define ESCAPED_MAX	(8u << 20)

void
tell_json_path(struct emit *j, const char *path, bool cut)
{
	static const char lost[] = "\xef\xbf\xbd";
	struct buf b;

	emit_str(j, "path", path);
	if (cut)
		emit_bool(j, "cut", true);
	buf_init(&b, ESCAPED_MAX);
	if (esc_json(&b, path, strlen(path)) == 0 &&
	    strstr(b.data, lost) != NULL) {
		b.len = 0;
		if (esc_text(&b, path, strlen(path)) == 0)
			emit_str(j, "escaped", b.data);
	}
	buf_clear(&b);
}

void
tell_json_meta(struct emit *j, const char *key, uint32_t mode, uint32_t uid,
    uint32_t gid, uint64_t size, int64_t mtime_ns)
{
	char text[8];

	snprintf(text, sizeof(text), "%04o", mode & 07777u);
	if (key != NULL)
		emit_obj(j, key);
	emit_str(j, "kind", rows_kind(mode));
	emit_str(j, "mode", text);
	emit_num(j, "uid", uid);
	emit_num(j, "gid", gid);
	emit_num(j, "size", (int64_t)size);
	emit_num(j, "time_ns", mtime_ns);
	if (key != NULL)
		emit_close(j);
}

void
tell_json_what(struct emit *j, unsigned what)
{
	unsigned i;

	emit_arr(j, "what");
	for (i = 0; hits_word(i) != NULL; i++)
		if ((what & 1u << i) != 0)
			emit_item(j, hits_word(i));
	emit_close(j);
}
