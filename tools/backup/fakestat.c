/* SPDX-License-Identifier: ISC */
#include "fakestat.h"

#include <stdbool.h>
#include <sys/stat.h>

struct in {
	const char *at, *end;
};

/* A number in base 8 or 10, at most max, without needless zeros. */
static bool
number(struct in *in, unsigned base, uint32_t max, uint32_t *ret)
{
	const char *begin = in->at;
	uint64_t n = 0;

	while (in->at < in->end && *in->at >= '0' &&
	    *in->at < (char)('0' + base)) {
		n = n * base + (unsigned)(*in->at - '0');
		if (n > max)
			return false;
		in->at++;
	}
	*ret = (uint32_t)n;
	return in->at > begin && (*begin != '0' || in->at == begin + 1);
}

static bool
byte(struct in *in, char c)
{
	return in->at < in->end && *in->at++ == c;
}

static bool
known_kind(uint32_t mode)
{
	return S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode) ||
	    S_ISCHR(mode) || S_ISBLK(mode) || S_ISFIFO(mode) ||
	    S_ISSOCK(mode);
}

int
fakestat_parse(const char *text, size_t len, struct fakestat *ret,
    struct err *e)
{
	struct in in = { text, text + len };
	struct fakestat f;

	if (!number(&in, 8, 0177777, &f.mode) || !byte(&in, ' ') ||
	    !number(&in, 10, UINT32_MAX, &f.major) || !byte(&in, ',') ||
	    !number(&in, 10, UINT32_MAX, &f.minor) || !byte(&in, ' ') ||
	    !number(&in, 10, UINT32_MAX, &f.uid) || !byte(&in, ':') ||
	    !number(&in, 10, UINT32_MAX, &f.gid) || in.at != in.end)
		return err_set(e, ERR_CONFIG,
		    "%s: not of the form that rsync writes", FAKESTAT_ATTR);
	if (!known_kind(f.mode))
		return err_set(e, ERR_CONFIG,
		    "%s: no kind of file has mode %o", FAKESTAT_ATTR, f.mode);
	*ret = f;
	return 0;
}

size_t
fakestat_emit(const struct fakestat *f, char out[FAKESTAT_MAX])
{
	return (size_t)snprintf(out, FAKESTAT_MAX, "%o %u,%u %u:%u", f->mode,
	    f->major, f->minor, f->uid, f->gid);
}
