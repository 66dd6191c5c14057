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

static struct {
	pthread_mutex_t lock;
	enum output_way way;
	int fd; /* {lock} once there are threads */
	const char *path; /* of the file, or NULL */
	uint64_t untold; /* {lock} dropped since that was told last */
	char rest[LOG_OUTPUT_MAX]; /* {lock} of a line that was cut: it goes before anything else */
	size_t rest_n;
} output = { .lock = PTHREAD_MUTEX_INITIALIZER, .fd = STDERR_FILENO };

static _Atomic uint64_t dropped;

void
log_output_open(void)
{
	struct stat st;
	int fd;

	if (fstat(STDERR_FILENO, &st)) return;
	if (S_ISSOCK(st.st_mode)) output.way = OUTPUT_SOCKET;
	if (!S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode)) return;
	fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) return;
	output.way = OUTPUT_OWN;
	output.fd = fd;
}

/* systemd says which of its sockets the journal reads. */
bool
log_output_is_journal(void)
{
	const char *said = getenv("JOURNAL_STREAM");
	uintmax_t device, inode;
	struct stat st;

	return said && output.way != OUTPUT_FILE && sscanf(said, "%" SCNuMAX ":%" SCNuMAX, &device, &inode) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

static int
open_log_file(const char *path)
{
	return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
}

int
log_output_file(const char *path)
{
	int fd = open_log_file(path);

	if (fd < 0) return errno;
	if (output.way == OUTPUT_OWN) close(output.fd);
	output.fd = fd;
	output.way = OUTPUT_FILE;
	output.path = path;
	return 0;
}

int
log_output_give(uid_t uid, gid_t gid)
{
	return output.path && fchown(output.fd, uid, gid) ? errno : 0;
}

int
log_output_reopen(void)
{
	int fd = output.path ? open_log_file(output.path) : 0;

	if (!output.path) return 0;
	if (fd < 0) return errno;
	log_output_lock();
	close(output.fd);
	output.fd = fd;
	output.rest_n = 0;
	log_output_unlock();
	return 0;
}

void
log_output_lock(void)
{
	pthread_mutex_lock(&output.lock);
}

void
log_output_unlock(void)
{
	pthread_mutex_unlock(&output.lock);
}

/* Writes what is taken at once. Returns how much that is. */
static size_t
output_some(const char *p, size_t n)
{
	struct pollfd ask = { .fd = output.fd, .events = POLLOUT };
	ssize_t k;

	if (output.way == OUTPUT_SOCKET) {
		k = send(output.fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	} else {
		/* When it is gone this says so, too, and the write finds out. */
		if (output.way == OUTPUT_POLLED && poll(&ask, 1, 0) == 0) return 0;
		k = write(output.fd, p, n);
	}
	return k > 0 ? (size_t)k : 0;
}

/* Whether nothing is left of a line that was cut. */
static bool
write_rest(void)
{
	size_t k = output.rest_n ? output_some(output.rest, output.rest_n) : 0;

	output.rest_n -= k;
	memmove(output.rest, output.rest + k, output.rest_n);
	return output.rest_n == 0;
}

uint64_t
log_output_untold(void)
{
	struct pollfd ask = { .fd = output.fd, .events = POLLOUT };

	if (!output.untold || !write_rest() || poll(&ask, 1, 0) != 1) return 0;
	return output.untold;
}

void
log_output_told(void)
{
	output.untold = 0;
}

bool
log_output_write(const char *line, size_t n)
{
	size_t k = write_rest() ? output_some(line, n) : 0;

	CHECK(n <= sizeof output.rest);
	if (k == 0) {
		output.untold++;
		atomic_fetch_add_explicit(&dropped, 1, memory_order_relaxed);
		return false;
	}
	output.rest_n = n - k;
	memcpy(output.rest, line + k, output.rest_n);
	return true;
}

uint64_t
log_output_dropped(void)
{
	return atomic_load_explicit(&dropped, memory_order_relaxed);
}
