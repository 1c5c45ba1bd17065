/* SPDX-License-Identifier: ISC */
/*
 * boot_root: the init of the real root that a test boots: it says on the
 * console what is there, in lines "root: …", and switches the machine off.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <unistd.h>

static void
show(const char *what, const char *path)
{
	char line[512];
	FILE *f = fopen(path, "r");

	printf("root: %s:\n", what);
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		printf("root: | %s", line);
	if (f != NULL)
		fclose(f);
}

static void
processes(void)
{
	char path[64], exe[256];
	struct dirent *de;
	DIR *d = opendir("/proc");
	ssize_t n;

	while (d != NULL && (de = readdir(d)) != NULL) {
		snprintf(path, sizeof(path), "/proc/%.20s/exe", de->d_name);
		n = readlink(path, exe, sizeof(exe) - 1);
		if (de->d_name[0] < '0' || de->d_name[0] > '9' || n <= 0)
			continue;
		exe[n] = '\0';
		printf("root: process %s %s\n", de->d_name, exe);
	}
}

int
main(void)
{
	int fd = open("/dev/console", O_RDWR);

	if (fd != -1) {
		dup2(fd, 1);
		dup2(fd, 2);
	}
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("\nroot: is up\n");
	show("log", "/run/postern-boot/log");
	show("tcp", "/proc/net/tcp");
	show("tcp6", "/proc/net/tcp6");
	show("routes", "/proc/net/route");
	show("addresses", "/proc/net/fib_trie");
	processes();
	printf("root: end\n");
	fflush(stdout);
	sleep(1);
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}
