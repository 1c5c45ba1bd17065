/* SPDX-License-Identifier: ISC */
/* place: a folder of a test's own, made and removed around each test. */
#ifndef POSTERN_TEST_PLACE_H
#define POSTERN_TEST_PLACE_H

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

static char place[64];

/* A path in it; one at a time. */
static inline const char *
at(const char *name)
{
	static char path[4][512];
	static int i;

	i = (i + 1) % 4;
	snprintf(path[i], sizeof(path[i]), "%s/%s", place, name);
	return path[i];
}

static inline void
put_n(const char *name, const char *data, size_t len)
{
	int fd = open(at(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd != -1);
	assert_int_equal(write(fd, data, len), len);
	close(fd);
}

static inline void
put(const char *name, const char *text)
{
	put_n(name, text, strlen(text));
}

/* The whole of a small file. */
static inline const char *
got_file(const char *name)
{
	static char text[8192];
	int fd = open(at(name), O_RDONLY);
	ssize_t n;

	assert_true(fd != -1);
	n = read(fd, text, sizeof(text) - 1);
	assert_true(n >= 0);
	text[n] = '\0';
	close(fd);
	return text;
}

static inline int
place_make(void **state)
{
	snprintf(place, sizeof(place), "/tmp/postern-unit.XXXXXX");
	return mkdtemp(place) == NULL;
}

static inline int
place_drop(const char *path, const struct stat *st, int flag, struct FTW *f)
{
	(void)st;
	(void)flag;
	(void)f;
	return remove(path);
}

static inline int
place_remove(void **state)
{
	return nftw(place, place_drop, 16, FTW_DEPTH | FTW_PHYS);
}

#define in_place(t) cmocka_unit_test_setup_teardown(t, place_make, \
	place_remove)

#endif
