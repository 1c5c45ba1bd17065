/* SPDX-License-Identifier: ISC */
/*
 * postern-git-keys FINGERPRINT [INDEX]: the gateway's AuthorizedKeysCommand.
 *
 *	AuthorizedKeysCommand /usr/local/libexec/postern/postern-git-keys %f
 *	AuthorizedKeysCommandUser git
 *
 * Prints the one line of the key with that fingerprint, or nothing. sshd asks
 * for each key that a client offers, so it reads a few pages of INDEX
 * (authindex.h) and no configuration: another INDEX stands in sshd_config,
 * which is root's. Before it reads that, it gives up all but its one line
 * (sandbox.h). What goes wrong lets nobody in: nothing is printed, the
 * status is 1, and why is written to syslog.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "authindex.h"
#include "jail/sandbox.h"

#define INDEX "/var/lib/postern/git/keys/current/index"

static int
map(const char *path, const void **ret, size_t *ret_len, struct err *e)
{
	struct stat st;
	void *p = MAP_FAILED;
	int fd, rc = 0;

	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK |
	    O_NOCTTY);
	if (fd == -1)
		return err_sys(e, "%s", path);
	if (fstat(fd, &st) == -1)
		rc = err_sys(e, "%s", path);
	else if (!S_ISREG(st.st_mode) || st.st_size == 0)
		rc = err_set(e, ERR_CONFIG, "%s: not a file, or empty", path);
	else if ((st.st_mode & 022) != 0 ||
	    (st.st_uid != 0 && st.st_uid != geteuid()))
		rc = err_set(e, ERR_UNSAFE, "%s: others may write to it",
		    path);
	else if ((p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE,
	    fd, 0)) == MAP_FAILED)
		rc = err_sys(e, "%s", path);
	close(fd);
	if (rc != 0)
		return -1;
	*ret = p;
	*ret_len = (size_t)st.st_size;
	return 0;
}

/* From here on a line may be written, and why not be said to syslog, whose
 * lines have the time of this place. */
static int
confine(struct err *e)
{
	struct sandbox *s = NULL;
	bool filter;
	int rc = -1;

	if (sandbox_abi() > 0) {
		s = sandbox_new(SANDBOX_UNIX, e);
		if (s == NULL || sandbox_allow(s, "/etc/localtime",
		    SANDBOX_READ | SANDBOX_OPTIONAL, e) == -1)
			goto out;
	}
	rc = sandbox_try(s, SANDBOX_UNIX, &filter, e);
out:
	sandbox_free(s);
	return rc;
}

/* One write: sshd gets the line or none of it. */
static int
say(const char *line, size_t len, struct err *e)
{
	char out[AUTHKEYS_LINE_MAX + 1];
	ssize_t n;

	if (len >= sizeof(out))
		return err_set(e, ERR_CONFIG, "a line that is too long");
	memcpy(out, line, len);
	out[len] = '\n';
	n = write(STDOUT_FILENO, out, len + 1);
	if (n == -1)
		return err_sys(e, "standard output");
	if ((size_t)n != len + 1) {
		errno = EPIPE;
		return err_sys(e, "standard output");
	}
	return 0;
}

static int
look(const char *text, const char *path, struct err *e)
{
	unsigned char fp[KEYLINE_FP];
	const char *line = NULL;
	const void *p = NULL;
	struct authindex x;
	size_t len = 0, n = 0;

	if (keyline_fp_parse(text, fp, e) == -1 ||
	    map(path, &p, &n, e) == -1 || confine(e) == -1)
		return -1;
	if (authindex_parse(p, n, &x, e) == -1)
		return err_wrap(e, "keys");
	if (authindex_find(&x, fp, &line, &len, e) == -1)
		return -1;
	return line == NULL ? 0 : say(line, len, e);
}

int
main(int argc, char **argv)
{
	struct err e = ERR_INIT;

	if (argc < 2 || argc > 3) {
		static const char usage[] =
		    "usage: postern-git-keys FINGERPRINT [INDEX]\n";

		(void)!write(STDERR_FILENO, usage, sizeof(usage) - 1);
		return err_exit(ERR_USAGE);
	}
	if (look(argv[1], argc > 2 ? argv[2] : INDEX, &e) == 0)
		return 0;
	openlog("postern-git-keys", LOG_PID, LOG_AUTHPRIV);
	syslog(LOG_ERR, "%s", e.msg);
	return 1;
}
