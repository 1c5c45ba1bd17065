/* SPDX-License-Identifier: ISC */
#include <arpa/inet.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "failmalloc.h"
#include "proc/listen.h"
#include "proc/nettcp.h"

static const char row[] =
    "   3: 0100007F:A3F2 0101007F:7891 01 00000000:00000000 00:00000000 "
    "00000000  1000        0 123456 1 0000000000000000 20 4 30 10 -1\n";

static void
a_row_of_proc_net_tcp_is_read(void **state)
{
	struct nettcp t;

	assert_int_equal(nettcp_parse(row, &t), 0);
	assert_string_equal(inet_ntoa(t.local_addr), "127.0.0.1");
	assert_string_equal(inet_ntoa(t.remote_addr), "127.0.1.1");
	assert_int_equal(t.local_port, 0xa3f2);
	assert_int_equal(t.remote_port, 0x7891);
	assert_int_equal(t.state, 1);
	assert_int_equal(t.uid, 1000);
	assert_int_equal(t.inode, 123456);
}

static void
what_is_no_row_is_refused(void **state)
{
	static const char *const bad[] = { "", " ", "  sl  local_address "
	    "rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  "
	    "timeout inode", "3:", "   3: 0100007F:A3F2",
	    "   3: 0100007F:A3F2F 0101007F:7891 01 0:0 00:0 0 1000 0 1",
	    "   3: 0100007FA:A3F2 0101007F:7891 01 0:0 00:0 0 1000 0 1",
	    "   3: 0100007F:A3F2 0101007F:7891 01 0:0 00:0 0 9999999999 0 1",
	    "   3: 0100007F:A3F2 0101007F:7891 01 0:0 00:0 0 -1 0 1",
	    "   3: 0100007F:A3F2 0101007F:7891 01 0:0 00:0 0 1000 0 1x" };
	struct nettcp t;
	char part[sizeof(row)];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(nettcp_parse(bad[i], &t), -1);
	/* Every beginning that ends before the inode. */
	for (i = 0; i <= (size_t)(strstr(row, "123456") - row); i++) {
		memcpy(part, row, i);
		part[i] = '\0';
		assert_int_equal(nettcp_parse(part, &t), -1);
	}
}

struct got {
	struct loop *loop;
	struct listen *s;
	int fd;
};

static void
on_fd(void *arg, int fd)
{
	struct got *g = arg;

	g->fd = fd;
	listen_free(g->s);
	g->s = NULL;
}

static int
dial(uint16_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

static void
a_connection_is_handed_over_and_its_owner_known(void **state)
{
	struct err e = ERR_INIT;
	struct got g = { .fd = -1 };
	uid_t uid = 12345;
	int fd;

	g.loop = loop_new(&e);
	g.s = listen_tcp(g.loop, "127.0.0.1", 0, on_fd, &g, &e);
	assert_non_null(g.s);
	fd = dial(listen_port(g.s));
	assert_true(fd >= 0);
	assert_int_equal(loop_run(g.loop, &e), 0);
	assert_true(g.fd >= 0);
	assert_int_equal(fcntl(g.fd, F_GETFD), FD_CLOEXEC);
	assert_true((fcntl(g.fd, F_GETFL) & O_NONBLOCK) != 0);
	assert_int_equal(listen_peer_uid(g.fd, &uid, &e), 0);
	assert_int_equal(uid, getuid());
	/* Closed at the other end: listed as root's, so not believed. */
	close(fd);
	uid = 12345;
	assert_int_equal(listen_peer_uid(g.fd, &uid, &e), -1);
	assert_int_equal(e.code, ERR_PEER);
	assert_int_equal(uid, 12345);
	close(g.fd);
	loop_free(g.loop);
}

static void
another_users_connection_is_told_apart(void **state)
{
	struct err e = ERR_INIT;
	struct got g = { .fd = -1 };
	uid_t uid = 12345;
	pid_t pid;
	int p[2];
	char c;

	if (getuid() != 0) {
		if (getenv("CI") != NULL)
			fail_msg("needs root");
		skip();
	}
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	g.loop = loop_new(&e);
	g.s = listen_tcp(g.loop, "127.0.0.1", 0, on_fd, &g, &e);
	pid = fork();
	if (pid == 0) {
		close(p[1]);
		_exit(setuid(65534) == -1 || dial(listen_port(g.s)) == -1 ||
		    read(p[0], &c, 1) != 0);
	}
	close(p[0]);
	assert_int_equal(loop_run(g.loop, &e), 0);
	assert_int_equal(listen_peer_uid(g.fd, &uid, &e), 0);
	assert_int_equal(uid, 65534);
	close(p[1]);
	close(g.fd);
	loop_free(g.loop);
}

static void
only_loopback_is_listened_on(void **state)
{
	struct err e = ERR_INIT;
	struct loop *l = loop_new(&e);

	assert_null(listen_tcp(l, "0.0.0.0", 0, on_fd, NULL, &e));
	assert_int_equal(e.code, ERR_UNSAFE);
	assert_null(listen_tcp(l, "10.0.0.1", 0, on_fd, NULL, &e));
	assert_null(listen_tcp(l, "localhost", 0, on_fd, NULL, &e));
	listen_free(NULL);
	loop_free(l);
}

static void
a_unix_socket_is_private_and_removed_in_the_end(void **state)
{
	struct err e = ERR_INIT;
	struct got g = { .fd = -1 };
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char dir[] = "/tmp/listen-test-XXXXXX";
	struct stat st;
	mode_t old = umask(0);
	int fd;

	assert_non_null(mkdtemp(dir));
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/s", dir);
	g.loop = loop_new(&e);
	g.s = listen_unix(g.loop, sun.sun_path, on_fd, &g, &e);
	assert_non_null(g.s);
	umask(old);
	assert_int_equal(lstat(sun.sun_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_null(listen_unix(g.loop, sun.sun_path, on_fd, &g, &e));
	assert_int_equal(e.code, ERR_SYS);
	assert_int_equal(lstat(sun.sun_path, &st), 0);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(loop_run(g.loop, &e), 0);
	assert_true(g.fd >= 0);
	assert_int_equal(listen_peer_uid(g.fd, &(uid_t){ 0 }, &e), -1);
	assert_int_equal(lstat(sun.sun_path, &st), -1);
	assert_int_equal(rmdir(dir), 0);
	close(fd);
	close(g.fd);
	loop_free(g.loop);
}

static void
a_start_that_fails_leaves_no_socket_behind(void **state)
{
	char dir[] = "/tmp/listen-test-XXXXXX", path[64];
	struct err e = ERR_INIT;
	struct got g = { .fd = -1 };
	struct listen *s;
	struct stat st;
	unsigned long n;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	g.loop = loop_new(&e);
	for (n = 1;; n++) {
		failmalloc_arm(n);
		s = listen_unix(g.loop, path, on_fd, &g, &e);
		if (!failmalloc_disarm())
			break;
		assert_null(s);
		assert_int_equal(lstat(path, &st), -1);
	}
	assert_true(n > 1);
	assert_non_null(s);
	listen_free(s);
	assert_int_equal(rmdir(dir), 0);
	loop_free(g.loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_row_of_proc_net_tcp_is_read),
		cmocka_unit_test(what_is_no_row_is_refused),
		cmocka_unit_test(a_connection_is_handed_over_and_its_owner_known),
		cmocka_unit_test(another_users_connection_is_told_apart),
		cmocka_unit_test(only_loopback_is_listened_on),
		cmocka_unit_test(a_unix_socket_is_private_and_removed_in_the_end),
		cmocka_unit_test(a_start_that_fails_leaves_no_socket_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
