/* SPDX-License-Identifier: ISC */
/*
 * spawner WIDTH KEYFILE HOSTFILE PROGRAM [ARG…]: the least that a fan-out
 * can be, to measure others by. Runs PROGRAM ARG… HOST COMMAND for each line
 * of HOSTFILE, at most WIDTH at once, writes the key to its stdin, reads its
 * stdout and stderr to their end, waits for it. No deadlines, no lines, no
 * signals, no reasons: it only counts failures.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WIDTH_MAX 1024

struct slot {
	pid_t pid;
	int open;		/* of its two outputs */
};

static struct slot slots[WIDTH_MAX];
static struct pollfd fds[2 * WIDTH_MAX];	/* two a slot; -1: closed */
static char key[4096];
static size_t key_len;
static char **words;		/* PROGRAM ARG… HOST COMMAND NULL */
static size_t host_at;

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static void
start(size_t i, char *host)
{
	posix_spawn_file_actions_t fa;
	int in[2], out[2], err[2], rc;

	if (pipe2(in, O_CLOEXEC) == -1 || pipe2(out, O_CLOEXEC) == -1 ||
	    pipe2(err, O_CLOEXEC) == -1)
		die("pipe");
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, in[0], 0);
	posix_spawn_file_actions_adddup2(&fa, out[1], 1);
	posix_spawn_file_actions_adddup2(&fa, err[1], 2);
	words[host_at] = host;
	rc = posix_spawnp(&slots[i].pid, words[0], &fa, NULL, words, environ);
	posix_spawn_file_actions_destroy(&fa);
	if (rc != 0) {
		errno = rc;
		die(words[0]);
	}
	close(in[0]);
	close(out[1]);
	close(err[1]);
	/* It fits into the pipe: this never waits. */
	if (write(in[1], key, key_len) != (ssize_t)key_len)
		perror("write");
	close(in[1]);
	fds[2 * i] = (struct pollfd){ .fd = out[0], .events = POLLIN };
	fds[2 * i + 1] = (struct pollfd){ .fd = err[0], .events = POLLIN };
	slots[i].open = 2;
}

/* One read; whether slot i is through with both of its outputs. */
static int
take(size_t f)
{
	static char chunk[16384];

	if (read(fds[f].fd, chunk, sizeof(chunk)) > 0)
		return 0;
	close(fds[f].fd);
	fds[f].fd = -1;
	return --slots[f / 2].open == 0;
}

static void
read_key(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd != -1 ? read(fd, key, sizeof(key)) : -1;

	if (n == -1)
		die(path);
	key_len = (size_t)n;
	close(fd);
}

int
main(int argc, char **argv)
{
	static char command[] = "cat >/dev/null";
	size_t width, i, f, busy = 0, failed = 0, cap = 0;
	char *host = NULL;
	ssize_t n = 0;
	int status;
	FILE *hosts;

	if (argc < 5)
		return 64;
	width = strtoul(argv[1], NULL, 10);
	if (width < 1 || width > WIDTH_MAX)
		return 64;
	read_key(argv[2]);
	hosts = fopen(argv[3], "re");
	words = calloc((size_t)argc, sizeof(char *));
	if (hosts == NULL || words == NULL)
		die(argv[3]);
	host_at = (size_t)argc - 4;
	memcpy(words, argv + 4, host_at * sizeof(char *));
	words[host_at + 1] = command;
	signal(SIGPIPE, SIG_IGN);
	for (f = 0; f < 2 * width; f++)
		fds[f].fd = -1;
	do {
		for (i = 0; i < width && n != -1; i++) {
			if (slots[i].open > 0 ||
			    (n = getline(&host, &cap, hosts)) == -1)
				continue;
			host[strcspn(host, "\n")] = '\0';
			start(i, host);
			busy++;
		}
		if (busy > 0 && poll(fds, 2 * width, -1) == -1)
			die("poll");
		for (f = 0; busy > 0 && f < 2 * width; f++) {
			if (fds[f].fd == -1 || fds[f].revents == 0 || !take(f))
				continue;
			if (waitpid(slots[f / 2].pid, &status, 0) == -1)
				die("waitpid");
			failed += status != 0;
			busy--;
		}
	} while (busy > 0 || n != -1);
	free(host);
	fclose(hosts);
	free(words);
	return failed > 0;
}
