/* SPDX-License-Identifier: ISC */
/*
 * lab-relay: a slow and lossy cable between two TAP devices, which it makes.
 *
 *	lab-relay NAME NAME DELAY_US LOSS_PPM SEED
 *
 * Every frame of one device is written to the other one DELAY_US later, or,
 * LOSS_PPM times in a million, never. On standard input, `cut` drops all
 * that is under way and all that comes, `heal` ends that; each is repeated
 * on standard output when it is in effect, as `ready` is in the beginning.
 * End of file ends the relay, and with it the devices.
 *
 * TAP devices without offloads: the kernel hands out whole frames with their
 * checksums, which a packet socket on a veth does not. Source: tuntap.rst.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

enum { FRAME_MAX = 2048, QUEUE_MAX = 4096 };

struct frame {
	int64_t due_us;
	size_t len_bytes;
	char bytes[FRAME_MAX];
};

/* One direction: a ring of frames in the order of their due times. */
struct way {
	int from;
	int to;
	size_t first;
	size_t count;
	struct frame *ring;
};

struct relay {
	struct way ways[2];
	int64_t delay_us;
	uint64_t loss_ppm;
	uint64_t random;
	bool cut;
};

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* xorshift64: the same losses for the same seed. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* A chroot may lack the device's node: then a private one serves. */
static int open_clone(void)
{
	static const char node[] = "/dev/lab-relay-tun";
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	if (mknod(node, S_IFCHR | 0600, makedev(10, 200)) != 0 &&
	    errno != EEXIST)
		return -1;
	fd = open(node, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	unlink(node);
	return fd;
}

static int tap_open(const char *name)
{
	struct ifreq req = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd = open_clone();

	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &req) != 0) {
		fprintf(stderr, "lab-relay: %s: %s\n", name, strerror(errno));
		exit(1);
	}
	return fd;
}

static void take(struct relay *r, struct way *w)
{
	char spill[FRAME_MAX];

	for (;;) {
		bool full = w->count == QUEUE_MAX;
		struct frame *f = &w->ring[(w->first + w->count) % QUEUE_MAX];
		ssize_t n = read(w->from, full ? spill : f->bytes, FRAME_MAX);

		if (n <= 0)
			return;
		if (full || r->cut ||
		    next_random(&r->random) % 1000000 < r->loss_ppm)
			continue;
		f->len_bytes = (size_t)n;
		f->due_us = now_us() + r->delay_us;
		w->count++;
	}
}

/* Write what is due; microseconds until the next is, or -1 if none waits. */
static int64_t give(struct way *w)
{
	while (w->count > 0) {
		struct frame *f = &w->ring[w->first];
		int64_t left_us = f->due_us - now_us();

		if (left_us > 0)
			return left_us;
		/* A frame that the kernel refuses is lost, as on a cable. */
		if (write(w->to, f->bytes, f->len_bytes) < 0 && errno == EINTR)
			continue;
		w->first = (w->first + 1) % QUEUE_MAX;
		w->count--;
	}
	return -1;
}

static bool obey(struct relay *r)
{
	char line[16];
	ssize_t n = read(STDIN_FILENO, line, sizeof(line) - 1);

	if (n <= 0)
		return false;
	line[n] = '\0';
	r->cut = strcmp(line, "cut\n") == 0;
	if (r->cut)
		r->ways[0].count = r->ways[1].count = 0;
	printf("%s", line);
	return true;
}

static void run(struct relay *r)
{
	for (;;) {
		struct pollfd fds[3] = {
			{ .fd = r->ways[0].from, .events = POLLIN },
			{ .fd = r->ways[1].from, .events = POLLIN },
			{ .fd = STDIN_FILENO, .events = POLLIN },
		};
		int64_t a = give(&r->ways[0]), b = give(&r->ways[1]);
		int64_t us = a < 0 || (b >= 0 && b < a) ? b : a;
		struct timespec wait = { us / 1000000, us % 1000000 * 1000 };

		if (ppoll(fds, 3, us < 0 ? NULL : &wait, NULL) < 0)
			continue;
		if (fds[0].revents)
			take(r, &r->ways[0]);
		if (fds[1].revents)
			take(r, &r->ways[1]);
		if (fds[2].revents && !obey(r))
			return;
	}
}

int main(int argc, char **argv)
{
	struct relay r = { 0 };
	int a, b;

	if (argc != 6) {
		fprintf(stderr, "usage: lab-relay NAME NAME DELAY_US "
			"LOSS_PPM SEED\n");
		return 64;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	a = tap_open(argv[1]);
	b = tap_open(argv[2]);
	r.delay_us = strtoll(argv[3], NULL, 10);
	r.loss_ppm = strtoull(argv[4], NULL, 10);
	/* xorshift never leaves 0. */
	r.random = strtoull(argv[5], NULL, 10) * 0x9e3779b97f4a7c15u | 1;
	r.ways[0] = (struct way){ .from = a, .to = b };
	r.ways[1] = (struct way){ .from = b, .to = a };
	for (int i = 0; i < 2; i++) {
		r.ways[i].ring = calloc(QUEUE_MAX, sizeof(struct frame));
		if (!r.ways[i].ring)
			return 1;
	}
	puts("ready");
	run(&r);
	free(r.ways[0].ring);
	free(r.ways[1].ring);
	return 0;
}
