/* SPDX-License-Identifier: MIT */
/*
 * stderr is shared with other processes, so it must not be made non-blocking: that belongs to the open file, and they
 * would find their own writes failing. A pipe or a terminal is opened a second time instead, by its name in /proc; a
 * socket can be told with each send. Files take everything.
 */
#include "src/base/log_output.h"

#include "eio/check.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* How to write without waiting. */
enum output_way {
	OUTPUT_POLLED, /* ask before; two processes that do so at once may still make one of them wait */
	OUTPUT_OWN, /* by a descriptor of our own that does not block */
	OUTPUT_SOCKET,
	OUTPUT_FILE, /* by a descriptor of our own; it takes everything */
};

static struct output {
	pthread_mutex_t lock;
	enum output_way way;
	int fd; /* {lock} once there are threads */
	const char *path; /* of the file, or NULL */
	uint64_t untold; /* {lock} dropped since that was told last */
	char rest[LOG_OUTPUT_MAX]; /* {lock} of a line that was cut: it goes before anything else */
	size_t rest_n;
} outputs[LOG_OUTPUTS] = {
	[LOG_OUTPUT_LOG] = { .lock = PTHREAD_MUTEX_INITIALIZER, .fd = STDERR_FILENO },
	[LOG_OUTPUT_ACCESS] = { .lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1 },
};

static _Atomic uint64_t dropped;

void
log_output_open(void)
{
	struct stat st;
	int fd;

	if (fstat(STDERR_FILENO, &st)) return;
	if (S_ISSOCK(st.st_mode)) outputs[LOG_OUTPUT_LOG].way = OUTPUT_SOCKET;
	if (!S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode)) return;
	fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) return;
	outputs[LOG_OUTPUT_LOG].way = OUTPUT_OWN;
	outputs[LOG_OUTPUT_LOG].fd = fd;
}

/* systemd says which of its sockets the journal reads. */
bool
log_output_is_journal(void)
{
	const char *said = getenv("JOURNAL_STREAM");
	uintmax_t device, inode;
	struct stat st;

	return said && outputs[LOG_OUTPUT_LOG].way != OUTPUT_FILE &&
	       sscanf(said, "%" SCNuMAX ":%" SCNuMAX, &device, &inode) == 2 && fstat(STDERR_FILENO, &st) == 0 &&
	       st.st_dev == device && st.st_ino == inode;
}

static int
open_log_file(const char *path)
{
	return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
}

int
log_output_file(enum log_output which, const char *path)
{
	struct output *o = &outputs[which];
	int fd = open_log_file(path);

	if (fd < 0) return errno;
	if (o->way == OUTPUT_OWN) close(o->fd);
	o->fd = fd;
	o->way = OUTPUT_FILE;
	o->path = path;
	return 0;
}

const char *
log_output_path(enum log_output which)
{
	return outputs[which].path;
}

int
log_output_give(enum log_output which, uid_t uid, gid_t gid)
{
	const struct output *o = &outputs[which];

	return o->path && fchown(o->fd, uid, gid) ? errno : 0;
}

int
log_output_reopen(enum log_output which)
{
	struct output *o = &outputs[which];
	int fd = o->path ? open_log_file(o->path) : 0;

	if (!o->path) return 0;
	if (fd < 0) return errno;
	log_output_lock(which);
	close(o->fd);
	o->fd = fd;
	o->rest_n = 0;
	log_output_unlock(which);
	return 0;
}

void
log_output_lock(enum log_output which)
{
	pthread_mutex_lock(&outputs[which].lock);
}

void
log_output_unlock(enum log_output which)
{
	pthread_mutex_unlock(&outputs[which].lock);
}

/* Writes what is taken at once. Returns how much that is. */
static size_t
output_some(const struct output *o, const char *p, size_t n)
{
	struct pollfd ask = { .fd = o->fd, .events = POLLOUT };
	ssize_t k;

	if (o->way == OUTPUT_SOCKET) {
		k = send(o->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	} else {
		/* When it is gone this says so, too, and the write finds out. */
		if (o->way == OUTPUT_POLLED && poll(&ask, 1, 0) == 0) return 0;
		k = write(o->fd, p, n);
	}
	return k > 0 ? (size_t)k : 0;
}

/* Whether nothing is left of a line that was cut. */
static bool
write_rest(struct output *o)
{
	size_t k = o->rest_n ? output_some(o, o->rest, o->rest_n) : 0;

	o->rest_n -= k;
	memmove(o->rest, o->rest + k, o->rest_n);
	return o->rest_n == 0;
}

uint64_t
log_output_untold(enum log_output which)
{
	struct output *o = &outputs[which];
	struct pollfd ask = { .fd = o->fd, .events = POLLOUT };

	if (!o->untold || !write_rest(o) || poll(&ask, 1, 0) != 1) return 0;
	return o->untold;
}

void
log_output_told(enum log_output which)
{
	outputs[which].untold = 0;
}

bool
log_output_write(enum log_output which, const char *line, size_t n)
{
	struct output *o = &outputs[which];
	size_t k = write_rest(o) ? output_some(o, line, n) : 0;

	CHECK(n <= sizeof o->rest);
	if (k == 0) {
		o->untold++;
		atomic_fetch_add_explicit(&dropped, 1, memory_order_relaxed);
		return false;
	}
	o->rest_n = n - k;
	memcpy(o->rest, line + k, o->rest_n);
	return true;
}

uint64_t
log_output_dropped(void)
{
	return atomic_load_explicit(&dropped, memory_order_relaxed);
}
