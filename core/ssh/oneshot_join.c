/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ssh/oneshot.h"

int
oneshot_join(const char *meet, struct err *e)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	ssize_t n = 0;
	char go;
	int fd;

	if (strlen(meet) >= sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		return err_sys(e, "%s", meet);
	}
	memcpy(sun.sun_path, meet, strlen(meet) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return err_sys(e, "socket");
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0)
		do
			n = read(fd, &go, 1);
		while (n == -1 && errno == EINTR);
	if (n == 1)
		return fd;
	close(fd);
	return err_set(e, ERR_REFUSED, "this key was for one session, which "
	    "has been");
}
