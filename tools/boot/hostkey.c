/* SPDX-License-Identifier: ISC */
#include "hostkey.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bootprog.h"
#include "secret/secret.h"
#include "ssh/edkey.h"
#include "sys/file.h"

#define KEY_MAX		65536
#define PUB_MAX		HOSTKEY_PUB_MAX
#define PROG_MS		20000u
#define COMMENT		" postern-boot\n"

/* "TYPE BASE64" of the first line in text that looks like a public key. */
static bool
public_line(const char *text, struct buf *out)
{
	const char *p;
	size_t type, key;

	for (p = text; p != NULL && *p != '\0';
	    p = strchr(p, '\n'), p = p != NULL ? p + 1 : NULL) {
		if (strncmp(p, "ssh-", 4) != 0 && strncmp(p, "ecdsa-", 6) != 0)
			continue;
		type = strcspn(p, " \n");
		if (p[type] != ' ')
			continue;
		key = strcspn(p + type + 1, " \r\n");
		return key > 0 && buf_add(out, p, type + 1 + key) == 0;
	}
	return false;
}

bool
hostkey_public(const char *path, struct buf *out)
{
	static const char *const readers[] = { "ssh-keygen", "dropbearkey" };
	struct buf text, prog;
	struct err none = ERR_INIT;
	bool found = false;
	int status;
	size_t i;

	buf_init(&text, PUB_MAX);
	buf_init(&prog, 4096);
	for (i = 0; !found && i < 2; i++) {
		buf_clear(&text);
		buf_clear(&prog);
		if (!bootprog_have(readers[i], &prog))
			continue;
		/* An empty passphrase, for a key that has one asks. */
		char *const argv[] = { prog.data, "-y", "-f", (char *)path,
		    i == 0 ? "-P" : NULL, "", NULL };
		const struct bootprog p = { .argv = argv,
		    .timeout_ms = PROG_MS };

		found = bootprog_run(&p, &text, &status, &none) == 0 &&
		    status == 0 && public_line(text.data, out);
	}
	buf_clear(&text);
	buf_clear(&prog);
	return found;
}

bool
hostkey_pub_file(const char *path, struct buf *out)
{
	struct err none = ERR_INIT;
	struct buf text, name;
	bool found;

	buf_init(&text, PUB_MAX);
	buf_init(&name, 4096);
	found = buf_addf(&name, "%s.pub", path) == 0 &&
	    file_read(name.data, &text, &none) == 0 &&
	    public_line(text.data, out);
	buf_clear(&text);
	buf_clear(&name);
	return found;
}

/* The secret to path, which must not be there. */
static int
put(const char *path, const struct secret *s, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int rc = -1;

	if (fd == -1)
		return err_sys(e, "%s", path);
	if (secret_write(s, fd, e) == 0)
		rc = fsync(fd) == 0 ? 0 : err_sys(e, "%s", path);
	close(fd);
	if (rc == -1)
		(void)unlink(path);
	return rc;
}

static int
make_key(const char *path, struct err *e)
{
	struct secret *seed = NULL, *key = NULL;
	struct buf pub, dir;
	int rc = -1;

	buf_init(&pub, PUB_MAX);
	buf_init(&dir, 4096);
	if (buf_add(&dir, path, (size_t)(strrchr(path, '/') - path)) == -1 ||
	    (dir.len > 0 && file_mkdirs(dir.data, 0700, e) == -1))
		goto out;
	seed = edkey_new(e);
	key = seed != NULL ? edkey_private(seed, e) : NULL;
	if (key == NULL || edkey_public(seed, &pub, e) == -1)
		goto out;
	if (buf_adds(&pub, COMMENT) == -1) {
		err_set(e, ERR_MEM, "out of memory");
		goto out;
	}
	if (put(path, key, e) == -1)
		goto out;
	buf_clear(&dir);
	if (buf_addf(&dir, "%s.pub", path) == 0)
		rc = file_write(dir.data, pub.data, pub.len, 0644, NULL, e);
out:
	secret_free(seed);
	secret_free(key);
	buf_clear(&pub);
	buf_clear(&dir);
	return rc;
}

