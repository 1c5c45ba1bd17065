/* SPDX-License-Identifier: ISC */
#include "key.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/num.h"
#include "sys/tty.h"

#define LEAVE_MS 10000		/* for a command that has said its key */
#define KEY_MIN 32
#define KEY_MAX 1024
#define KEY_RANDOM 43		/* 43 x 6 bits: 258 */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "abcdefghijklmnopqrstuvwxyz0123456789._";

struct key_source {
	struct secret *fixed;		/* NULL: random */
};

int
key_check(const unsigned char *data, size_t len, const char *what,
    struct err *e)
{
	size_t i;

	if (len < KEY_MIN)
		return err_set(e, ERR_CONFIG, "%s: a key of %zu characters; "
		    "csync2 wants at least %d", what, len, KEY_MIN);
	for (i = 0; i < len; i++)
		if (data[i] == '\0' || strchr(alphabet, data[i]) == NULL)
			return err_set(e, ERR_CONFIG, "%s: character %zu of "
			    "the key is none of A-Z a-z 0-9 . _", what,
			    i + 1);
	return 0;
}

/* Only the first line counts, as in csync2. */
static void
first_line(struct secret *s)
{
	const unsigned char *nl;

	nl = memchr(secret_data(s), '\n', secret_len(s));
	if (nl != NULL)
		secret_cut(s, (size_t)(nl - secret_data(s)));
}

static struct secret *
from_file(const char *path, unsigned timeout_ms, struct err *e)
{
	struct secret *s;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd == -1) {
		err_sys(e, "--key file:%s", path);
		return NULL;
	}
	s = secret_read(fd, KEY_MAX, timeout_ms, path, e);
	close(fd);
	return s;
}

static struct secret *
from_fd(const char *number, unsigned timeout_ms, struct err *e)
{
	uint64_t fd;

	if (num_u64(number, "--key fd:", 0, 65535, &fd, e) == -1)
		return NULL;
	return secret_read((int)fd, KEY_MAX, timeout_ms, "--key fd", e);
}

/* Reaps the command; ends it when it has not said its key in time, or said
 * it and does not go. It stays in our process group, since it may have to
 * ask on the terminal. */
static int
reap(pid_t pid, bool said)
{
	struct pollfd p = { .fd = pidfd_open(pid, 0), .events = POLLIN };
	int status;

	if (!said || p.fd == -1 || poll(&p, 1, LEAVE_MS) != 1)
		kill(pid, SIGKILL);
	if (p.fd != -1)
		close(p.fd);
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return -1;
	return status;
}

static struct secret *
from_command(const char *command, unsigned timeout_ms, struct err *e)
{
	struct secret *s;
	int p[2], status;
	pid_t pid;

	if (pipe2(p, O_CLOEXEC) == -1) {
		err_sys(e, "pipe");
		return NULL;
	}
	pid = fork();
	if (pid == -1) {
		err_sys(e, "fork");
		close(p[0]);
		close(p[1]);
		return NULL;
	}
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (dup2(p[1], 1) == 1)
			execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	close(p[1]);
	s = secret_read(p[0], KEY_MAX, timeout_ms, "--key cmd", e);
	close(p[0]);
	status = reap(pid, s != NULL);
	if (s != NULL && status != 0) {
		secret_free(s);
		err_set(e, ERR_CONFIG, "--key cmd: '%s' failed (status %d)",
		    command, WIFEXITED(status) ? WEXITSTATUS(status) :
		    128 + WTERMSIG(status));
		return NULL;
	}
	return s;
}

static struct secret *
from_tty(unsigned timeout_ms, struct err *e)
{
	struct secret *s;
	size_t len;

	s = secret_new(KEY_MAX, e);
	if (s == NULL)
		return NULL;
	if (tty_ask("csync2 key: ", secret_data_mut(s), KEY_MAX, timeout_ms,
	    &len, e) == -1) {
		secret_free(s);
		return NULL;
	}
	secret_cut(s, len);
	return s;
}

/* The bytes of any source but "random". */
static struct secret *
fetch(const char *spec, unsigned timeout_ms, struct err *e)
{
	if (strncmp(spec, "file:", 5) == 0)
		return from_file(spec + 5, timeout_ms, e);
	if (strncmp(spec, "fd:", 3) == 0)
		return from_fd(spec + 3, timeout_ms, e);
	if (strncmp(spec, "cmd:", 4) == 0)
		return from_command(spec + 4, timeout_ms, e);
	if (strcmp(spec, "tty") == 0)
		return from_tty(timeout_ms, e);
	err_set(e, ERR_USAGE, "--key '%s' is none of random, file:PATH, "
	    "fd:N, cmd:COMMAND, tty", spec);
	return NULL;
}

struct key_source *
key_open(const char *spec, unsigned timeout_ms, struct err *e)
{
	struct key_source *k;

	k = calloc(1, sizeof(*k));
	if (k == NULL) {
		err_set(e, ERR_MEM, "out of memory");
		return NULL;
	}
	if (strcmp(spec, "random") == 0)
		return k;
	k->fixed = fetch(spec, timeout_ms, e);
	if (k->fixed == NULL)
		goto fail;
	first_line(k->fixed);
	if (key_check(secret_data(k->fixed), secret_len(k->fixed), "--key",
	    e) == -1)
		goto fail;
	return k;
fail:
	key_close(k);
	return NULL;
}

void
key_close(struct key_source *k)
{
	if (k == NULL)
		return;
	secret_free(k->fixed);
	free(k);
}

struct secret *
key_random(struct err *e)
{
	return secret_random(KEY_RANDOM, alphabet, e);
}

struct secret *
key_fixed(const struct key_source *k)
{
	return k->fixed;
}

int
key_fix(struct key_source *k, struct err *e)
{
	if (k->fixed == NULL)
		k->fixed = key_random(e);
	return k->fixed != NULL ? 0 : -1;
}
