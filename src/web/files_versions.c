/* SPDX-License-Identifier: MIT */
/* Finding and comparing versions of the official client. */
#include "src/web/files_versions.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { NUMBERS = 3, DIGITS_MAX = 5 };

/* The numbers of a version; returns how many, or 0 when it is none. */
static int
parse_version(const char *s, unsigned long out[NUMBERS])
{
	for (int n = 0; n < NUMBERS; n++) {
		size_t digits = strspn(s, "0123456789");

		if (digits == 0 || digits > DIGITS_MAX) return 0;
		out[n] = strtoul(s, NULL, 10);
		s += digits;
		if (*s == '\0') return n + 1;
		if (*s++ != '.') return 0;
	}
	return 0;
}

bool
files_version_valid(const char *s)
{
	unsigned long numbers[NUMBERS];

	return parse_version(s, numbers) > 0;
}

bool
files_version_cut(struct eio_bytes text, struct eio_bytes *rest)
{
	const char *slash = text.n ? memchr(text.p, '/', text.n) : NULL;
	char version[NUMBERS * (DIGITS_MAX + 1)];
	size_t n = slash ? (size_t)(slash - text.p) : 0;

	if (!slash || n >= sizeof version) return false;
	memcpy(version, text.p, n);
	version[n] = '\0';
	*rest = eio_bytes(slash + 1, text.n - n - 1);
	return files_version_valid(version);
}

static bool
is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int
add_version(struct files_versions *all, const char *base, const char *folder, const char *version)
{
	struct files_version *v = realloc(all->v, (all->n + 1) * sizeof *v);
	size_t size = strlen(base) + strlen(folder) + sizeof("//dist");
	char *dir = malloc(size), *name = strdup(version);

	if (v) all->v = v;
	if (!v || !dir || !name) {
		free(dir);
		free(name);
		return -ENOMEM;
	}
	snprintf(dir, size, "%s/%s/dist", base, folder);
	/* Before 1.7 the package had its one file at the top. */
	if (!is_folder(dir)) snprintf(dir, size, "%s/%s", base, folder);
	if (!is_folder(dir)) {
		free(dir);
		free(name);
		return 0;
	}
	all->v[all->n++] = (struct files_version){ .version = name, .dir = dir };
	return 0;
}

int
files_versions_find(struct files_versions *out, const char *base)
{
	static const char prefix[] = "client-";
	DIR *d = opendir(base);
	struct dirent *entry;
	int e = 0;

	*out = (struct files_versions){ 0 };
	while (d && e == 0 && (entry = readdir(d))) {
		const char *version = entry->d_name;
		unsigned long numbers[NUMBERS];

		if (strncmp(version, prefix, sizeof prefix - 1) == 0) version += sizeof prefix - 1;
		if (parse_version(version, numbers) == NUMBERS) e = add_version(out, base, entry->d_name, version);
	}
	if (d) closedir(d);
	return e;
}

static bool
is_newer(const unsigned long a[NUMBERS], const unsigned long b[NUMBERS])
{
	for (int i = 0; i < NUMBERS; i++)
		if (a[i] != b[i]) return a[i] > b[i];
	return false;
}

const struct files_version *
files_versions_choose(const struct files_versions *all, const char *wanted)
{
	unsigned long want[NUMBERS], best[NUMBERS] = { 0 }, numbers[NUMBERS];
	int n = parse_version(wanted, want);
	const struct files_version *found = NULL;

	for (size_t i = 0; i < all->n && n > 0; i++) {
		parse_version(all->v[i].version, numbers);
		if (memcmp(numbers, want, (size_t)n * sizeof want[0]) != 0) continue;
		if (found && !is_newer(numbers, best)) continue;
		found = &all->v[i];
		memcpy(best, numbers, sizeof best);
	}
	return found;
}

void
files_versions_list(const struct files_versions *all, struct eio_buf *out)
{
	unsigned long last[NUMBERS] = { 0 }, best[NUMBERS], numbers[NUMBERS];

	for (size_t n = 0; n < all->n; n++) {
		const char *next = NULL;

		for (size_t i = 0; i < all->n; i++) {
			parse_version(all->v[i].version, numbers);
			if ((n && !is_newer(last, numbers)) || (next && !is_newer(numbers, best))) continue;
			next = all->v[i].version;
			memcpy(best, numbers, sizeof best);
		}
		if (!next) return; /* the rest are folders of one version */
		if (n) EIO_BUF_ADD_LIT(out, ", ");
		eio_buf_add(out, eio_cstr(next));
		memcpy(last, best, sizeof last);
	}
}

void
files_versions_deinit(struct files_versions *all)
{
	for (size_t i = 0; i < all->n; i++) {
		free(all->v[i].version);
		free(all->v[i].dir);
	}
	free(all->v);
	*all = (struct files_versions){ 0 };
}
