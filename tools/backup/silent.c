/* SPDX-License-Identifier: ISC */
#include "silent.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hook.h"
#include "size.h"
#include "store_file.h"
#include "sys/lock.h"

#define DAY_FILE	"silent"
#define LOCK_FILE	"silent.lock"

/* Whether today is written down already; if not, it is now. */
static int
first_today(const struct store_client *c, struct err *e)
{
	char today[SIZE_TIME], path[640];
	struct err why = ERR_INIT;
	struct buf was;
	int lock = -1, rc = -1;

	buf_init(&was, 64);
	size_date(c->store->now(), today);
	snprintf(path, sizeof(path), "%s/" LOCK_FILE, c->admin_path);
	if (lock_take_at(c->admin_fd, LOCK_FILE, path, 0, &lock, &why) == -1) {
		if (why.code == ERR_BUSY)
			return 0;
		*e = why;
		return -1;
	}
	if (store_file_get(c->admin_fd, c->admin_path, DAY_FILE, &was,
	    &why) == 0 && strcmp(was.data, today) == 0)
		rc = 0;
	else if (store_file_put(c->admin_fd, c->admin_path, DAY_FILE, today,
	    strlen(today), e) == 0)
		rc = 1;
	buf_clear(&was);
	close(lock);
	return rc;
}

static int
run(const struct settings *conf, const struct state *s, struct err *e)
{
	struct reply r = { .status = 2 };
	const struct hook_spec spec = { .command = conf->store.on_silent,
		.name = "on-silent", .job = s->name, .result = &r,
		.limit_ms = settings_command_ms(conf),
		.limit_key = SETTINGS_COMMAND_KEY };
	char days[24];
	struct buf why;
	int rc;

	buf_init(&why, sizeof(r.why) - 1);
	(void)state_alarms(s, &why);
	snprintf(r.why, sizeof(r.why), "%s", why.data);
	buf_clear(&why);
	snprintf(days, sizeof(days), "%" PRId64, state_silent_days(s));
	rc = setenv("POSTERN_CLIENT", s->name, 1);
	rc |= setenv("POSTERN_DAYS", days, 1);
	if (rc != 0)
		return err_set(e, ERR_MEM, "out of memory");
	return hook_run(&spec, e);
}

int
silent_tell(const struct store *store, const struct settings *conf,
    const struct state *s, struct err *e)
{
	struct store_client c;
	int rc;

	if (conf->store.on_silent == NULL || (s->alarms & STATE_SILENT) == 0)
		return 0;
	if (store_client_open(store, s->name, &c, e) == -1)
		return -1;
	rc = first_today(&c, e);
	store_client_close(&c);
	if (rc != 1)
		return rc;
	return run(conf, s, e) == 0 ? 1 : -1;
}
