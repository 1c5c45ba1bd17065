/* SPDX-License-Identifier: ISC */
#include "auth.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "asker.h"
#include "base/esc.h"
#include "give.h"
#include "prompttext.h"
#include "say.h"
#include "sys/tty.h"

#define INPUT_MS	60000u	/* for a passphrase on standard input */
#define LINE_BYTES	16384

struct auth {
	struct give_opts give;
	const char *id;			/* NULL: each that waits */
	struct lockmem pass;		/* before it is given */
	const struct bootline_prompt *prompt;	/* whose it is */
	bool given;			/* that one; how it ended: */
	struct give_end end;
	unsigned ok, later, failed;
};

/* What comes while a passphrase is on its way waits until it has arrived. */
static const int held[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGTSTP, SIGTTIN,
	SIGTTOU };
static const int ends[] = { SIGINT, SIGQUIT, SIGTERM };

/* "ID: WORD", or "ID: WORD: WHY". */
static void
state_line(struct buf *b, const struct bootline_prompt *p, const char *word,
    const char *why)
{
	buf_init(b, LINE_BYTES);
	(void)esc_text(b, p->id, strlen(p->id));
	(void)buf_addf(b, ": %s", word);
	if (why[0] != '\0') {
		(void)buf_adds(b, ": ");
		(void)esc_again(b, why, strlen(why));
	}
}

static void
say_state(const struct bootline_prompt *p, const char *word, const char *why)
{
	struct buf b;

	state_line(&b, p, word, why);
	(void)say_line(STDOUT_FILENO, &b);
}

static void
state(void *arg, const char *word)
{
	const struct auth *a = arg;
	struct buf b;

	state_line(&b, a->prompt, word, "");
	say_now(STDOUT_FILENO, &b);
}

/* Who presses Ctrl-C doesn't wait for the disk; what he gave is given. */
static bool
stop(void *arg)
{
	struct sigaction sa;
	sigset_t pending;
	size_t i;

	(void)arg;
	sigpending(&pending);
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (sigismember(&pending, ends[i]) == 1 &&
		    sigaction(ends[i], NULL, &sa) == 0 &&
		    sa.sa_handler != SIG_IGN)
			return true;
	return false;
}

/* What was taken from the person before the lock was: others may unlock while
 * he thinks. */
static int
hand_on(void *arg, struct lockmem *ret, struct err *e)
{
	struct auth *a = arg;

	(void)e;
	*ret = a->pass;
	a->pass = (struct lockmem){ .data = NULL };
	return 0;
}

/* Stopped or killed, we would keep everybody out by our lock, or end a
 * cryptsetup that opens the disk. */
