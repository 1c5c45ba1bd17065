/* SPDX-License-Identifier: ISC */
#include "console.h"

#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "asker.h"
#include "base/esc.h"
#include "base/num.h"
#include "give.h"
#include "prompttext.h"
#include "rate.h"
#include "say.h"
#include "screen.h"
#include "sys/tty.h"

#define INPUT_MS	60000u	/* for a passphrase on standard input */
#define LINE_BYTES	16384
#define HELPED		1	/* the options were answered */

static const char peek_help[] =
    "usage: console_peek\n"
    "\n"
    "What stands on the screen of this machine's console. Changes nothing.\n";
static const char auth_help[] =
    "usage: console_auth [-w SECONDS] [-t TRIES] [ID]\n"
    "       console_auth -l\n"
    "\n"
    "A passphrase to each prompt that waits on this machine, or to that of\n"
    "ID, tested before it is delivered; asked for without echo, or the line\n"
    "on standard input where that is no terminal.\n"
    "\n"
    "  -l, --list           which prompts wait; changes nothing\n"
    "  -w, --wait SECONDS   for the disk to be open (30)\n"
    "  -t, --tries TRIES    passphrases a minute, of all who try (10)\n"
    "  -h, --help           this text\n";

struct auth {
	struct give_opts give;
	bool list;
	const char *id;			/* NULL: each that waits */
	struct lockmem pass;		/* before it is given */
	const struct bootline_prompt *prompt;	/* whose it is */
	unsigned ok, later, failed;
};

static const char *
base(const char *argv0)
{
	const char *slash = strrchr(argv0, '/');

	return slash != NULL ? slash + 1 : argv0;
}

bool
console_named(const char *argv0)
{
	return strcmp(base(argv0), "console_peek") == 0 ||
	    strcmp(base(argv0), "console_auth") == 0;
}

/* "ID: WORD", or "ID: WORD: WHY". */
static void
say_state(const struct bootline_prompt *p, const char *word, const char *why)
{
	struct buf b;

	buf_init(&b, LINE_BYTES);
	(void)esc_text(&b, p->id, strlen(p->id));
	(void)buf_addf(&b, ": %s", word);
	if (why[0] != '\0') {
		(void)buf_adds(&b, ": ");
		(void)esc_again(&b, why, strlen(why));
	}
	(void)say_line(STDOUT_FILENO, &b);
}

