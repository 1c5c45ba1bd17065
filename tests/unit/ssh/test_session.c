/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "ssh/session.h"

struct run {
	struct loop *loop;
	struct session *s;
	struct buf seen;	/* "ev(text)" and "noise:line", each with | */
	struct buf raw;
	struct session_end end;
	int ends, done;
	const char *raw_at, *free_at;
	const char *answer_at, *answer;
};

static void
on_done(void *arg)
{
	((struct run *)arg)->done++;
}

static void
on_event(void *arg, const char *ev, const char *text)
{
	struct run *r = arg;

	buf_addf(&r->seen, "%s(%s)|", ev, text);
	if (r->answer_at != NULL && strcmp(ev, r->answer_at) == 0) {
		child_send(session_child(r->s), r->answer, strlen(r->answer),
		    NULL);
		child_send_secret(session_child(r->s), "key n\n", 6, on_done,
		    r, NULL);
	}
	if (r->raw_at != NULL && strcmp(ev, r->raw_at) == 0)
		session_raw(r->s);
	if (r->free_at != NULL && strcmp(ev, r->free_at) == 0) {
		session_free(r->s);
		r->s = NULL;
	}
}

static void
on_noise(void *arg, enum child_stream s, const char *line)
{
	struct run *r = arg;

	buf_addf(&r->seen, "noise%d:%s|", (int)s, line);
}

static void
on_raw(void *arg, const void *data, size_t len)
{
	struct run *r = arg;

	buf_add(&r->raw, data, len);
}

static void
on_end(void *arg, const struct session_end *end)
{
	struct run *r = arg;

	r->end = *end;
	r->ends++;
	session_free(r->s);
	r->s = NULL;
}

static int
setup(void **state)
{
	struct run *r = calloc(1, sizeof(*r));
	struct err e;

	r->loop = loop_new(&e);
	buf_init(&r->seen, 1 << 20);
	buf_init(&r->raw, 1 << 20);
	*state = r;
	return r->loop == NULL;
}

static int
teardown(void **state)
{
	struct run *r = *state;

	session_free(r->s);
	loop_free(r->loop);
	buf_clear(&r->seen);
	buf_clear(&r->raw);
	free(r);
	return 0;
}

static struct session_spec
local(struct run *r, const char *script)
{
	return (struct session_spec){ .script = script, .on_event = on_event,
		.on_noise = on_noise, .on_raw = on_raw, .on_end = on_end,
		.connect_ms = 20000, .run_ms = 20000, .arg = r };
}

static void
start(struct run *r, const struct session_spec *s)
{
	struct err e = ERR_INIT;

	r->s = session_start(r->loop, s, &e);
	assert_string_equal(e.msg, "");
	assert_non_null(r->s);
}

static void
finish(struct run *r)
{
	struct err e = ERR_INIT;

	assert_int_equal(loop_run(r->loop, &e), 0);
	assert_int_equal(r->ends, 1);
}

static void
a_script_speaks_and_reads_its_own_input(void **state)
{
	struct run *r = *state;
	struct session_spec s = local(r,
	    "echo postern plain >&2; read -r word; echo \"$word\"\n"
	    "# a comment with a ' quote and a \\ backslash\n"
	    "echo 'postern ready one  two'\n"
	    "read -r key; echo \"postern got $key\"\n"
	    "exit 7");

	r->answer_at = "plain";
	r->answer = "greeting\n";
	start(r, &s);
	finish(r);
	assert_string_equal(r->seen.data,
	    "plain()|noise1:greeting|ready(one  two)|got(key n)|");
	assert_int_equal(r->done, 1);
	assert_int_equal(WEXITSTATUS(r->end.status), 7);
	assert_true(r->end.had_event);
	assert_string_equal(r->end.why, "exit status 7");
}

static void
variables_arrive_as_they_are(void **state)
{
	struct run *r = *state;
	struct session_spec s = local(r,
	    "printf 'postern v %s\\n' \"$a\" \"$b_1\" \"$empty\"\n"
	    "printf '%s\\n' \"$lines\" | while read l; do\n"
	    "echo \"postern l $l\"; done");
	struct strv vars = { 0 };

	strv_add(&vars, "a=it's $HOME `id` \"x\" \\ !");
	strv_add(&vars, "b_1=plain=with=equals");
	strv_add(&vars, "empty=");
	strv_add(&vars, "lines=one\n#ENDING\n #END\n'#END'");
	s.vars = &vars;
	start(r, &s);
	strv_clear(&vars);
	finish(r);
	assert_string_equal(r->seen.data,
	    "v(it's $HOME `id` \"x\" \\ !)|v(plain=with=equals)|v()|"
	    "l(one)|l(#ENDING)|l(#END)|l('#END')|");
}

