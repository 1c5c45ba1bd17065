/* SPDX-License-Identifier: ISC */
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "size.h"
#include "store_btrfs.h"
#include "store_weigh.h"

#define DAY_S		86400

void
state_clear(struct state *s)
{
	history_clear(&s->history);
	*s = (struct state){ .silent_s = 0 };
}

/* The newest whole snapshot that is not of the future. */
static int64_t
newest(const struct history *h, int64_t now_s)
{
	size_t i;

	for (i = 0; i < h->n; i++)
		if (h->v[i].time_s <= now_s)
			return h->v[i].time_s;
	return 0;
}

static void
days(struct state *s, const struct store_runs *runs, int64_t now_s)
{
	enum store_runs_day raw[STATE_DAYS];
	int64_t first = now_s / DAY_S - STATE_DAYS + 1, day;
	size_t i;

	store_runs_calendar(runs, now_s, raw, STATE_DAYS);
	for (i = 0; i < s->history.n; i++) {
		/* Its run's line may be gone, or have never been written. */
		day = s->history.v[i].time_s / DAY_S - first;
		if (day >= 0 && day < STATE_DAYS)
			raw[day] = STORE_DAY_OK;
	}
	for (i = 0; i < STATE_DAYS; i++) {
		day = first + (int64_t)i;
		if (raw[i] == STORE_DAY_OK)
			s->days[i] = STATE_DAY_RAN;
		else if (raw[i] == STORE_DAY_FAILED)
			s->days[i] = STATE_DAY_FAILED;
		else if (s->since_s > 0 && day >= s->since_s / DAY_S &&
		    i + 1 < STATE_DAYS)
			s->days[i] = STATE_DAY_MISSED;
		else
			s->days[i] = STATE_DAY_EMPTY;
	}
}

static void
since(struct state *s, const struct store_runs *runs)
{
	const struct history *h = &s->history;
	int64_t first = INT64_MAX;
	size_t i;

	for (i = 0; i < runs->n; i++)
		if (runs->v[i].time_s < first)
			first = runs->v[i].time_s;
	if (h->n > 0 && h->v[h->n - 1].time_s < first)
		first = h->v[h->n - 1].time_s;
	if (first != INT64_MAX && (s->since_s <= 0 || first < s->since_s))
		s->since_s = first;
}

int
state_make(struct state *s, const struct store_runs *runs,
    const struct settings_policy *p, int64_t now_s, struct err *e)
{
	struct store_runs_state r;
	int64_t from;

	store_runs_state(runs, now_s, &r);
	if (r.last != NULL)
		s->last = *r.last;
	if (r.verify != NULL)
		s->verify = *r.verify;
	s->verify_bad = r.verify_bad;
	s->failures = r.failures;
	s->good_s = newest(&s->history, now_s);
	if (r.good != NULL && r.good->time_s > s->good_s)
		s->good_s = r.good->time_s;
	since(s, runs);
	from = s->good_s > 0 ? s->good_s : s->since_s;
	s->silent_s = now_s > from ? now_s - from : 0;
	s->silent_days = p->silent_days > 0 ? p->silent_days : 0;
	s->quota = p->quota > 0 ? (uint64_t)p->quota : 0;
	days(s, runs, now_s);
	if (history_used(&s->history, &s->used, e) == -1 ||
	    history_mark(&s->history, p, now_s, true, e) == -1)
		return -1;
	if (s->silent_days > 0 && s->silent_s > s->silent_days * DAY_S)
		s->alarms |= STATE_SILENT;
	if (s->quota > 0 && (double)s->used * 100 >=
	    (double)s->quota * STATE_QUOTA_PERCENT)
		s->alarms |= STATE_FULL;
	if (s->verify_bad)
		s->alarms |= STATE_ROTTEN;
	return 0;
}

/* When accept let it in, or its folder was changed last; 0: nobody knows. */
static int64_t
accepted_s(const struct store_client *c)
{
	struct stat st;

	if (fstatat(c->admin_fd, "client.conf", &st,
	    AT_SYMLINK_NOFOLLOW) == 0 || fstat(c->fd, &st) == 0)
		return (int64_t)st.st_mtim.tv_sec;
	return 0;
}

/* Whether a run is at it, or somebody else who has the lock. That is asked for
 * and let go of at once; a run waits for it longer than that. */
