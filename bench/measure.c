/* SPDX-License-Identifier: ISC */
/*
 * measure [-m] OUT COMMAND…: runs COMMAND, and writes to OUT one line:
 *
 *	STATUS WALL_US CPU_US PEAK_KIB
 *
 * CPU: user and system time of COMMAND and of all that it waited for. PEAK:
 * the largest resident set of COMMAND's own process, without its children;
 * 0 without -m. For it the process is stopped once, when it is about to end
 * (ptrace(2)), so times are not to be taken from the same run.
 *
 * A small program of its own, since a process keeps the peak of the one that
 * it was forked from.
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static long
peak_kib(pid_t pid)
{
	char path[64], line[256];
	long kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "VmHWM:", 6) == 0)
			kib = strtol(line + 6, NULL, 10);
	if (f != NULL)
		fclose(f);
	return kib;
}

/* Lets a traced process go on until it has ended. */
static int
watch(pid_t pid, struct rusage *ru, long *peak)
{
	int status, sig;

	for (;;) {
		if (wait4(pid, &status, __WALL, ru) == -1)
			return -1;
		if (!WIFSTOPPED(status))
			return status;
		sig = WSTOPSIG(status);
		if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXIT << 8))
			*peak = peak_kib(pid);
		if (status >> 16 != 0)
			sig = 0;
		ptrace(PTRACE_CONT, pid, NULL, (void *)(intptr_t)sig);
	}
}

int
main(int argc, char **argv)
{
	int memory = argc > 1 && strcmp(argv[1], "-m") == 0, status, go[2];
	struct rusage ru;
	long peak = 0;
	int64_t begin;
	pid_t pid;
	FILE *out;
	char c;

	argv += memory;
	argc -= memory;
	if (argc < 3 || pipe(go) == -1)
		return 64;
	begin = now_us();
	pid = fork();
	if (pid == -1)
		return 1;
	if (pid == 0) {
		close(go[1]);
		/* Not before it is traced. */
		if (read(go[0], &c, 1) == -1)
			_exit(126);
		close(go[0]);
		execvp(argv[2], argv + 2);
		perror(argv[2]);
		_exit(127);
	}
	if (memory && ptrace(PTRACE_SEIZE, pid, NULL,
	    (void *)(intptr_t)PTRACE_O_TRACEEXIT) == -1)
		perror("ptrace");
	close(go[0]);
	close(go[1]);
	status = watch(pid, &ru, &peak);
	out = fopen(argv[1], "we");
	if (out == NULL)
		return 1;
	fprintf(out, "%d %lld %lld %ld\n", status,
	    (long long)(now_us() - begin),
	    (long long)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * 1000000 +
	    ru.ru_utime.tv_usec + ru.ru_stime.tv_usec, peak);
	fclose(out);
	return 0;
}
