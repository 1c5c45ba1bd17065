/* SPDX-License-Identifier: ISC */
#include "askq.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "askfile.h"
#include "asklist.h"
#include "sys/clock.h"

#define QUESTIONS "/run/systemd/ask-password"

static int
question(struct askers *all, const char *name, struct err *e)
{
	struct asker a = { .kind = ASKER_SYSTEMD,
	    .prompt = { .kind = "systemd", .tries = -1 } };
	struct askfile f;
	struct buf b;
	char path[sizeof(QUESTIONS) + NAME_MAX + 1];
	bool ok;

	buf_init(&b, ASKFILE_MAX);
	snprintf(path, sizeof(path), QUESTIONS "/%s", name);
	ok = asklist_read(&b, path) && askfile_parse(b.data, b.len, &f,
	    NULL) == 0 && askfile_device(&f) != NULL &&
	    asklist_root(f.pid) && asklist_start(f.pid, &a.start) &&
	    (f.not_after_us == 0 || f.not_after_us / 1000 > clock_ms());
	buf_clear(&b);
	if (!ok)
		return 0;
	a.pid = f.pid;
	asklist_copy(a.file, sizeof(a.file), name);
	asklist_copy(a.socket, sizeof(a.socket), f.socket);
	asklist_copy(a.prompt.device, sizeof(a.prompt.device),
	    askfile_device(&f));
	asklist_copy(a.prompt.name, sizeof(a.prompt.name), f.message);
	return asklist_add(all, &a, e);
}

int
askq_find(struct askers *all, struct err *e)
{
	DIR *d = opendir(QUESTIONS);
	struct dirent *de;
	int rc = 0;

	if (d == NULL)
		return 0;
	while (rc == 0 && (de = readdir(d)) != NULL)
		if (strncmp(de->d_name, "ask.", 4) == 0)
			rc = question(all, de->d_name, e);
	closedir(d);
	return rc;
}
