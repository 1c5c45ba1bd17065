/* SPDX-License-Identifier: ISC */
#include "console.h"

#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "auth.h"
#include "base/num.h"
#include "give.h"
#include "rate.h"
#include "say.h"
#include "screen.h"

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
options(int argc, char **argv, struct auth_opts *a, bool peeks,
    struct err *e)
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
			*(c == 'w' ? &a->wait_s : &a->most) = (unsigned)n;
	}
	if (argc - optind > (peeks || a->list ? 0 : 1))
		return err_set(e, ERR_USAGE, "too many words; see --help");
	a->id = argv[optind];
	return 0;
}

int
console_run(int argc, char **argv)
{
	struct auth_opts a = { .wait_s = GIVE_WAIT_S, .most = GIVE_MOST };
	bool peeks = strcmp(base(argv[0]), "console_peek") == 0;
	struct err e = ERR_INIT;
	int status;

	status = options(argc, argv, &a, peeks, &e);
	if (status == HELPED)
		return 0;
	if (status == 0)
		status = peeks ? peek(&e) : auth_run(&a, &e);
	return status != -1 ? status : say_err(base(argv[0]), &e);
}
