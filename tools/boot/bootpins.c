/* SPDX-License-Identifier: ISC */
#include "bootpins.h"

#include <ctype.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"

#define FILE_NAME	"/postern/boot.known_hosts"
#define KEY_MAX		8192	/* bytes of a key; RSA of 16384 bits: 2 KiB */
#define FP_CHARS	43

int
bootpins_path(struct buf *out, struct err *e)
{
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	struct buf b;
	int rc = 0;

	buf_init(&b, out->max);
	if (xdg != NULL && xdg[0] == '/')
		rc = buf_addf(&b, "%s" FILE_NAME, xdg);
	else if (home != NULL && home[0] == '/')
		rc = buf_addf(&b, "%s/.config" FILE_NAME, home);
	if (rc == 0 && (b.len == 0 || access(b.data, F_OK) == -1)) {
		buf_clear(&b);
		rc = buf_adds(&b, "/etc" FILE_NAME);
	}
	if (rc == 0)
		rc = buf_add(out, b.data, b.len);
	buf_clear(&b);
	return rc == 0 ? 0 : err_set(e, ERR_MEM, "the path of "
	    "boot.known_hosts is too long");
}

int
bootpins_name(const char *dest, struct buf *out, struct err *e)
{
	bool url = strncmp(dest, "ssh://", 6) == 0, other;
	const char *at, *port, *p = dest + (url ? 6 : 0);
	size_t n, i;
	int rc = 0;

	at = strrchr(p, '@');
	if (at != NULL)
		p = at + 1;
	if (*p == '[')
		n = strcspn(++p, "]");
	else
		n = url ? strcspn(p, ":") : strlen(p);
	/* Behind another port of one address may be another machine. */
	port = p + n + (p[n] == ']');
	other = url && port[0] == ':' && port[1] != '\0' &&
	    strcmp(port, ":22") != 0;
	if (other)
		rc = buf_addc(out, '[');
	for (i = 0; i < n && rc == 0; i++)
		rc = buf_addc(out, (char)tolower((unsigned char)p[i]));
	if (other && rc == 0)
		rc = buf_addf(out, "]%s", port);
	return rc == 0 ? 0 : err_set(e, ERR_MEM, "out of memory");
}

int
bootpins_options(const char *path, const char *dest, struct strv *out,
    struct err *e)
{
	/* A master of the real system's would skip the check; another source
	 * of keys would soften it; sshd could add keys of its own. */
	static char *const fixed[] = {
		"ControlPath=none", "GlobalKnownHostsFile=none",
		"KnownHostsCommand=none", "VerifyHostKeyDNS=no",
		"UpdateHostKeys=no", "CheckHostIP=no", NULL
	};
	struct buf name;
	size_t i;
	int rc;

	if (path[strcspn(path, "\"%\\\n")] != '\0')
		return err_set(e, ERR_CONFIG, "%s: a path with quotes, '%%' "
		    "or '\\' can't be given to ssh", path);
	buf_init(&name, 512);
	rc = bootpins_name(dest, &name, e);
	for (i = 0; rc == 0 && fixed[i] != NULL; i++)
		rc = strv_add(out, fixed[i]);
	if (rc == 0)
		rc = strv_addf(out, "UserKnownHostsFile=\"%s\"", path);
	if (rc == 0)
		rc = strv_addf(out, "HostKeyAlias=%s", name.data);
	buf_clear(&name);
	return rc == 0 ? 0 : err_set(e, ERR_MEM, "out of memory");
}

/* "SHA256:…" and what can't be in it. */
static void
see_fp(struct bootpins_seen *s, const char *text)
{
	size_t len = strcspn(text, "., \r");

	if (strncmp(text, "SHA256:", 7) != 0 || len != 7 + FP_CHARS)
		return;
	memcpy(s->shown, text, len);
	s->shown[len] = '\0';
}

/* "… key in FILE:LINE" */
static void
see_place(struct bootpins_seen *s, const char *line)
{
	const char *file = strstr(line, " key in "), *colon;
	char digits[12];
	uint64_t n;
	size_t len;

	colon = strrchr(line, ':');
	if (file == NULL || colon == NULL)
		return;
	file += strlen(" key in ");
	len = strspn(colon + 1, "0123456789");
	if (colon < file || (size_t)(colon - file) >= sizeof(s->file) ||
	    len == 0 || len >= sizeof(digits))
		return;
	memcpy(digits, colon + 1, len);
	digits[len] = '\0';
	if (num_u64(digits, "line", 1, UINT32_MAX, &n, NULL) == -1)
		return;
	s->line = (unsigned)n;
	memcpy(s->file, file, (size_t)(colon - file));
	s->file[colon - file] = '\0';
}

void
bootpins_see(struct bootpins_seen *s, const char *line)
{
	static const char key[] = "debug1: Server host key: ";
	static const char cert[] = "debug1: Server host certificate: ";
	const char *fp;

	if (strncmp(line, "Offending ", 10) == 0) {
		see_place(s, line);
	} else if (strncmp(line, key, strlen(key)) == 0) {
		/* TYPE FINGERPRINT */
		fp = strchr(line + strlen(key), ' ');
		if (fp != NULL)
			see_fp(s, fp + 1);
	} else if (strncmp(line, cert, strlen(cert)) == 0) {
		/* The same of the key in it, and more. */
		fp = strchr(line + strlen(cert), ' ');
		if (fp != NULL)
			see_fp(s, fp + 1);
	} else {
		/* On a line of its own. */
		see_fp(s, line);
	}
}

/* The next word at *p: its length, and *p behind it. */
static size_t
word(const char **p)
{
	size_t n;

	*p += strspn(*p, " \t");
	n = strcspn(*p, " \t\r\n");
	*p += n;
	return n;
}

int
bootpins_fp(const char *text, unsigned line, char ret[BOOTPINS_FP],
    struct err *e)
{
	unsigned char key[KEY_MAX], hash[crypto_hash_sha256_BYTES];
	char b64[BOOTPINS_FP - 7];
	const char *p = text;
	unsigned i;
	size_t n, len;

	for (i = 1; i < line && p != NULL; i++) {
		p = strchr(p, '\n');
		p = p != NULL ? p + 1 : NULL;
	}
	if (p == NULL || *p == '\0')
		return err_set(e, ERR_CONFIG, "no line %u", line);
	/* [MARKER] HOSTS TYPE KEY [COMMENT] */
	if (p[strspn(p, " \t")] == '@')
		(void)word(&p);
	if (word(&p) == 0 || word(&p) == 0 || (n = word(&p)) == 0 ||
	    sodium_base642bin(key, sizeof(key), p - n, n, NULL, &len, NULL,
	    sodium_base64_VARIANT_ORIGINAL) != 0 || len == 0)
		return err_set(e, ERR_CONFIG, "no host key in line %u", line);
	crypto_hash_sha256(hash, key, len);
	sodium_bin2base64(b64, sizeof(b64), hash, sizeof(hash),
	    sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
	snprintf(ret, BOOTPINS_FP, "SHA256:%s", b64);
	return 0;
}

bool
bootpins_has(const char *text, const char *fp)
{
	char one[BOOTPINS_FP];
	const char *p;

	/* Of what is no key's line nothing comes. */
	for (p = text; p != NULL && *p != '\0';) {
		if (bootpins_fp(p, 1, one, NULL) == 0 && strcmp(one, fp) == 0)
			return true;
		p = strchr(p, '\n');
		p = p != NULL ? p + 1 : NULL;
	}
	return false;
}
