/* SPDX-License-Identifier: MIT */
/*
 * The www folder and a worker's cache of it. Every request opens the file anew,
 * so that an edit shows at once and a file that is gone is gone; what the cache
 * saves is reading, hashing and compressing. The kernel keeps us inside the
 * folder (openat2 with RESOLVE_BENEATH): no check of ours could be as sure
 * about symlinks that change meanwhile.
 */
#include "src/web/files_www.h"

#include "eio/hash.h"
#include "eio/list.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
	CACHE_BYTES_MAX = 32 * 1024 * 1024, /* per worker; twice the largest file */
	CACHE_FILES_MAX = 4096, /* and so many empty ones at most */
	COMPRESS_MAX = 1024 * 1024, /* about 40 ms of the worker's time, once */
	OPEN_TRIES = 4, /* openat2 asks to be called again when a rename raced with it */
	READ_TRIES = 3, /* for a file that changes while it is read */
	SETTLED_MS = 2000, /* younger than this, a time stamp may hide a second edit within its own granularity */
};

/* What tells one state of a file from another without reading it. */
struct file_id {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime, ctime;
};

struct cached {
	struct eio_hash_node node;
	struct eio_list used; /* in files_cache.used, least recently used first */
	struct file_id id;
	bool settled; /* the id can be believed */
	size_t bytes; /* counted in files_cache.bytes */
	struct files_entry entry;
	size_t n;
	char path[];
};

struct files_cache {
	struct eio_hash table;
	struct eio_list used;
	size_t bytes;
};

/* Only paths that exist get in, so nobody outside can choose keys to collide. */
static const uint64_t path_key[2] = { 0x66696c65732d7777u, 0x2d70617468730000u };

struct files_cache *
files_cache_new(void)
{
	struct files_cache *c = calloc(1, sizeof *c);

	if (!c) return NULL;
	if (eio_hash_init(&c->table) != 0) {
		free(c);
		return NULL;
	}
	eio_list_init(&c->used);
	return c;
}

static void
cached_drop(struct files_cache *c, struct cached *f)
{
	eio_hash_remove(&c->table, &f->node);
	eio_list_remove(&f->used);
	c->bytes -= f->bytes;
	files_entry_deinit(&f->entry);
	free(f);
}

void
files_cache_free(struct files_cache *c)
{
	struct eio_list *it, *tmp;

	if (!c) return;
	EIO_LIST_FOREACH_SAFE(it, tmp, &c->used)
	cached_drop(c, EIO_CONTAINER(it, struct cached, used));
	eio_hash_deinit(&c->table);
	free(c);
}

static struct cached *
cached_find(struct files_cache *c, struct eio_bytes path)
{
	struct eio_hash_node *n;

	for (n = eio_hash_find(&c->table, eio_hash_bytes(path_key, path)); n; n = eio_hash_next(n)) {
		struct cached *f = EIO_CONTAINER(n, struct cached, node);

		if (eio_bytes_eq(eio_bytes(f->path, f->n), path)) return f;
	}
	return NULL;
}

/* Marks f as just used, counts what it weighs now and makes room by dropping others. */
static void
cached_touch(struct files_cache *c, struct cached *f)
{
	size_t bytes = files_entry_size(&f->entry);

	c->bytes = c->bytes - f->bytes + bytes;
	f->bytes = bytes;
	eio_list_remove(&f->used);
	eio_list_add_tail(&c->used, &f->used);
	while ((c->bytes > CACHE_BYTES_MAX || c->table.count > CACHE_FILES_MAX) && c->used.next != &f->used)
		cached_drop(c, EIO_CONTAINER(c->used.next, struct cached, used));
}

static int
open_beneath(int dirfd, const char *path)
{
	/* O_NONBLOCK: opening a FIFO must not hang the worker. It changes nothing for regular files. */
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	long fd = -1;

	for (int i = 0; i < OPEN_TRIES; i++) {
		fd = syscall(SYS_openat2, dirfd, path, &how, sizeof how);
		if (fd >= 0 || (errno != EAGAIN && errno != EINTR)) break;
	}
	return (int)fd;
}

int
files_www_open(const char *dir, char *err, size_t err_size)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), probe, saved;

	if (fd < 0) {
		saved = errno;
		snprintf(err, err_size, "cannot open the folder %s: %s", dir, strerror(saved));
		return -saved;
	}
	/* Without openat2 (Linux before 5.6, some sandboxes) we could not promise to stay inside: say so now. */
	probe = open_beneath(fd, ".");
	if (probe < 0) {
		saved = errno;
		snprintf(err, err_size, "cannot serve the folder %s: openat2: %s", dir, strerror(saved));
		close(fd);
		return -saved;
	}
	close(probe);
	return fd;
}

int
files_www_check_rights(int dirfd)
{
	int fd = open_beneath(dirfd, "index.html"), err = fd < 0 ? -errno : 0;

	if (fd >= 0) close(fd);
	return err == -EACCES ? err : 0;
}

