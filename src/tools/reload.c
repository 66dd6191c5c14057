/* SPDX-License-Identifier: MIT */
/* siocast reload: finds a running siocast in /proc, by the name of the program, and by the file that its arguments
 * name. */
#include "src/tools/tool.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { RELOAD_CONFIG };

static const struct argument reload_options[] = {
	[RELOAD_CONFIG] = { "config", 'c', "FILE", "the one that runs with FILE; needed when several run" },
	{ .name = NULL },
};

enum {
	COMM_MAX = 32, /* bytes of a program's name, of which the kernel keeps 15 */
	RELOAD_ARGUMENTS = 65536, /* bytes of all that a process was started with; what is behind is not looked at */
};

/* What is wanted of a process. */
struct wanted {
	char comm[COMM_MAX]; /* its name, which is ours */
	const char *file; /* resolved; NULL: any */
	pid_t found;
	unsigned n;
};

/* Reads a small file of /proc/PID. Returns how many bytes, 0 when it cannot; a NUL stands behind them. */
static size_t
read_of_process(const char *pid, const char *name, char *out, size_t size)
{
	char path[64];
	size_t n;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%s/%s", pid, name);
	f = fopen(path, "re");
	if (!f) return 0;
	n = fread(out, 1, size - 1, f);
	fclose(f);
	out[n] = '\0';
	return n;
}

/* The argument behind the one at p, of those that end at `end`; NULL: there is none. */
static const char *
next_argument(const char *p, const char *end)
{
	p += strlen(p) + 1;
	return p < end ? p : NULL;
}

/* The file that arguments name; NULL: none, or they are not those of a daemon: a command begins with its name. */
static const char *
file_in_arguments(const char *all, size_t n)
{
	const char *end = all + n, *file = NULL;

	for (const char *p = next_argument(all, end); p; p = next_argument(p, end)) {
		if (strcmp(p, "-t") == 0 || strcmp(p, "--test") == 0 || *p != '-') return NULL;
		if (strcmp(p, "-c") == 0 || strcmp(p, "--config") == 0) {
			p = next_argument(p, end);
			if (!p) return NULL;
			file = p;
		} else if (strncmp(p, "--config=", 9) == 0) {
			file = p + 9;
		} else if (strncmp(p, "-c", 2) == 0) {
			file = p + 2;
		}
	}
	return file;
}

/* Whether a process with a working directory of its own means that file. */
static bool
is_same_file(const char *pid, const char *named, const char *wanted)
{
	char path[PATH_MAX], resolved[PATH_MAX];

	if (*named == '/')
		snprintf(path, sizeof path, "%s", named);
	else
		snprintf(path, sizeof path, "/proc/%s/cwd/%s", pid, named);
	return realpath(path, resolved) && strcmp(resolved, wanted) == 0;
}

static void
look_at_process(struct wanted *w, const char *pid)
{
	static char arguments[RELOAD_ARGUMENTS];
	char comm[COMM_MAX];
	const char *file;
	size_t n;

	if (strtol(pid, NULL, 10) == (long)getpid()) return;
	if (!read_of_process(pid, "comm", comm, sizeof comm) || strcmp(comm, w->comm) != 0) return;
	n = read_of_process(pid, "cmdline", arguments, sizeof arguments);
	file = n ? file_in_arguments(arguments, n) : NULL;
	if (!file || (w->file && !is_same_file(pid, file, w->file))) return;
	w->found = (pid_t)strtol(pid, NULL, 10);
	w->n++;
}

/* -errno when there is no /proc. */
static int
look_at_all(struct wanted *w)
{
	DIR *all = opendir("/proc");
	const struct dirent *one;

	if (!all) return -errno;
	if (!read_of_process("self", "comm", w->comm, sizeof w->comm)) {
		closedir(all);
		return -ENOENT;
	}
	while ((one = readdir(all)))
		if (isdigit((unsigned char)one->d_name[0])) look_at_process(w, one->d_name);
	closedir(all);
	return 0;
}

static int
fail_reload(const struct tool_call *call, const char *what, const char *why)
{
	return tool_fail(call, "%s%s%s", what ? what : "", what ? ": " : "", why);
}

static int
run_reload(const struct tool_call *call)
{
	const char *file = call->values[RELOAD_CONFIG];
	struct wanted w = { .n = 0 };
	char resolved[PATH_MAX];
	int err;

	if (file && !realpath(file, resolved)) return fail_reload(call, file, strerror(errno));
	if (file) w.file = resolved;
	err = look_at_all(&w);
	if (err) return fail_reload(call, "/proc", strerror(-err));
	if (!w.n) return fail_reload(call, file, file ? "no siocast runs with it" : "no siocast runs with a file");
	if (w.n > 1) return fail_reload(call, file, file ? "several run with it" : "several run; name a file with -c");
	if (kill(w.found, SIGHUP)) return fail_reload(call, file, strerror(errno));
	printf("siocast: process %ld reads its configuration anew; its log tells what became of it\n", (long)w.found);
	return TOOL_OK;
}

const struct tool tool_reload = {
	.name = "reload",
	.operands = "",
	.about = "have the siocast that runs with a file read it anew; clients stay",
	.options = reload_options,
	.run = run_reload,
};
