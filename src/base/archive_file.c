/* SPDX-License-Identifier: MIT */
/* Files of archives. */
#include "src/base/archive_file.h"

#include "src/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

enum { TELL_MS = 2000 };

/* One that is being written. */
struct filling {
	int fd, err; /* negative: what failed */
	uint64_t begun_ms, told_ms, bytes;
	unsigned max_ms;
	const char *path;
};

static uint64_t
now_in_ms(void)
{
	return uv_hrtime() / 1000000;
}

/* What was done to a folder outlives a loss of power. */
static int
sync_folder(const char *path)
{
	char copy[PATH_MAX];
	int fd, err = 0;

	snprintf(copy, sizeof copy, "%s", path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) return -errno;
	if (fsync(fd) && errno != EINVAL && errno != EROFS) err = -errno;
	close(fd);
	return err;
}

static void
tell_progress(struct filling *f)
{
	uint64_t now = now_in_ms();

	if (now - f->begun_ms > f->max_ms) f->err = -ETIMEDOUT;
	if (now - f->told_ms < TELL_MS) return;
	f->told_ms = now;
	log_info("event=state-saving file=\"%s\" bytes=%" PRIu64, LOG_ESCAPE(eio_cstr(f->path)), f->bytes);
}

static bool
put_in_file(void *user, struct eio_bytes bytes)
{
	struct filling *f = user;

	while (bytes.n && !f->err) {
		ssize_t n = write(f->fd, bytes.p, bytes.n);

		if (n < 0 && errno == EINTR) continue;
		if (n < 0) {
			f->err = -errno;
			break;
		}
		bytes = eio_bytes(bytes.p + n, bytes.n - (size_t)n);
		f->bytes += (size_t)n;
		tell_progress(f);
	}
	return f->err == 0;
}

static int
fill_file(struct filling *f, void (*fill)(void *user, struct archive_out *out), void *user)
{
	struct archive_out out;
	uint64_t key[2];
	bool good;

	f->err = uv_random(NULL, NULL, key, sizeof key, 0, NULL);
	if (f->err) return f->err;
	archive_begin(&out, key, put_in_file, f);
	fill(user, &out);
	good = archive_end(&out);
	if (!good) return f->err ? f->err : -ENOMEM;
	return 0;
}

int
archive_file_write(const char *path, unsigned max_ms, void (*fill)(void *user, struct archive_out *out), void *user,
	uint64_t *bytes)
{
	struct filling f = { .begun_ms = now_in_ms(), .told_ms = now_in_ms(), .max_ms = max_ms, .path = path };
	char beside[PATH_MAX];
	int err;

	if ((size_t)snprintf(beside, sizeof beside, "%s.new", path) >= sizeof beside) return -ENAMETOOLONG;
	if (unlink(path) && errno != ENOENT) return -errno;
	if (unlink(beside) && errno != ENOENT) return -errno;
	f.fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (f.fd < 0) return -errno;
	err = fill_file(&f, fill, user);
	if (!err && fsync(f.fd)) err = -errno;
	if (close(f.fd) && !err) err = -errno;
	if (!err && rename(beside, path)) err = -errno;
	if (!err) err = sync_folder(path);
	if (err) unlink(beside);
	*bytes = f.bytes;
	return err;
}

int
archive_memory_write(unsigned max_ms, void (*fill)(void *user, struct archive_out *out), void *user, uint64_t *bytes)
{
	struct filling f = { .begun_ms = now_in_ms(), .told_ms = now_in_ms(), .max_ms = max_ms, .path = "(memory)" };
	int err;

	f.fd = memfd_create("siocast-state", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (f.fd < 0) return -errno;
	err = fill_file(&f, fill, user);
	if (!err && fcntl(f.fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL)) err = -errno;
	if (err) close(f.fd);
	*bytes = f.bytes;
	return err ? err : f.fd;
}

/* Reading */

static int
map_file(int fd, struct archive_file *out)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st)) return -errno;
	if (!S_ISREG(st.st_mode)) return -EINVAL;
	if (st.st_size == 0) return 0;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED) return -errno;
	out->all = eio_bytes(p, (size_t)st.st_size);
	return 0;
}

int
archive_file_take(const char *path, struct archive_file *out)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), err;

	*out = (struct archive_file){ .all = { NULL, 0 } };
	if (fd < 0) return -errno;
	err = map_file(fd, out);
	close(fd);
	if (!err && unlink(path)) err = -errno;
	if (!err) err = sync_folder(path);
	if (err) archive_file_free(out);
	return err;
}

void
archive_file_free(struct archive_file *f)
{
	if (f->all.n) munmap((void *)(uintptr_t)f->all.p, f->all.n);
	f->all = eio_bytes(NULL, 0);
}

int
archive_memory_take(int fd, struct archive_file *out)
{
	int err;

	*out = (struct archive_file){ .all = { NULL, 0 } };
	err = map_file(fd, out);
	close(fd);
	return err;
}
