/* SPDX-License-Identifier: ISC */
/*
 * backup_join PROGRAMS CONFIG RULES GRANTS DIR FLAGS ARGUMENT…: both halves of
 * a transfer on one loop, joined; RULES may be "-", FLAGS is "-" or
 * "privileged". PROGRAMS is the folder of the jails' programs. Says on stdout
 * what happens, a line each: "pid send N", "pid recv N", "data" once bytes went
 * both ways, "line TEXT", "err recv TEXT", "end send RC WHY", "end recv RC WHY", "said …".
 */
#include <stdio.h>
#include <string.h>

#include "half.h"

struct side {
	const char *name;
	struct half *half;
	struct side *other;
	struct loop *loop;
	bool over, spoke;
	int rc;
};

static void
on_data(void *arg, const void *data, size_t len)
{
	struct side *s = arg, *o = s->other;
	struct err e = ERR_INIT;

	if (!s->spoke && o->spoke)
		printf("data\n");
	s->spoke = true;
	if (o->over)
		return;
	if (half_write(o->half, data, len, &e) == -1 && e.code != ERR_PEER) {
		printf("join %s\n", e.msg);
		half_kill(s->half);
	}
	if (half_room(o->half) < HALF_DATA_MAX)
		half_pause(s->half, true);
}

static void
on_room(void *arg)
{
	struct side *s = arg;

	if (!s->other->over)
		half_pause(s->other->half, false);
}

static void
on_line(void *arg, enum child_stream stream, const char *line, size_t len,
    bool cut)
{
	const struct side *s = arg;

	if (stream == CHILD_STDOUT)
		printf("line %s\n", line);
	else
		printf("err %s %s\n", s->name, line);
}

static void
on_end(void *arg, const struct half_end *end)
{
	struct side *s = arg;

	s->over = true;
	s->rc = end->rc;
	printf("end %s %d %s\n", s->name, end->rc, end->why);
	if (end->said[0] != '\0')
		printf("said %s %s\n", s->name, end->said);
	if (end->err->code != ERR_NONE)
		printf("error %s %s\n", s->name, end->err->msg);
	if (s->other->over) {
		loop_stop(s->loop);
		return;
	}
	half_finish(s->other->half, end->rc);
	half_pause(s->other->half, false);
}

int
main(int argc, char **argv)
{
	struct half_calls calls = { .on_data = on_data, .on_room = on_room,
		.on_line = on_line, .on_end = on_end };
	struct side send = { .name = "send" }, recv = { .name = "recv" };
	char send_path[4096], recv_path[4096];
	struct err e = ERR_INIT;
	struct half_send hs = { .program = send_path };
	struct half_recv hr = { .program = recv_path };
	struct loop *l;

	if (argc < 8)
		return 64;
	setvbuf(stdout, NULL, _IOLBF, 0);
	snprintf(send_path, sizeof(send_path), "%s/postern-backup-send",
	    argv[1]);
	snprintf(recv_path, sizeof(recv_path), "%s/postern-backup-recv",
	    argv[1]);
	hs.config = argv[2];
	hs.rules = strcmp(argv[3], "-") == 0 ? NULL : argv[3];
	hs.grants = argv[4];
	hs.nice = "1";
	hs.ionice = "idle";
	hr.dir = argv[5];
	hr.privileged = strcmp(argv[6], "privileged") == 0;
	hr.argv = argv + 7;
	send.other = &recv;
	recv.other = &send;
	l = loop_new(&e);
	if (l == NULL)
		goto fail;
	send.loop = recv.loop = l;
	calls.arg = &send;
	send.half = half_send_start(l, &hs, &calls, &e);
	if (send.half == NULL)
		goto fail;
	calls.arg = &recv;
	recv.half = half_recv_start(l, &hr, &calls, &e);
	if (recv.half == NULL)
		goto fail;
	printf("pid send %d\npid recv %d\n", (int)half_pid(send.half),
	    (int)half_pid(recv.half));
	if (loop_run(l, &e) == -1)
		goto fail;
	half_free(send.half);
	half_free(recv.half);
	loop_free(l);
	return recv.rc;
fail:
	fprintf(stderr, "backup_join: %s\n", e.msg);
	return 1;
}
