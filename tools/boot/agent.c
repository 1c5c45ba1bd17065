/* SPDX-License-Identifier: ISC */
/*
 * postern-boot-agent [-w SECONDS] [-t TRIES]: a forced command of sshd's or
 * dropbear's in an initramfs. Static, libc only.
 *
 *	restrict,command="/usr/bin/postern-boot-agent" ssh-ed25519 AAAA… me
 *
 * It does what bootline.h lists, by SSH_ORIGINAL_COMMAND, and nothing else: no
 * shell, no terminal, no path or option that a client could give.
 */
#include "agent.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

#include "asker.h"
#include "base/esc.h"
#include "base/num.h"
#include "slurp.h"
#include "sys/lockmem.h"
#include "rate.h"
#include "vcsa.h"

#define SCREEN "/dev/vcsa"

static const char usage[] =
    "usage: postern-boot-agent [-w SECONDS] [-t TRIES]\n";

static void
put(int fd, const char *p, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(fd, p, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		p += n;
		len -= (size_t)n;
	}
}

void
agent_say(const struct bootline *l)
{
	struct buf b;

	buf_init(&b, BOOTLINE_MAX);
	if (bootline_emit(l, &b) == 0)
		put(STDOUT_FILENO, b.data, b.len);
	buf_clear(&b);
}

void
agent_state(const char *word)
{
	struct bootline l = { .kind = BOOTLINE_STATE };

	snprintf(l.word, sizeof(l.word), "%s", word);
	agent_say(&l);
}

void
agent_verdict(const char *word, const char *why)
{
	struct bootline l = { .kind = BOOTLINE_VERDICT };

	snprintf(l.word, sizeof(l.word), "%s", word);
	snprintf(l.text, sizeof(l.text), "%s", why);
	agent_say(&l);
}

static int
list(struct err *e)
{
	struct bootline l = { .kind = BOOTLINE_PROMPT };
	struct askers all;
	size_t i;

	if (askers_find(&all, e) == -1)
		return -1;
	for (i = 0; i < all.n; i++) {
		if (askers_get(&all, all.v[i].prompt.id) != &all.v[i])
			continue;
		l.prompt = all.v[i].prompt;
		agent_say(&l);
	}
	askers_clear(&all);
	return 0;
}

static void
screen_line(void *arg, const char *line)
{
	struct bootline l = { .kind = BOOTLINE_SCREEN };

	(void)arg;
	snprintf(l.text, sizeof(l.text), "%s", line);
	agent_say(&l);
}

static int
peek(struct err *e)
{
	struct buf b;
	int rc;

	buf_init(&b, VCSA_BYTES);
	rc = slurp_read(SCREEN, &b, e);
	if (rc == 0)
		rc = vcsa_parse((const unsigned char *)b.data, b.len,
		    screen_line, NULL, e);
	buf_clear(&b);
	return rc;
}

/* The command that the client asked for; sshd runs us instead of it. */
static int
wanted(struct bootcmd *ret, struct err *e)
{
	const char *asked = getenv("SSH_ORIGINAL_COMMAND");

	if (isatty(STDIN_FILENO) || isatty(STDOUT_FILENO))
		return err_set(e, ERR_REFUSED, "no terminal here");
	return bootcmd_parse(asked != NULL ? asked : "", ret, e);
}

static int
run(const struct agent_opts *o, struct err *e)
{
	const struct bootline hello = { .kind = BOOTLINE_HELLO };
	const struct bootline end = { .kind = BOOTLINE_END };
	struct bootcmd c;
	int status = 0;

	if (lockmem_harden(e) == -1 || wanted(&c, e) == -1)
		return -1;
	if (geteuid() != 0)
		return err_set(e, ERR_UNSAFE, "not root");
	agent_say(&hello);
	if (c.verb == BOOTCMD_UNLOCK)
		status = agent_unlock(o, c.id);
	else if ((c.verb == BOOTCMD_LIST ? list(e) : peek(e)) == -1)
		return -1;
	agent_say(&end);
	return status;
}

static int
options(int argc, char **argv, struct agent_opts *o, struct err *e)
{
	uint64_t n;
	int c;

	opterr = 0;
	while ((c = getopt(argc, argv, "w:t:")) != -1) {
		if ((c != 'w' && c != 't') || num_u64(optarg, c == 'w' ? "-w" :
		    "-t", 1, c == 'w' ? 3600 : RATE_MAX, &n, e) == -1)
			return -1;
		*(c == 'w' ? &o->wait_s : &o->most) = (unsigned)n;
	}
	return optind == argc ? 0 : -1;
}

int
main(int argc, char **argv)
{
	struct agent_opts o = { .wait_s = 30, .most = 10 };
	struct err e = ERR_INIT;
	struct buf b;
	int status;

	signal(SIGPIPE, SIG_IGN);
	if (options(argc, argv, &o, &e) == -1) {
		put(STDERR_FILENO, usage, sizeof(usage) - 1);
		return err_exit(ERR_USAGE);
	}
	status = run(&o, &e);
	if (status != -1)
		return status;
	buf_init(&b, 4 * ERR_MSG_MAX + 32);
	if (buf_adds(&b, "postern-boot-agent: ") == 0 &&
	    esc_text(&b, e.msg, strlen(e.msg)) == 0 && buf_addc(&b, '\n') == 0)
		put(STDERR_FILENO, b.data, b.len);
	buf_clear(&b);
	return err_exit(e.code);
}
