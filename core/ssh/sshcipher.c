/* SPDX-License-Identifier: ISC */
#include "ssh/sshcipher.h"

#include <string.h>
#if defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

bool
sshcipher_here(void)
{
#if defined(__x86_64__) || defined(__i386__)
	return __builtin_cpu_supports("aes") &&
	    __builtin_cpu_supports("pclmul");
#elif defined(__aarch64__)
	return (getauxval(AT_HWCAP) & (HWCAP_AES | HWCAP_PMULL)) ==
	    (HWCAP_AES | HWCAP_PMULL);
#else
	return false;
#endif
}

/* The line "ciphers …" of ssh -G, its length without the newline. */
static const char *
line_of(const char *text, size_t *len)
{
	static const char key[] = "ciphers ";

	while (strncmp(text, key, sizeof(key) - 1) != 0) {
		text = strchr(text, '\n');
		if (text == NULL)
			return NULL;
		text++;
	}
	*len = strcspn(text, "\n");
	return text;
}

bool
sshcipher_same(const char *mine, const char *plain)
{
	size_t a = 0, b = 0;

	mine = line_of(mine, &a);
	plain = line_of(plain, &b);
	return mine != NULL && plain != NULL && a == b &&
	    memcmp(mine, plain, a) == 0;
}