static bool
busy(const struct store_client *c)
{
	int fd = openat(c->admin_fd, "lock", O_RDONLY | O_NOFOLLOW |
	    O_NONBLOCK | O_CLOEXEC);
	bool held;

	if (fd == -1)
		return false;
	held = flock(fd, LOCK_SH | LOCK_NB) == -1 && errno == EWOULDBLOCK;
	close(fd);
	return held;
}

static int
read_open(const struct store_client *c, const struct settings_policy *p,
    struct state *s, struct err *e)
{
	struct store_runs runs = { 0 };
	struct store_weight left = { 0 };
	size_t i;
	int rc;

	if (history_read(c, &s->history, e) == -1 ||
	    store_runs_read(c, &runs, e) == -1)
		return -1;
	s->since_s = accepted_s(c);
	s->backend = store_btrfs_is(c->fd) ? STORE_BTRFS : STORE_HARDLINK;
	for (i = 0; i < s->history.n; i++) {
		if (s->history.v[i].backend != 0) {
			s->backend = s->history.v[i].backend;
			break;
		}
	}
	rc = state_make(s, &runs, p, c->store->now(), e);
	store_runs_clear(&runs);
	s->busy = busy(c) && faccessat(c->fd, STORE_INCOMING, F_OK,
	    AT_SYMLINK_NOFOLLOW) == 0;
	if (rc == 0 && !s->busy)
		rc = store_weigh_left(c, &left, e);
	s->left = rc == 1;
	s->left_bytes = left.bytes;
	return rc == -1 ? -1 : 0;
}

int
state_read(const struct store *store, struct settings *conf,
    const char *name, struct state *ret, struct err *e)
{
	struct store_client c = { .fd = -1, .admin_fd = -1, .lock_fd = -1 };
	struct state s = { .silent_s = 0 };
	struct settings accepted = { 0 };
	struct settings_policy p;
	struct err why = ERR_INIT;

	snprintf(s.name, sizeof(s.name), "%s", name);
	if (store_client_open(store, name, &c, &why) == 0 &&
	    settings_accepted(store->path, name, &accepted, &why) == 0) {
		settings_client_get(conf, &accepted, name, &p, NULL);
		(void)read_open(&c, &p, &s, &why);
	}
	settings_clear(&accepted);
	store_client_close(&c);
	if (why.code == ERR_MEM) {
		state_clear(&s);
		if (e != NULL)
			*e = why;
		return -1;
	}
	if (why.code != ERR_NONE) {
		s.alarms |= STATE_BROKEN;
		memcpy(s.why, why.msg, sizeof(s.why));
	}
	*ret = s;
	return 0;
}

size_t
state_next(const struct state *s, const struct history_snap **ret_oldest)
{
	const struct history_snap *oldest = NULL;
	size_t i, n = 0;

	for (i = 0; i < s->history.n; i++) {
		if (s->history.v[i].why != 0)
			continue;
		oldest = &s->history.v[i];
		n++;
	}
	if (ret_oldest != NULL)
		*ret_oldest = oldest;
	return n;
}

int64_t
state_silent_days(const struct state *s)
{
	return s->silent_s / DAY_S;
}

int
state_alarms(const struct state *s, struct buf *out)
{
	const char *sep = "";
	int rc = 0;

	if ((s->alarms & STATE_BROKEN) != 0) {
		rc |= buf_addf(out, "can't be read: %s", s->why);
		sep = ", ";
	}
	if ((s->alarms & STATE_SILENT) != 0) {
		if (s->good_s == 0)
			rc |= buf_addf(out, "%snever made a backup", sep);
		else
			rc |= buf_addf(out, "%ssilent for %" PRId64 " days",
			    sep, state_silent_days(s));
		sep = ", ";
	}
	if ((s->alarms & STATE_FULL) != 0) {
		rc |= buf_addf(out, "%sat %.0f %% of its quota", sep,
		    100.0 * (double)s->used / (double)s->quota);
		sep = ", ";
	}
	if ((s->alarms & STATE_ROTTEN) != 0)
		rc |= buf_addf(out, "%sverify: %s", sep,
		    s->verify.message[0] != '\0' ? s->verify.message :
		    s->verify.state);
	return rc == 0 ? 0 : -1;
}

int
state_words(const struct state *s, struct buf *out)
{
	char size[SIZE_TEXT];
	int rc;

	rc = s->alarms != 0 ? state_alarms(s, out) : buf_adds(out, "well");
	if (rc == 0 && s->busy)
		rc = buf_adds(out, ", a run is under way");
	if (rc == 0 && s->left) {
		size_text(s->left_bytes, size);
		rc = buf_addf(out, ", unfinished: %s", size);
	}
	return rc;
}