static void
give(struct auth *a)
{
	sigset_t hold, old;
	size_t i;

	sigemptyset(&hold);
	for (i = 0; i < sizeof(held) / sizeof(held[0]); i++)
		sigaddset(&hold, held[i]);
	sigprocmask(SIG_BLOCK, &hold, &old);
	give_run(&a->give, a->prompt->id, &a->end);
	a->given = true;
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static void
told(struct auth *a)
{
	say_state(a->prompt, a->end.word, a->end.why);
	if (a->end.code == ERR_NONE)
		a->ok++;
	else if (err_exit(a->end.code) == err_exit(ERR_BUSY))
		a->later++;
	else
		a->failed++;
}

/* Without echo until the verdict: who types ahead, or twice since nothing
 * seems to happen, shows nothing to the screen and gives nothing to a shell. */
static void
answered(void *arg, size_t len)
{
	struct auth *a = arg;
	struct err none = ERR_INIT;

	a->pass.len = len;
	if (give_check(&a->pass, &none) == 0)
		give(a);
}

static int
ask(struct auth *a, struct err *e)
{
	/* A shell on the console may have no terminal of its own, but for its
	 * standard input: that, and not what has its name here. */
	struct tty_on on = { .path = "/dev/tty", .then = answered, .arg = a };
	const struct bootline_prompt *p = a->prompt;
	struct buf text;
	size_t len;
	int fd, rc;

	fd = open(on.path, O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (fd == -1)
		on.path = "/proc/self/fd/0";
	else
		close(fd);
	buf_init(&text, LINE_BYTES);
	(void)buf_adds(&text, "Passphrase for ");
	prompttext_add(p, &text);
	(void)buf_adds(&text, "\n(without echo; empty: leave it out): ");
	rc = tty_ask_on(&on, text.data, a->pass.data, BOOTLINE_SECRET, 0,
	    &len, e);
	buf_clear(&text);
	return rc;
}

/* From a person. 0; 1: left out; -1: e->code ERR_USAGE or ERR_CONFIG: what he
 * typed is no passphrase; otherwise nobody can be asked. */
static int
from_person(struct auth *a, struct err *e)
{
	if (ask(a, e) == -1)
		return -1;
	if (a->given)
		return 0;
	if (a->pass.len == 0)
		return 1;
	(void)give_check(&a->pass, e);
	e->code = ERR_USAGE;
	return -1;
}

static int
from_input(struct auth *a, struct err *e)
{
	if (give_line(&a->pass, STDIN_FILENO, false, INPUT_MS, e) == -1)
		return -1;
	give(a);
	return 0;
}

/* A passphrase for p, to its end. 0, or -1: nobody can be asked. */
static int
one(struct auth *a, const struct bootline_prompt *p, struct err *e)
{
	bool person = isatty(STDIN_FILENO);
	int rc;

	a->prompt = p;
	a->given = false;
	if (give_init(&a->pass, e) == -1)
		return -1;
	rc = person ? from_person(a, e) : from_input(a, e);
	lockmem_clear(&a->pass);
	if (rc == 1) {
		say_state(p, "left out", "");
		a->later++;
		return 0;
	}
	if (rc == -1 && person && e->code == ERR_USAGE) {
		say_state(p, "refused", e->msg);
		*e = (struct err)ERR_INIT;
		a->failed++;
		return 0;
	}
	if (rc == 0)
		told(a);
	return rc;
}

/* Of two with one id the first is meant. */
static bool
counts(const struct askers *all, size_t i)
{
	return askers_get(all, all->v[i].prompt.id) == &all->v[i];
}

static size_t
count(const struct askers *all)
{
	size_t i, n = 0;

	for (i = 0; i < all->n; i++)
		n += counts(all, i);
	return n;
}

static void
show(const struct askers *all, int fd)
{
	struct buf b;
	size_t i;

	buf_init(&b, LINE_BYTES);
	for (i = 0; i < all->n; i++) {
		if (!counts(all, i))
			continue;
		prompttext_add(&all->v[i].prompt, &b);
		(void)say_line(fd, &b);
	}
	buf_clear(&b);
}

/* Each that waits, or the one that is meant: some may have been opened by
 * others since the list was made, or with the answer of another disk. */
static int
give_all(struct auth *a, const struct askers *all, struct err *e)
{
	size_t i;

	for (i = 0; i < all->n; i++) {
		if (!counts(all, i) || (a->id != NULL && strcmp(a->id,
		    all->v[i].prompt.id) != 0))
			continue;
		a->prompt = &all->v[i].prompt;
		if (!give_wanted(a->prompt->id, &a->end)) {
			told(a);
		} else if (one(a, a->prompt, e) == -1) {
			if (a->ok == 0)
				return -1;
			(void)say_err("console_auth", e);
			return 2;
		}
	}
	if (a->later + a->failed == 0)
		return 0;
	return a->ok > 0 ? 2 : a->failed > 0 ? 1 : err_exit(ERR_BUSY);
}

static int
auth(struct auth *a, bool list, struct err *e)
{
	struct askers all = { .n = 0 };
	int status = -1;

	if (lockmem_harden(e) == -1)
		return -1;
	if (geteuid() != 0)
		return err_set(e, ERR_UNSAFE, "not root");
	if (askers_find(&all, e) == -1)
		return -1;
	if (list) {
		show(&all, STDOUT_FILENO);
		status = 0;
	} else if (a->id != NULL && askers_get(&all, a->id) == NULL) {
		err_set(e, ERR_BUSY, "no prompt of that id waits here");
	} else if (all.n == 0) {
		err_set(e, ERR_BUSY, "no prompt waits here");
	} else if (a->id == NULL && count(&all) > 1 &&
	    !isatty(STDIN_FILENO)) {
		show(&all, STDERR_FILENO);
		err_set(e, ERR_USAGE, "one passphrase for %zu prompts: name "
		    "the id of one", count(&all));
	} else {
		status = give_all(a, &all, e);
	}
	askers_clear(&all);
	return status;
}

int
auth_run(const struct auth_opts *o, struct err *e)
{
	struct auth a = { .give = { .wait_s = o->wait_s, .most = o->most,
	    .by = "console", .read = hand_on, .state = state,
	    .stop = stop, .arg = &a }, .id = o->id };

	return auth(&a, o->list, e);
}