int
hostkey_get(const char *path, bool make, struct hostkey *ret, struct err *e)
{
	struct stat st;
	struct buf line, pins;
	char real[4096];
	int rc = -1;

	*ret = (struct hostkey){ 0 };
	buf_init(&line, PUB_MAX);
	buf_init(&pins, PUB_MAX + 8);
	if (stat(path, &st) == -1) {
		if (errno != ENOENT || !make)
			return err_sys(e, "%s", path);
		if (make_key(path, e) == -1)
			return -1;
		ret->made = true;
		if (stat(path, &st) == -1)
			return err_sys(e, "%s", path);
	} else if (!S_ISREG(st.st_mode) || st.st_uid != 0 ||
	    (st.st_mode & 077) != 0) {
		return err_set(e, ERR_UNSAFE, "%s: a host key has to be a "
		    "file of root's that nobody else can read (chmod 600)",
		    path);
	}
	/* The key itself counts: path.pub may have been another's before. */
	if (!hostkey_public(path, &line) && !hostkey_pub_file(path, &line)) {
		err_set(e, ERR_PEER, "%s: no host key that ssh-keygen or "
		    "dropbearkey can read, without a passphrase", path);
		goto out;
	}
	if (hostkey_real(line.data, &st, real, sizeof(real))) {
		err_set(e, ERR_UNSAFE, "%s: is the real sshd's host key (%s); "
		    "an initramfs lies in the clear, so it needs a key of its "
		    "own", path, real);
		goto out;
	}
	if (buf_addf(&pins, "x %s\n", line.data) == -1) {
		err_set(e, ERR_MEM, "out of memory");
		goto out;
	}
	if (bootpins_fp(pins.data, 1, ret->fp, e) == -1) {
		err_wrap(e, "%s", path);
		goto out;
	}
	ret->line = buf_steal(&line);
	rc = ret->line != NULL ? 0 : err_set(e, ERR_MEM, "out of memory");
out:
	buf_clear(&line);
	buf_clear(&pins);
	return rc;
}

void
hostkey_clear(struct hostkey *k)
{
	free(k->line);
	*k = (struct hostkey){ 0 };
}

/* dropbearconvert's place to prog (empty, and initialised). */
static int
converter(const char *path, struct buf *prog, struct err *e)
{
	return bootprog_have("dropbearconvert", prog) ? 0 :
	    err_set(e, ERR_PEER, "%s: dropbearconvert isn't here, which has to "
	    "make it readable to the image's sshd: install it (with dropbear), "
	    "or choose the other sshd", path);
}

static int
convert(const char *path, bool dropbear, const char *to, struct err *e)
{
	struct buf prog;
	int rc;

	buf_init(&prog, 4096);
	if (converter(path, &prog, e) == -1) {
		buf_clear(&prog);
		return -1;
	}
	char *const argv[] = { prog.data, dropbear ? "openssh" : "dropbear",
	    dropbear ? "dropbear" : "openssh", (char *)path, (char *)to,
	    NULL };
	const struct bootprog p = { .argv = argv, .timeout_ms = PROG_MS };

	rc = bootprog_ok(&p, e);
	buf_clear(&prog);
	if (rc == 0 && chmod(to, 0600) == -1)
		rc = err_sys(e, "%s", to);
	return rc;
}

/* The key at path, and whether it has OpenSSH's form. Owned, or NULL. */
static struct secret *
load(const char *path, bool *ret_openssh, struct err *e)
{
	static const char pem[] = "-----BEGIN ";
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct secret *key;

	if (fd == -1) {
		err_sys(e, "%s", path);
		return NULL;
	}
	key = secret_read(fd, KEY_MAX, PROG_MS, path, e);
	close(fd);
	if (key != NULL)
		*ret_openssh = secret_len(key) >= sizeof(pem) - 1 &&
		    memcmp(secret_data(key), pem, sizeof(pem) - 1) == 0;
	return key;
}

int
hostkey_check(const char *path, bool dropbear, struct err *e)
{
	bool openssh = true;
	struct secret *key;
	struct buf prog;
	int rc = 0;

	if (access(path, F_OK) == 0 || errno != ENOENT) {
		key = load(path, &openssh, e);
		if (key == NULL)
			return -1;
		secret_free(key);
	}
	buf_init(&prog, 4096);
	if (openssh == dropbear)
		rc = converter(path, &prog, e);
	buf_clear(&prog);
	return rc;
}

int
hostkey_copy(const char *path, bool dropbear, const char *to, struct err *e)
{
	struct secret *key;
	bool openssh;
	int rc;

	key = load(path, &openssh, e);
	if (key == NULL)
		return -1;
	rc = openssh != dropbear ? put(to, key, e) :
	    convert(path, dropbear, to, e);
	secret_free(key);
	return rc;
}
