/* SPDX-License-Identifier: ISC */
#include "deliver.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "askargv.h"
#include "execute.h"
#include "lukshdr.h"
#include "proc/child.h"
#include "slurp.h"

#define RUN_MS		120000u	/* a KDF on a small machine, emulated */
#define PARAMETERS	1	/* cryptsetup: wrong ones, an unknown option */
#define WRONG		2	/* no permission */
#define UNTESTED	1	/* deliver_test() */

static const char *
program(void)
{
	static const char *const at[] = { "/usr/sbin/cryptsetup",
	    "/sbin/cryptsetup" };

	return access(at[0], X_OK) == 0 ? at[0] : at[1];
}

/* Whether the disk has tokens; it may have where that can't be read. */
static bool
has_tokens(const char *device)
{
	char uuid[LUKSHDR_UUID];
	const unsigned char *p;
	struct buf b;
	bool has;

	buf_init(&b, LUKSHDR_ALL);
	has = slurp_read(device, &b, NULL) == -1;
	p = (const unsigned char *)b.data;
	if (!has)
		has = lukshdr_parse(p, b.len, uuid, NULL) == -1 ||
		    lukshdr_tokens(p, b.len);
	buf_clear(&b);
	return has;
}

/*
 * Runs the image's cryptsetup with argv, the second of which is
 * ASKARGV_NO_TOKEN; without that where it doesn't know the word, but then
 * not to ask device (or NULL) if that may answer by a token: UNTESTED.
 */
static int
run_cryptsetup(char **argv, const char *device, const struct lockmem *pass,
    int *ret_status, struct err *e)
{
	char *word;

	if (execute_run(program(), argv, pass, RUN_MS, ret_status, e) == -1)
		return -1;
	if (!WIFEXITED(*ret_status) || WEXITSTATUS(*ret_status) != PARAMETERS)
		return 0;
	if (device != NULL && has_tokens(device))
		return UNTESTED;
	word = argv[0];
	argv[0] = argv[1];
	argv[1] = word;
	return execute_run(program(), argv + 1, pass, RUN_MS, ret_status, e);
}

int
deliver_test(const struct asker *a, const struct lockmem *pass, struct err *e)
{
	char *argv[] = { "cryptsetup", ASKARGV_NO_TOKEN, "open",
	    "--test-passphrase", "--key-file=-", "--tries=1", "--",
	    (char *)a->prompt.device, NULL };
	char why[64];
	int status, rc;

	rc = run_cryptsetup(argv, a->prompt.device, pass, &status, e);
	if (rc != 0)
		return rc;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == WRONG)
		return err_set(e, ERR_REFUSED, "the passphrase doesn't open "
		    "this disk");
	child_why(status, why, sizeof(why));
	return err_set(e, ERR_PEER, "cryptsetup --test-passphrase: %s", why);
}

static int
gone(struct err *e)
{
	return err_set(e, ERR_BUSY, "nobody waits for it any more");
}

static int
to_socket(const struct asker *a, const struct lockmem *pass, struct err *e)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct iovec v[2] = { { .iov_base = "+", .iov_len = 1 },
	    { .iov_base = pass->data, .iov_len = pass->len } };
	struct msghdr m = { .msg_name = &to, .msg_namelen = sizeof(to),
	    .msg_iov = v, .msg_iovlen = 2 };
	ssize_t n;
	int fd, rc = 0;

	memcpy(to.sun_path, a->socket, sizeof(to.sun_path));
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return err_sys(e, "socket");
	n = sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n == -1 && (errno == ENOENT || errno == ECONNREFUSED))
		rc = gone(e);
	else if (n == -1)
		rc = err_sys(e, "%s", a->socket);
	close(fd);
	return rc;
}

/* One FIFO for all that ask, one after another: it is a's as long as a lives. */
static int
to_fifo(const struct asker *a, const struct lockmem *pass, struct err *e)
{
	struct stat st;
	int fd, rc = 0;

	fd = open(ASKER_FIFO, O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return errno == ENXIO || errno == ENOENT ? gone(e) :
		    err_sys(e, ASKER_FIFO);
	if (fstat(fd, &st) == -1 || !S_ISFIFO(st.st_mode) ||
	    st.st_uid != 0 || (st.st_mode & 077) != 0)
		rc = err_set(e, ERR_UNSAFE, ASKER_FIFO ": not root's FIFO, or "
		    "open to others");
	else if (!asker_alive(a))
		rc = gone(e);
	else if (write(fd, pass->data, pass->len) != (ssize_t)pass->len)
		rc = errno == EPIPE ? gone(e) : err_sys(e, ASKER_FIFO);
	close(fd);
	return rc;
}

/* Ends who waits, and no later process of that number. */
static void
end_asker(const struct asker *a)
{
	int fd = pidfd_open(a->pid, 0);

	if (asker_alive(a) && fd != -1)
		(void)pidfd_send_signal(fd, SIGTERM, NULL, 0);
	else if (asker_alive(a))
		kill(a->pid, SIGTERM);
	if (fd != -1)
		close(fd);
}

/* Opens the disk as the waiting one would, with its options, and has that one
 * end: what started it goes on. Where none waits any more the boot looks for
 * the open disk by itself. */
static int
beside(const struct asker *a, const struct lockmem *pass, struct err *e)
{
	bool waits = a->kind == ASKER_CRYPTSETUP;
	struct strv argv = { .n = 0 };
	int status, rc = -1;
	char why[64];

	if (waits && !asker_alive(a))
		return gone(e);
	if (askargv_rerun(&a->argv, &argv) == -1) {
		err_set(e, ERR_MEM, "out of memory");
		goto out;
	}
	if (run_cryptsetup(argv.v, NULL, pass, &status, e) == -1)
		goto out;
	/* It fails as well where the console was faster. */
	if ((!WIFEXITED(status) || WEXITSTATUS(status) != 0) &&
	    (a->prompt.uuid[0] == '\0' || !asker_is_open(a->prompt.uuid))) {
		child_why(status, why, sizeof(why));
		err_set(e, ERR_PEER, "cryptsetup could not open it: %s", why);
		goto out;
	}
	rc = 0;
	if (waits)
		end_asker(a);
out:
	strv_clear(&argv);
	return rc;
}

int
deliver(const struct asker *a, const struct lockmem *pass, struct err *e)
{
	switch (a->kind) {
	case ASKER_SYSTEMD:
		return to_socket(a, pass, e);
	case ASKER_ASKPASS:
		return to_fifo(a, pass, e);
	case ASKER_CRYPTSETUP:
	case ASKER_EXHAUSTED:
		break;
	case ASKER_UNIT:
	case ASKER_TAB:
		/* It asks again first: exhaust_ask(). */
		return gone(e);
	}
	return beside(a, pass, e);
}
