/* SPDX-License-Identifier: ISC */
#include "sys/ttykeep.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

void
ttykeep_begin(struct ttykeep *k)
{
	*k = (struct ttykeep){ .fd = open("/dev/tty", O_RDWR | O_CLOEXEC |
	    O_NOCTTY | O_NONBLOCK) };
	if (k->fd != -1 && tcgetattr(k->fd, &k->was) == -1)
		ttykeep_end(k);
}

void
ttykeep_back(const struct ttykeep *k)
{
	struct termios now;
	sigset_t ttou, old;

	/* In the background it is another's, who has set it for himself. */
	if (k->fd == -1 || tcgetpgrp(k->fd) != getpgrp() ||
	    tcgetattr(k->fd, &now) == -1 ||
	    (now.c_lflag == k->was.c_lflag && now.c_iflag == k->was.c_iflag &&
	    now.c_oflag == k->was.c_oflag))
		return;
	/* Lest it stops us, should we go to the background just now. */
	sigemptyset(&ttou);
	sigaddset(&ttou, SIGTTOU);
	sigprocmask(SIG_BLOCK, &ttou, &old);
	tcflush(k->fd, TCIFLUSH);
	tcsetattr(k->fd, TCSANOW, &k->was);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

void
ttykeep_end(struct ttykeep *k)
{
	if (k->fd != -1)
		close(k->fd);
	k->fd = -1;
}
