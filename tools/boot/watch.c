/* SPDX-License-Identifier: ISC */
#include "watch.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bootprog.h"
#include "sys/file.h"

#define SYSTEMD		"/run/systemd/system"
#define UNIT_MAX	16384
#define PROG_MS		60000u
#define NAME		"postern-boot-image"

int
watch_path(const struct serverconf *c, struct buf *out, struct err *e)
{
	const char *const files[] = { SERVERCONF_FILE, c->keys, c->emergency,
	    c->host_key };
	size_t i;

	if (buf_adds(out, "# SPDX-License-Identifier: ISC\n"
	    "# Written by postern boot setup --watch.\n"
	    "[Unit]\n"
	    "Description=Who may log into the initramfs\n"
	    "Documentation=man:postern-boot(1)\n"
	    "Wants=" NAME ".timer\n\n"
	    "[Path]\n") == -1)
		goto mem;
	/* serverconf_path() has left nothing that systemd would expand. */
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (files[i] != NULL && buf_addf(out, "PathChanged=%s\n",
		    files[i]) == -1)
			goto mem;
	if (buf_adds(out, "\n[Install]\nWantedBy=multi-user.target\n") == 0)
		return 0;
mem:
	return err_set(e, ERR_MEM, "out of memory");
}

int
watch_service(const char *program, struct buf *out, struct err *e)
{
	/* Who took [server] out wants no image of ours. */
	return buf_addf(out, "# SPDX-License-Identifier: ISC\n"
	    "# Written by postern boot setup --watch.\n"
	    "[Unit]\n"
	    "Description=Initramfs with the keys that may log in there now\n"
	    "Documentation=man:postern-boot(1)\n"
	    "ConditionFileIsExecutable=%s\n"
	    "StartLimitIntervalSec=0\n\n"
	    "[Service]\n"
	    "Type=oneshot\n"
	    "ExecCondition=grep -qs ^[[]server] " SERVERCONF_FILE "\n"
	    "ExecStart=%s setup --if-changed\n"
	    "TimeoutStartSec=infinity\n"
	    "# A shutdown waits for a build that is under way.\n"
	    "KillMode=mixed\n"
	    "TimeoutStopSec=15min\n"
	    "Nice=10\n"
	    "IOSchedulingClass=idle\n", program, program) == 0 ? 0 :
	    err_set(e, ERR_MEM, "out of memory");
}

int
watch_timer(struct buf *out, struct err *e)
{
	return buf_adds(out, "# SPDX-License-Identifier: ISC\n"
	    "# Written by postern boot setup --watch.\n"
	    "[Unit]\n"
	    "Description=What " NAME ".path did not see\n"
	    "Documentation=man:postern-boot(1)\n"
	    "PartOf=" NAME ".path\n\n"
	    "[Timer]\n"
	    "OnActiveSec=1s\n"
	    "OnUnitInactiveSec=1h\n"
	    "AccuracySec=1s\n") == 0 ? 0 :
	    err_set(e, ERR_MEM, "out of memory");
}

static bool
is(const char *file, const struct buf *text)
{
	struct err none = ERR_INIT;
	struct buf now;
	bool same;

	buf_init(&now, UNIT_MAX);
	same = file_read(file, &now, &none) == 0 && now.len == text->len &&
	    memcmp(now.data, text->data, text->len) == 0;
	buf_clear(&now);
	return same;
}

static int
systemctl(char *const *argv, struct err *e)
{
	const struct bootprog p = { .argv = argv, .timeout_ms = PROG_MS };

	return bootprog_ok(&p, e);
}

static int
begin(struct err *e)
{
	char *const reload[] = { "systemctl", "daemon-reload", NULL };
	char *const enable[] = { "systemctl", "-q", "enable", NAME ".path",
	    NULL };
	/* Other files, where it ran already. */
	char *const again[] = { "systemctl", "restart", NAME ".path", NULL };

	if (systemctl(reload, e) == -1 || systemctl(enable, e) == -1)
		return -1;
	return systemctl(again, e);
}

bool
watch_active(void)
{
	char *const argv[] = { "systemctl", "-q", "is-active", NAME ".path",
	    NULL };
	struct err none = ERR_INIT;

	return access(SYSTEMD, F_OK) == 0 && systemctl(argv, &none) == 0;
}

/* Whether it will be after the next boot, too. */
static bool
enabled(void)
{
	char *const argv[] = { "systemctl", "-q", "is-enabled", NAME ".path",
	    NULL };
	struct err none = ERR_INIT;

	return systemctl(argv, &none) == 0;
}

enum { PATH, SERVICE, TIMER, UNITS };
static const char *const files[UNITS] = { WATCH_UNITS ".path",
	WATCH_UNITS ".service", WATCH_UNITS ".timer" };

/* Their texts; program is ours. */
static int
texts(const struct serverconf *c, struct buf text[UNITS], struct err *e)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n <= 0)
		return err_sys(e, "/proc/self/exe");
	self[n] = '\0';
	if (serverconf_path(self, "--watch: our program's place", e) == -1)
		return -1;
	return watch_path(c, &text[PATH], e) == -1 ||
	    watch_service(self, &text[SERVICE], e) == -1 ? -1 :
	    watch_timer(&text[TIMER], e);
}

int
watch_put(const struct serverconf *c, bool dry, bool *ret_changed,
    struct err *e)
{
	struct buf text[UNITS];
	bool same = true;
	int rc = 0, i;

	if (access(SYSTEMD, F_OK) == -1)
		return err_set(e, ERR_CONFIG, "--watch: systemd doesn't run "
		    "here: build the image anew whenever a key changes");
	for (i = 0; i < UNITS; i++)
		buf_init(&text[i], UNIT_MAX);
	rc = texts(c, text, e);
	for (i = 0; rc == 0 && i < UNITS; i++)
		same = same && is(files[i], &text[i]);
	*ret_changed = !same || !watch_active() || !enabled();
	if (rc == -1 || !*ret_changed || dry)
		goto out;
	for (i = 0; rc == 0 && i < UNITS; i++)
		rc = file_write(files[i], text[i].data, text[i].len, 0644,
		    NULL, e);
	if (rc == 0)
		rc = begin(e);
out:
	for (i = 0; i < UNITS; i++)
		buf_clear(&text[i]);
	return rc;
}
