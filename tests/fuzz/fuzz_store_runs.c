/* SPDX-License-Identifier: ISC */
/* The file of runs: whatever is in it is read, and what is taken for a run is
 * written and read back the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store_runs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
demand(int ok)
{
	if (!ok)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum store_runs_day days[40];
	struct store_runs_state s;
	struct store_run again;
	struct err e = ERR_INIT;
	struct store_runs r;
	struct buf b;
	size_t i;

	demand(store_runs_parse((const char *)data, size, &r, &e) == 0);
	demand(r.n + r.bad <= size);
	buf_init(&b, STORE_RUNS_LINE * 2);
	for (i = 0; i < r.n; i++) {
		demand(store_runs_emit(&r.v[i], &b, &e) == 0);
		demand(store_runs_line(b.data, b.len - 1, &again) == 0);
		demand(memcmp(&again, &r.v[i], sizeof(again)) == 0);
		buf_clear(&b);
	}
	store_runs_state(&r, 1700000000, &s);
	demand(s.failures <= r.n);
	demand(s.good == NULL || s.silent_s >= 0);
	store_runs_calendar(&r, 1700000000, days, 40);
	store_runs_clear(&r);
	return 0;
}