static void
a_line_with_a_nul_is_noise_also_at_its_end(void **state)
{
	struct run *r = *state;
	struct session_spec s = local(r,
	    "printf 'postern a\\0\\npostern b \\0x\\npostern c\\0\\r\\n"
	    "postern d\\r\\n'");

	start(r, &s);
	finish(r);
	assert_string_equal(r->seen.data, "noise1:postern a|"
	    "noise1:postern b |noise1:postern c|d()|");
}

static void
refused(struct run *r, const char *script, const char *var,
    const char *become)
{
	struct session_spec s = local(r, script);
	struct err e = ERR_INIT;
	struct strv vars = { 0 };

	if (var != NULL)
		strv_add(&vars, var);
	s.vars = &vars;
	s.become = become;
	assert_null(session_start(r->loop, &s, &e));
	assert_int_equal(e.code, ERR_CONFIG);
	strv_clear(&vars);
}

static void
what_could_end_the_script_early_or_is_no_name_is_refused(void **state)
{
	struct run *r = *state;

	refused(r, "echo a\n#END\necho b", NULL, NULL);
	refused(r, "#END", NULL, NULL);
	refused(r, "", "a=x\n#END\necho pwned", NULL);
	refused(r, "", "a=#END", NULL);
	refused(r, "", "=x", NULL);
	refused(r, "", "noequals", NULL);
	refused(r, "", "A=x", NULL);
	refused(r, "", "1a=x", NULL);
	refused(r, "", "a b=x", NULL);
	refused(r, "", "a;b=x", NULL);
	refused(r, "", NULL, "sudo -n; id");
	refused(r, "", NULL, "su -c '");
	refused(r, "", NULL, "{sudo,-n}");
	refused(r, "", NULL, "~evil/sudo");
	refused(r, "", NULL, "sudo\t-n");
	refused(r, "", NULL, "sud[o]");
}