static void
state(void *arg, const char *word)
{
	const struct auth *a = arg;

	say_state(a->prompt, word, "");
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

/* The terminal to ask on: a shell on the console may have none of its own, but
 * for its standard input. */
static void
terminal(char ret[PATH_MAX])
{
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	ssize_t n = -1;

	if (fd == -1)
		n = readlink("/proc/self/fd/0", ret, PATH_MAX - 1);
	else
		close(fd);
	if (n > 0)
		ret[n] = '\0';
	else
		memcpy(ret, "/dev/tty", sizeof("/dev/tty"));
}

static int
ask(struct auth *a, struct err *e)
{
	const struct bootline_prompt *p = a->prompt;
	char path[PATH_MAX];
	struct buf text;
	size_t len = 0;
	int rc;

	terminal(path);
	buf_init(&text, LINE_BYTES);
	(void)buf_adds(&text, "Passphrase for ");
	prompttext_add(p, &text);
	(void)buf_adds(&text, "\n(without echo; empty: leave it out): ");
	rc = tty_ask_on(path, text.data, a->pass.data, BOOTLINE_SECRET, 0,
	    &len, e);
	if (rc == 0)
		a->pass.len = len;
	else if (e->code == ERR_USAGE)
		e->code = ERR_REFUSED;	/* too long: no wrong option */
	buf_clear(&text);
	return rc;
}

/* A passphrase for p, to its end. 0, or -1: nobody can be asked. */
static int
one(struct auth *a, const struct bootline_prompt *p, struct err *e)
{
	bool person = isatty(STDIN_FILENO);
	struct give_end end;
	int rc;

	a->prompt = p;
	if (give_init(&a->pass, e) == -1)
		return -1;
	rc = person ? ask(a, e) : give_line(&a->pass, STDIN_FILENO, INPUT_MS,
	    e);
	if (rc == 0 && person && a->pass.len == 0) {
		say_state(p, "left out", "");
		a->later++;
		goto out;
	}
	if (rc == 0 && person)
		rc = give_check(&a->pass, e);
	if (rc == -1)
		goto out;
	give_run(&a->give, p->id, &end);
	say_state(p, end.word, end.why);
	if (end.code == ERR_NONE)
		a->ok++;
	else if (err_exit(end.code) == err_exit(ERR_BUSY))
		a->later++;
	else
		a->failed++;
out:
	lockmem_clear(&a->pass);
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

static int
give_all(struct auth *a, const struct askers *all, struct err *e)
{
	size_t i;

	for (i = 0; i < all->n; i++) {
		if (!counts(all, i) || (a->id != NULL && strcmp(a->id,
		    all->v[i].prompt.id) != 0))
			continue;
		if (one(a, &all->v[i].prompt, e) == -1)
			return -1;
	}
	if (a->later + a->failed == 0)
		return 0;
	return a->ok > 0 ? 2 : a->failed > 0 ? 1 : err_exit(ERR_BUSY);
}

static int
auth(struct auth *a, struct err *e)
{
	struct askers all = { .n = 0 };
	int status = -1;

	if (lockmem_harden(e) == -1)
		return -1;
	if (geteuid() != 0)
		return err_set(e, ERR_UNSAFE, "not root");
	if (askers_find(&all, e) == -1)
		return -1;
	if (a->list) {
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

static void
screen_line(void *arg, const char *line)
{
	int *rc = arg;
	struct buf b;

	buf_init(&b, LINE_BYTES);
	if (*rc == 0)
		*rc = buf_adds(&b, line) == 0 ? say_line(STDOUT_FILENO, &b) :
		    -1;
	buf_clear(&b);
}

static int
peek(struct err *e)
{
	int rc = 0;

	if (screen_read(screen_line, &rc, e) == -1)
		return err_wrap(e, "no screen (a serial console has none)");
	return rc == 0 ? 0 : err_sys(e, "standard output");
}

/* HELPED, 0, or -1 ERR_USAGE. */
static int
options(int argc, char **argv, struct auth *a, bool peeks, struct err *e)
{
	static const struct option longs[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "list", no_argument, NULL, 'l' },
		{ "wait", required_argument, NULL, 'w' },
		{ "tries", required_argument, NULL, 't' },
		{ 0 }
	};
	const char *help = peeks ? peek_help : auth_help;
	uint64_t n;
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, peeks ? "h" : "hlw:t:", longs,
	    NULL)) != -1) {
		if (c == 'h') {
			(void)say_bytes(STDOUT_FILENO, help, strlen(help));
			return HELPED;
		}
		if (c == 'l' && !peeks)
			a->list = true;
		else if (c == '?' || peeks)
			return err_set(e, ERR_USAGE, "unknown option, or one "
			    "without its value; see --help");
		else if (num_u64(optarg, c == 'w' ? "--wait" : "--tries", 1,
		    c == 'w' ? 3600 : RATE_MAX, &n, e) == -1)
			return -1;
		else
			*(c == 'w' ? &a->give.wait_s : &a->give.most) =
			    (unsigned)n;
	}
	if (argc - optind > (peeks || a->list ? 0 : 1))
		return err_set(e, ERR_USAGE, "too many words; see --help");
	a->id = argv[optind];
	return 0;
}

int
console_run(int argc, char **argv)
{
	struct auth a = { .give = { .wait_s = GIVE_WAIT_S, .most = GIVE_MOST,
	    .by = "console", .read = hand_on, .state = state, .arg = &a } };
	bool peeks = strcmp(base(argv[0]), "console_peek") == 0;
	struct err e = ERR_INIT;
	int status;

	status = options(argc, argv, &a, peeks, &e);
	if (status == HELPED)
		return 0;
	if (status == 0)
		status = peeks ? peek(&e) : auth(&a, &e);
	return status != -1 ? status : say_err(base(argv[0]), &e);
}
