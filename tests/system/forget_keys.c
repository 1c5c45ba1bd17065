/* SPDX-License-Identifier: ISC */
/*
 * forget_keys: empties root's keyring, in which systemd keeps a passphrase for
 * two and a half minutes, for the other disks that it opens.
 * Source: keyctl(2), systemd's ask-password-api.c.
 */
#include <linux/keyctl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int
main(void)
{
	if (syscall(SYS_keyctl, KEYCTL_CLEAR, KEY_SPEC_USER_KEYRING) == -1) {
		perror("keyctl");
		return 1;
	}
	return 0;
}
