/* SPDX-License-Identifier: ISC */
#include "../unit.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gitjail.h"
#include "jail/sandbox.h"

/* Folders of a gateway: keys, run, log, and one of somebody else's. */
static char top[] = "/tmp/postern-test-XXXXXX";
static const char *const folders[] = { "keys", "run", "log", "other" };

static const char *
path(const char *name)
{
	static char v[2][200];
	static int i;

	i = 1 - i;
	snprintf(v[i], sizeof(v[i]), "%s/%s", top, name);
	return v[i];
}

static int
make_tree(void **state)
{
	char name[80];
	size_t i;
	int fd;

	if (mkdtemp(top) == NULL)
		return -1;
	for (i = 0; i < 4; i++) {
		if (mkdir(path(folders[i]), 0700) == -1)
			return -1;
		snprintf(name, sizeof(name), "%s/file", folders[i]);
		fd = open(path(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		if (fd == -1)
			return -1;
		close(fd);
	}
	return 0;
}

static int
remove_tree(void **state)
{
	char name[80];
	size_t i;

	for (i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "%s/file", folders[i]);
		unlink(path(name));
		snprintf(name, sizeof(name), "%s/new", folders[i]);
		unlink(path(name));
		rmdir(path(folders[i]));
	}
	return rmdir(top);
}

/* A port of TCP: whether we may have it. */
static bool
may_bind(uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons(port), .sin_addr.s_addr =
		    htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool may = fd != -1 && (bind(fd, (struct sockaddr *)&a, sizeof(a)) ==
	    0 || errno == EADDRINUSE);

	if (fd != -1)
		close(fd);
	return may;
}

/* What a process may do, a letter each: read, and write (w) or but make files
 * (a), in the four folders, TCP, a port of its choice, any port, a memfd. */
static void
look(char out[32])
{
	char name[80];
	size_t i, n = 0;
	int fd;

	for (i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "%s/file", folders[i]);
		fd = open(path(name), O_RDONLY | O_CLOEXEC);
		out[n++] = fd != -1 ? 'r' : '-';
		snprintf(name, sizeof(name), "%s/new", folders[i]);
		fd = open(path(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		out[n++] = fd == -1 ? '-' : unlink(path(name)) == 0 ? 'w' :
		    'a';
	}
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	out[n++] = fd != -1 ? 't' : '-';
	out[n++] = may_bind(4711) ? 'p' : '-';
	out[n++] = may_bind(0) ? 'l' : '-';
	fd = memfd_create("x", MFD_CLOEXEC);
	out[n++] = fd != -1 ? 'm' : '-';
	fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
	out[n++] = fd != -1 ? 'e' : '-';
	out[n++] = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 'n' : '-';
	out[n] = '\0';
}

static void
is(enum gitjail kind, const char *want)
{
	char said[32] = "", keys[200], run[200], log[200];
	struct err e = ERR_INIT;
	struct gitconf c = { 0 };
	int p[2], status;
	pid_t pid;

	snprintf(keys, sizeof(keys), "%s/keys", top);
	snprintf(run, sizeof(run), "%s/run", top);
	snprintf(log, sizeof(log), "%s/log/file", top);
	assert_int_equal(gitconf_init(&c, &e), 0);
	free(c.gateway.keys_dir);
	free(c.gateway.run_dir);
	c.gateway.keys_dir = strdup(keys);
	c.gateway.run_dir = strdup(run);
	c.gateway.side.audit_file = strdup(log);
	c.server.side.audit_file = strdup(log);
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		if (gitjail_enter(kind, &c, &e) == -1)
			_exit(1);
		look(said);
		_exit(write(p[1], said, sizeof(said)) == sizeof(said) ? 0 : 1);
	}
	close(p[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(read(p[0], said, sizeof(said)), sizeof(said));
	close(p[0]);
	gitconf_clear(&c);
	assert_string_equal(said, want);
}

/* keys, run, log, other; TCP, a port, any port, memfd, /etc, no_new_privs */
static void
each_program_can_do_what_it_is_for(void **state)
{
	is(GITJAIL_SESSION, "r-rwra--t-lmen");
	is(GITJAIL_UPDATE, "rwrwra-----men");
	is(GITJAIL_SERVE, "----ra------en");
}

static void
what_is_not_enforced_is_told(void **state)
{
	char text[512];
	bool lacks = gitjail_lacks(text, sizeof(text));

	assert_non_null(strstr(text, sandbox_abi() > 0 ? "the kernel confines "
	    "files and folders" : "there is no Landlock"));
	assert_int_equal(lacks, sandbox_abi() < 6);
	/* Never more than there is room for. */
	(void)gitjail_lacks(text, 5);
	assert_int_equal(strlen(text), 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_program_can_do_what_it_is_for),
		cmocka_unit_test(what_is_not_enforced_is_told),
	};

	return cmocka_run_group_tests_name("gitjail", tests, make_tree,
	    remove_tree);
}
