/* SPDX-License-Identifier: ISC */
#include "jail/cap.h"

#include <stdio.h>
#include <sys/capability.h>

#define ROW_MAX 6

static const struct row {
	cap_value_t v[ROW_MAX];
	int n;
} rows[] = {
	[CAP_KEEP_NONE] = { { 0 }, 0 },
	[CAP_KEEP_READ] = { { CAP_DAC_READ_SEARCH }, 1 },
	[CAP_KEEP_RESTORE] = { { CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER,
	    CAP_FSETID, CAP_MKNOD, CAP_SETFCAP }, 6 },
};

/* Those of row that have permits, into out; their number. */
static int
permitted(cap_t have, const struct row *row, cap_value_t *out)
{
	cap_flag_value_t on;
	int i, n = 0;

	for (i = 0; i < row->n; i++)
		if (cap_get_flag(have, row->v[i], CAP_PERMITTED, &on) == 0 &&
		    on == CAP_SET)
			out[n++] = row->v[i];
	return n;
}

/* What is not in keep goes out of the bounding set, for which CAP_SETPCAP
 * must still be there. */
static int
bound(cap_t have, const cap_value_t *keep, int n, struct err *e)
{
	cap_flag_value_t on = CAP_CLEAR;
	cap_value_t c, setpcap = CAP_SETPCAP;
	int i;

	if (cap_get_flag(have, CAP_SETPCAP, CAP_PERMITTED, &on) == -1 ||
	    on == CAP_CLEAR)
		return 0;
	if (cap_set_flag(have, CAP_EFFECTIVE, 1, &setpcap, CAP_SET) == -1 ||
	    cap_set_proc(have) == -1)
		return err_sys(e, "cap_setpcap");
	for (c = 0; c < cap_max_bits(); c++) {
		for (i = 0; i < n && keep[i] != c; i++)
			continue;
		if (i < n || cap_get_bound(c) != 1)
			continue;
		if (cap_drop_bound(c) == -1)
			return err_sys(e, "capability %d, bounding set", c);
	}
	return 0;
}

/* Exactly these in all sets. cap_iab_set_proc(3) would do it at once, but asks
 * for CAP_SETPCAP as soon as one is ambient, which the kernel does not. */
static int
set_all(const cap_value_t *keep, int n, struct err *e)
{
	static const cap_flag_t sets[] = { CAP_PERMITTED, CAP_EFFECTIVE,
		CAP_INHERITABLE };
	cap_t want = cap_init();
	size_t i;
	int rc = want == NULL ? -1 : 0, c;

	for (i = 0; i < 3 && n > 0 && rc == 0; i++)
		rc = cap_set_flag(want, sets[i], n, keep, CAP_SET);
	if (rc == 0)
		rc = cap_set_proc(want);
	if (rc == 0)
		rc = cap_reset_ambient();
	for (c = 0; c < n && rc == 0; c++)
		rc = cap_set_ambient(keep[c], CAP_SET);
	if (rc == -1)
		err_sys(e, "drop capabilities");
	cap_free(want);
	return rc;
}

int
cap_keep(enum cap_keep keep, bool *ret_all, struct err *e)
{
	cap_t have = cap_get_proc();
	cap_value_t v[ROW_MAX];
	int n, rc = -1;

	if (have == NULL)
		return err_sys(e, "capabilities");
	n = permitted(have, &rows[keep], v);
	if (bound(have, v, n, e) == 0 && set_all(v, n, e) == 0) {
		*ret_all = n == rows[keep].n;
		rc = 0;
	}
	cap_free(have);
	return rc;
}

int
cap_describe(char *out, size_t size, struct err *e)
{
	cap_t have = cap_get_proc();
	char *text = have != NULL ? cap_to_text(have, NULL) : NULL;
	int rc = 0;

	if (text == NULL)
		rc = err_sys(e, "capabilities");
	else
		snprintf(out, size, "%s", text);
	cap_free(text);
	cap_free(have);
	return rc;
}
