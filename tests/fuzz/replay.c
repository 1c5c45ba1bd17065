/* SPDX-License-Identifier: ISC */
/*
 * replay: a main() for a fuzz target that is built without libFuzzer. Runs it
 * over each file named, and over each file in each folder named; a file that
 * breaks a promise aborts with its name as the last line.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int
replay_file(const char *path)
{
	unsigned char *data = NULL;
	FILE *f = fopen(path, "re");
	struct stat st;
	size_t len;
	int rc = -1;

	if (f == NULL || fstat(fileno(f), &st) == -1)
		goto out;
	len = (size_t)st.st_size;
	/* Exactly as long as the input, so that a sanitizer sees each byte
	 * that is read past it. */
	data = malloc(len > 0 ? len : 1);
	if (data == NULL || fread(data, 1, len, f) != len)
		goto out;
	printf("%s\n", path);
	fflush(stdout);
	LLVMFuzzerTestOneInput(data, len);
	rc = 0;
out:
	if (rc == -1)
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
	if (f != NULL)
		fclose(f);
	free(data);
	return rc;
}

static int
replay_folder(const char *path, unsigned *count)
{
	DIR *d = opendir(path);
	struct dirent *ent;
	char file[4096];
	int rc = 0;

	if (d == NULL) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return -1;
	}
	while (rc == 0 && (ent = readdir(d)) != NULL) {
		if (ent->d_name[0] == '.')
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, ent->d_name);
		rc = replay_file(file);
		(*count)++;
	}
	closedir(d);
	return rc;
}

int
main(int argc, char **argv)
{
	unsigned count = 0;
	struct stat st;
	int i, rc;

	for (i = 1; i < argc; i++) {
		if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode)) {
			rc = replay_folder(argv[i], &count);
		} else {
			rc = replay_file(argv[i]);
			count++;
		}
		if (rc == -1)
			return 1;
	}
	if (count == 0) {
		fprintf(stderr, "nothing to replay\n");
		return 1;
	}
	return 0;
}