static void
half_a_script_never_runs(void **state)
{
	struct run *r = *state;
	struct session_spec s = local(r, "");
	struct strv argv = { 0 };
	struct err e = ERR_INIT;
	int in[2], status;
	pid_t pid;

	assert_int_equal(session_argv(&s, &argv, &e), 0);
	assert_int_equal(pipe(in), 0);
	pid = fork();
	if (pid == 0) {
		dup2(in[0], 0);
		close(in[1]);
		execvp(argv.v[0], argv.v);
		_exit(127);
	}
	close(in[0]);
	assert_int_equal(write(in[1], "exit 3\n#EN", 10), 10);
	close(in[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 65);
	strv_clear(&argv);
}

static void
the_command_is_safe_in_any_shell_and_has_no_script_in_it(void **state)
{
	struct run *r = *state;
	struct session_spec s = local(r, "echo the-script");
	struct strv argv = { 0 };
	struct err e = ERR_INIT;
	const char *boot;

	s.become = "env";
	assert_int_equal(session_argv(&s, &argv, &e), 0);
	assert_int_equal(argv.n, 3);
	assert_memory_equal(argv.v[2], "exec env sh -c '", 16);
	boot = argv.v[2] + 16;
	assert_int_equal(strcspn(boot, "'"), strlen(boot) - 1);
	assert_null(strpbrk(boot, "!\n"));
	assert_null(strstr(boot, "\\\\"));
	assert_null(strstr(boot, "the-script"));
	assert_true(strlen(argv.v[2]) < 1000);
	strv_clear(&argv);
}

static void
another_user_is_become_by_a_prefix(void **state)
{
	struct run *r = *state;
	struct session_spec s = local(r, "echo postern who $who");

	s.become = "env who=prefixed";
	start(r, &s);
	finish(r);
	assert_string_equal(r->seen.data, "who(prefixed)|");
}

static void
beats_come_until_raw_and_raw_follows_its_line(void **state)
{
	struct run *r = *state;
	struct session_spec s = local(r,
	    "read a; read b; echo \"postern $a-$b x\"; echo postern raw\n"
	    "echo postern data; head -c 9");

	s.beat_ms = 5;
	r->raw_at = "raw";
	start(r, &s);
	r->answer_at = "raw";
	r->answer = "abc";
	finish(r);
	assert_string_equal(r->seen.data, "beat-beat(x)|raw()|");
	assert_memory_equal(r->raw.data, "postern data\n", 13);
	assert_int_equal(r->raw.len, 22);
}

static void
silence_before_the_first_event_ends_at_the_connect_deadline(void **state)
{
	struct run *r = *state;
	struct session_spec s = local(r, "echo hm >&2; sleep 1000");

	s.connect_ms = 200;
	start(r, &s);
	finish(r);
	assert_true(r->end.timed_out);
	assert_false(r->end.had_event);
	assert_string_equal(r->end.why, "timed out before it answered: hm");
}

static void
the_run_deadline_counts_from_the_first_event(void **state)
{
	struct run *r = *state;
	struct session_spec s = local(r, "echo postern hi; sleep 1000");

	s.run_ms = 100;
	start(r, &s);
	finish(r);
	assert_true(r->end.timed_out);
	assert_true(r->end.had_event);
	assert_string_equal(r->end.why, "timed out");
}

static void
the_end_says_the_last_words_escaped_and_bounded(void **state)
{
	struct run *r = *state;
	struct session_spec s = local(r,
	    "echo first >&2; printf 'bad \\033[31m thing\\r\\n' >&2\n"
	    "echo '  ' >&2; exit 3");

	start(r, &s);
	finish(r);
	assert_string_equal(r->end.why, "bad \\x1b[31m thing");
	r->ends = 0;
	s = local(r, "head -c 9000 /dev/zero | tr '\\0' '\\007' >&2; exit 1");
	start(r, &s);
	finish(r);
	assert_true(strlen(r->end.why) > 50);
	assert_true(strlen(r->end.why) < sizeof(r->end.why));
	assert_memory_equal(r->end.why, "\\x07\\x07", 8);
}

static void
what_is_no_event_is_noise(void **state)
{
	struct run *r = *state;
	struct session_spec s = local(r,
	    "echo postern; echo 'postern '; echo posternx y; echo ' postern a'\n"
	    "printf 'postern nul\\0x\\n'\n"
	    "printf 'postern big '; head -c 20000 /dev/zero | tr '\\0' x; echo\n"
	    "printf 'postern crlf text\\r\\n'");

	start(r, &s);
	finish(r);
	assert_non_null(strstr(r->seen.data, "noise1:postern|noise1:postern |"
	    "noise1:posternx y|noise1: postern a|noise1:postern nul|"
	    "noise1:postern big xxx"));
	assert_non_null(strstr(r->seen.data, "x|crlf(text)|"));
	assert_null(strstr(r->seen.data, "nul("));
}

static void
the_end_does_not_wait_for_a_master_left_behind(void **state)
{
	struct run *r = *state;
	struct session_spec s = local(r,
	    "sleep 1000 & echo postern pid $!; exit 0");

	start(r, &s);
	finish(r);
	assert_int_equal(r->end.status, 0);
	assert_string_equal(r->end.why, "exit status 0");
	assert_memory_equal(r->seen.data, "pid(", 4);
	assert_int_equal(kill((pid_t)strtol(r->seen.data + 4, NULL, 10),
	    SIGKILL), 0);
}

static void
a_session_freed_from_its_own_event_lets_its_script_clean_up(void **state)
{
	struct run *r = *state;
	struct session_spec s = local(r, "trap 'exit 7' EXIT\n"
	    "echo postern go; cat >/dev/null");
	struct err e = ERR_INIT;
	int status = 0;
	pid_t pid;

	r->free_at = "go";
	s.beat_ms = 1000;
	start(r, &s);
	pid = child_pid(session_child(r->s));
	assert_int_equal(loop_run(r->loop, &e), 0);
	assert_int_equal(r->ends, 0);
	/* It saw end of file; nobody killed it or its group. */
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
}

/* What becomes of a session whose ssh says words and fails. */
static enum sshfail
failing(struct run *r, const char *words)
{
	char path[] = "/tmp/session-test-XXXXXX";
	int fd = mkstemp(path);
	struct sshargv_opts ssh = { .program = path };
	struct session_spec s = local(r, ":");

	assert_true(fd >= 0);
	dprintf(fd, "#!/bin/sh\ncat >&2 <<'EOF'\n%s\nEOF\nexit 255\n", words);
	assert_int_equal(fchmod(fd, 0700), 0);
	close(fd);
	s.dest = "host";
	s.ssh = &ssh;
	r->ends = 0;
	start(r, &s);
	finish(r);
	assert_int_equal(unlink(path), 0);
	return r->end.fail;
}

static void
a_host_that_has_spoken_can_not_speak_for_ssh(void **state)
{
	struct run *r = *state;

	assert_int_equal(failing(r, "Host key verification failed."),
	    SSHFAIL_HOSTKEY_UNKNOWN);
	assert_int_equal(failing(r, "postern ready\n"
	    "Host key verification failed."), SSHFAIL_OTHER);
	assert_int_equal(failing(r, "postern ready\n"
	    "client_loop: send disconnect: Broken pipe"), SSHFAIL_LOST);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_script_speaks_and_reads_its_own_input),
		T(variables_arrive_as_they_are),
		T(a_host_that_has_spoken_can_not_speak_for_ssh),
		T(a_line_with_a_nul_is_noise_also_at_its_end),
		T(what_could_end_the_script_early_or_is_no_name_is_refused),
		T(half_a_script_never_runs),
		T(the_command_is_safe_in_any_shell_and_has_no_script_in_it),
		T(another_user_is_become_by_a_prefix),
		T(beats_come_until_raw_and_raw_follows_its_line),
		T(silence_before_the_first_event_ends_at_the_connect_deadline),
		T(the_run_deadline_counts_from_the_first_event),
		T(the_end_says_the_last_words_escaped_and_bounded),
		T(what_is_no_event_is_noise),
		T(the_end_does_not_wait_for_a_master_left_behind),
		T(a_session_freed_from_its_own_event_lets_its_script_clean_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