static struct file_id
id_of(const struct stat *st)
{
	return (struct file_id){ st->st_dev, st->st_ino, st->st_size, st->st_mtim, st->st_ctim };
}

static bool
same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool
same_id(const struct file_id *a, const struct file_id *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size && same_time(a->mtime, b->mtime) &&
	       same_time(a->ctime, b->ctime);
}

/* Whether the file had been left alone for a while when this was asked: the change time is the kernel's own, so unlike
 * the modification time it cannot be set back. */
static bool
id_settled(const struct file_id *id)
{
	struct timespec now;
	int64_t age_ms;

	clock_gettime(CLOCK_REALTIME, &now);
	age_ms = (int64_t)(now.tv_sec - id->ctime.tv_sec) * 1000 + (now.tv_nsec - id->ctime.tv_nsec) / 1000000;
	return age_ms > SETTLED_MS;
}

static enum files_found
found_by_errno(int e)
{
	switch (e) {
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case EIO:
	case EAGAIN:
	case EINTR: return FILES_UNAVAILABLE;
	default: return FILES_NOT_FOUND; /* also EXDEV: a symlink that leads out; and EACCES: not for the public */
	}
}

/* Reads the file until what was read belongs to one state of it; if it never holds still, the last try is served once
 * and not believed later. *st is the state before the read. */
static struct eio_block *
read_steady(int fd, struct stat *st, bool *steady)
{
	struct eio_block *b = NULL;
	struct stat after;

	for (int i = 0; i < READ_TRIES; i++) {
		struct file_id before = id_of(st), now;

		eio_block_unref(b);
		if (lseek(fd, 0, SEEK_SET) < 0) return NULL;
		b = files_read(fd, (size_t)st->st_size);
		if (!b || fstat(fd, &after) != 0) break;
		now = id_of(&after);
		*steady = same_id(&before, &now) && b->n == (size_t)st->st_size;
		if (*steady || after.st_size > FILES_SIZE_MAX) break;
		*st = after;
	}
	return b;
}

/* Reads a file that is not in the cache, or not in this state, and puts it there. NULL with errno set. */
static struct cached *
cached_load(struct files_cache *c, struct eio_bytes path, int fd, struct stat *st)
{
	struct files_entry_kind kind = { .cache_control = "no-cache", .level = FILES_LEVEL_GOOD };
	bool steady = false;
	struct cached *f = calloc(1, sizeof *f + path.n);
	struct eio_block *body;

	if (!f) return NULL;
	kind.type = files_type_of(path, &kind.compressible);
	body = read_steady(fd, st, &steady);
	if (!body) {
		free(f);
		return NULL;
	}
	f->id = id_of(st);
	f->settled = steady && id_settled(&f->id);
	kind.compressible = kind.compressible && body->n <= COMPRESS_MAX;
	if (files_entry_init(&f->entry, body, &kind) != 0) {
		free(f);
		errno = ENOMEM;
		return NULL;
	}
	f->n = path.n;
	memcpy(f->path, path.p, path.n);
	eio_list_init(&f->used);
	eio_hash_add(&c->table, &f->node, eio_hash_bytes(path_key, path));
	return f;
}

/* The regular file that is open: from the cache when it is still the same one. */
static enum files_found
find_open_file(struct files_cache *c, struct eio_bytes path, int fd, struct stat *st, struct eio_bytes accept_encoding,
	const struct files_entry **entry)
{
	struct file_id id = id_of(st);
	struct cached *f = cached_find(c, path);

	if (f && !(f->settled && same_id(&f->id, &id))) {
		cached_drop(c, f);
		f = NULL;
	}
	if (st->st_size > FILES_SIZE_MAX) return FILES_TOO_LARGE;
	if (!f) f = cached_load(c, path, fd, st);
	if (!f) return found_by_errno(errno);

	files_entry_prepare(&f->entry, accept_encoding);
	cached_touch(c, f);
	*entry = &f->entry;
	return FILES_FOUND;
}

enum files_found
files_www_find(int dirfd, struct files_cache *c, const struct files_path *path, struct eio_bytes accept_encoding,
	const struct files_entry **entry)
{
	char name[FILES_PATH_MAX + sizeof("/index.html")];
	enum files_found found;
	struct stat st;
	int fd, n;

	n = snprintf(name, sizeof name, "%s%s%s", path->text, path->folder && path->n ? "/" : "",
		path->folder ? "index.html" : "");
	fd = open_beneath(dirfd, name);
	if (fd < 0) return found_by_errno(errno);
	if (fstat(fd, &st) != 0)
		found = FILES_UNAVAILABLE;
	else if (S_ISDIR(st.st_mode))
		found = path->folder ? FILES_NOT_FOUND : FILES_FOUND_FOLDER;
	else if (!S_ISREG(st.st_mode))
		found = FILES_NOT_FOUND;
	else
		found = find_open_file(c, eio_bytes(name, (size_t)n), fd, &st, accept_encoding, entry);
	close(fd);
	return found;
}
