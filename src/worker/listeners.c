/* SPDX-License-Identifier: MIT */
/* Listening on the same addresses with several workers. */
#include "src/worker/listeners.h"

#include "src/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PRIVILEGED_PORTS = 1024 }; /* below it, unless the kernel was told otherwise */

/* beside: sockets of ours that may be in the way of the check, as they are going to be closed. */
static int
listen_first(const struct config_listen *l, const struct listeners *beside)
{
	int err = eio_listen_check(l->text);

	for (size_t i = 0; err == -EADDRINUSE && beside && i < beside->n; i++)
		if (beside->addresses[beside->v[i].address].goes && eio_listen_overlaps(beside->v[i].fd, l->text))
			err = 0;
	return err ? err : eio_listen(l->text);
}

static int
copy_of(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	return copy < 0 ? -errno : copy;
}

/* "host:port" with the port of the first worker's socket, when the configured one is 0: all must share it. A Unix
 * socket can be bound once only: the others get a copy of it. */
static int
listen_again(const struct config_listen *l, int first)
{
	char address[300];

	if (l->path) return copy_of(first);
	if (l->port) return eio_listen(l->text);
	snprintf(address, sizeof address, strchr(l->host, ':') ? "[%s]:%u" : "%s:%u", l->host, eio_listen_port(first));
	return eio_listen(address);
}

/* False when memory is out; then it is closed. */
static bool
add_listening(struct listeners *all, struct listening one)
{
	struct listening *v = realloc(all->v, (all->n + 1) * sizeof *v);

	if (!v) {
		close(one.fd);
		return false;
	}
	all->v = v;
	v[all->n++] = one;
	return true;
}

/* A descriptor, or -errno. */
static int
add_opened(struct listeners *all, int fd, unsigned worker, size_t address, bool held)
{
	const struct listening one = { .fd = fd, .worker = worker, .address = address, .held = held };

	if (fd < 0) return fd;
	return add_listening(all, one) ? fd : -ENOMEM;
}

static int
open_own(const struct config *c, size_t address, const struct listeners *beside, struct listeners *all)
{
	const struct config_listen *l = &c->listen[address];
	int first = add_opened(all, listen_first(l, beside), 0, address, false), fd = first;

	for (unsigned w = 1; w < c->workers && fd >= 0; w++)
		fd = add_opened(all, listen_again(l, first), w, address, false);
	return fd;
}

/* Each worker has one at least, and each socket somebody. */
static int
share_inherited(const struct config *c, size_t address, const int *fds, size_t n, bool held, struct listeners *all)
{
	int fd = 0;

	for (size_t i = 0; i < n && fd >= 0; i++)
		fd = add_opened(all, fds[i], (unsigned)(i % c->workers), address, held);
	for (size_t w = n; w < c->workers && fd >= 0; w++)
		fd = add_opened(all, copy_of(fds[w % n]), (unsigned)w, address, held);
	return fd;
}

/* All that are meant for it: the number, or -1 when out of memory. */
static ssize_t
take_inherited(struct inherited *in, const char *text, const char *name, int **fds, bool *held)
{
	ssize_t n = 0;
	bool one_held;
	int fd, *more;

	*held = false;
	while ((fd = inherited_take_listening(in, text, name, &one_held)) >= 0) {
		more = realloc(*fds, (size_t)(n + 1) * sizeof **fds);
		if (!more) return -1;
		*fds = more;
		more[n++] = fd;
		*held |= one_held;
	}
	return n;
}

/* Its sockets: 0, or -errno. *inherited: they were open before. */
static int
open_address(const struct config *c, struct inherited *in, const char *name, size_t address,
	const struct listeners *beside, struct listeners *all, bool *inherited)
{
	struct listen_address *a = &all->addresses[address];
	int *fds = NULL, fd = -ENOMEM;
	ssize_t n = take_inherited(in, a->text, name, &fds, &a->held);

	*inherited = n > 0;
	if (n == 0) fd = open_own(c, address, beside, all);
	if (n > 0) fd = share_inherited(c, address, fds, (size_t)n, a->held, all);
	free(fds);
	return fd < 0 ? fd : 0;
}

static void
tell_listening(const struct listeners *all, size_t address, bool inherited)
{
	log_info("event=listening address=%s port=%u%s", all->addresses[address].text,
		eio_listen_port(listeners_of(all, address)->fd), inherited ? " inherited=1" : "");
}

/* The addresses without their sockets. */
static int
note_addresses(const struct config *c, struct listeners *out)
{
	*out = (struct listeners){ .n = 0 };
	out->addresses = calloc(c->n_listen, sizeof *out->addresses);
	if (!out->addresses) return -ENOMEM;
	for (out->n_addresses = 0; out->n_addresses < c->n_listen; out->n_addresses++) {
		struct listen_address *a = &out->addresses[out->n_addresses];

		a->text = strdup(c->listen[out->n_addresses].text);
		if (!a->text) return -ENOMEM;
		if (strncmp(a->text, "unix:", 5) == 0) a->path = a->text + 5;
	}
	return 0;
}

int
listeners_open(const struct config *c, struct inherited *in, struct listeners *out)
{
	int err = note_addresses(c, out);
	bool inherited;

	for (size_t i = 0; !err && i < c->n_listen; i++) {
		char name[32] = "listen";

		if (i) snprintf(name, sizeof name, "listen-%zu", i);
		err = open_address(c, in, name, i, NULL, out, &inherited);
		if (err)
			log_error_errno(err, "event=listen-failed address=%s", c->listen[i].text);
		else
			tell_listening(out, i, inherited);
	}
	return err ? -1 : 0;
}

/* Another configuration */

/* The number of what is listened on there and is not spoken for, or SIZE_MAX. exactly: however it is written. */
static size_t
find_listened(const struct listeners *now, const char *text, bool exactly)
{
	for (size_t i = 0; i < now->n_addresses; i++) {
		const struct listen_address *a = &now->addresses[i];

		if (!a->goes) continue;
		if (exactly ? strcmp(a->text, text) == 0 : eio_listen_is_at(listeners_of(now, i)->fd, text)) return i;
	}
	return SIZE_MAX;
}

/* All that is listened on goes, but for what is found. */
static void
match_addresses(struct listeners *now, struct listeners *next)
{
	for (size_t i = 0; i < now->n_addresses; i++) now->addresses[i].goes = true;
	for (int exactly = 1; exactly >= 0; exactly--)
		for (size_t i = 0; i < next->n_addresses; i++) {
			struct listen_address *a = &next->addresses[i];
			size_t before = a->kept ? SIZE_MAX : find_listened(now, a->text, exactly);

			if (before == SIZE_MAX) continue;
			now->addresses[before].goes = false;
			a->kept = true;
			a->before = before;
			a->held = now->addresses[before].held;
		}
}

static bool
keep_listened(const struct listeners *now, size_t address, struct listeners *next)
{
	for (size_t i = 0; i < now->n; i++) {
		struct listening one = now->v[i], *v;

		if (one.address != next->addresses[address].before) continue;
		one.address = address;
		one.kept = true;
		v = realloc(next->v, (next->n + 1) * sizeof *v);
		if (!v) return false;
		next->v = v;
		v[next->n++] = one;
	}
	return true;
}

/* What a service manager holds cannot be bound again: it is kept for an address that comes back. */
static bool
park_held(const struct listeners *now, struct inherited *parked)
{
	for (size_t i = 0; i < now->parked.n; i++) {
		const struct inherited_fd *one = &now->parked.v[i];
		int fd = one->fd < 0 ? -1 : copy_of(one->fd);

		if (one->fd >= 0 && (fd < 0 || inherited_add(parked, fd, one->name))) return false;
	}
	for (size_t i = 0; i < now->n; i++) {
		const struct listen_address *a = &now->addresses[now->v[i].address];
		int fd = a->goes && a->held ? copy_of(now->v[i].fd) : -1;

		if (a->goes && a->held && (fd < 0 || inherited_add(parked, fd, a->text))) return false;
	}
	return true;
}

/* In words for whoever has written the address. */
static void
explain_failure(const struct config_listen *l, const struct listeners *now, int err, char *why)
{
	const char *hint = "", *beside = NULL;

	for (size_t i = 0; i < now->n && !beside; i++)
		if (eio_listen_overlaps(now->v[i].fd, l->text)) beside = now->addresses[now->v[i].address].text;
	if (err == -EACCES && !l->path && l->port && l->port < PRIVILEGED_PORTS)
		hint = " (ports below 1024 take a privilege that siocast gave up at its start: a restart opens it)";
	else if (err == -EACCES)
		hint = " (siocast may have become another user at its start)";
	if (err == -EADDRINUSE && beside)
		snprintf(why, LISTENERS_WHY_MAX,
			"listen: \"%s\": %s (\"%s\" is in the way: take it away in a reload of its own)", l->text,
			uv_strerror(err), beside);
	else
		snprintf(why, LISTENERS_WHY_MAX, "listen: \"%s\": %s%s", l->text, uv_strerror(err), hint);
}

static int
prepare_address(struct listeners *now, const struct config *next, size_t i, struct listeners *out, char *why)
{
	const struct listen_address *a = &out->addresses[i];
	bool inherited;
	int err;

	if (a->kept && keep_listened(now, i, out)) return 0;
	err = a->kept ? -ENOMEM : open_address(next, &out->parked, a->text, i, now, out, &inherited);
	if (!err) return 0;
	explain_failure(&next->listen[i], now, err, why);
	return -1;
}

int
listeners_prepare(struct listeners *now, const struct config *next, struct listeners *out, char *why)
{
	bool memory = note_addresses(next, out) == 0;

	if (memory) match_addresses(now, out);
	memory = memory && park_held(now, &out->parked);
	if (!memory) snprintf(why, LISTENERS_WHY_MAX, "listen: memory or files are out");
	for (size_t i = 0; memory && i < out->n_addresses; i++)
		if (prepare_address(now, next, i, out, why)) memory = false;
	if (memory) return 0;
	listeners_forget(out);
	return -1;
}

/* Whether it made the file. */
static bool
has_file(const struct listeners *all, size_t address)
{
	const struct listen_address *a = &all->addresses[address];

	return a->path && !a->held && listeners_of(all, address);
}

void
listeners_forget(struct listeners *next)
{
	for (size_t i = 0; i < next->n_addresses; i++)
		if (!next->addresses[i].kept && has_file(next, i)) unlink(next->addresses[i].path);
	for (size_t i = 0; i < next->n; i++)
		if (!next->v[i].kept && !next->v[i].taken) close(next->v[i].fd);
	listeners_deinit(next);
}

static void
tell_gone(const struct listeners *all, size_t address)
{
	const struct listen_address *a = &all->addresses[address];

	if (a->held)
		log_warn(
			"event=not-listening address=%s hint=\"a service manager holds this socket: who connects waits "
			"until it closes it\"",
			a->text);
	else
		log_info("event=not-listening address=%s", a->text);
	if (!has_file(all, address) || unlink(a->path) == 0 || errno == ENOENT) return;
	log_error_errno(errno, "event=socket-stays address=%s hint=\"nobody listens there\"", a->text);
}

bool
listeners_replace(struct listeners *now, struct listeners *next)
{
	size_t gone = 0, come = 0;

	for (size_t i = 0; i < now->n_addresses; i++) {
		if (!now->addresses[i].goes) continue;
		tell_gone(now, i);
		gone++;
	}
	for (size_t i = 0; i < next->n_addresses; i++) {
		if (next->addresses[i].kept) continue;
		tell_listening(next, i, next->addresses[i].held);
		come++;
	}
	log_info("event=listeners-changed added=%zu removed=%zu same=%zu", come, gone, next->n_addresses - come);
	listeners_deinit(now);
	*now = *next;
	*next = (struct listeners){ .n = 0 };
	for (size_t i = 0; i < now->n; i++) now->v[i].kept = false;
	for (size_t i = 0; i < now->n_addresses; i++) now->addresses[i].kept = false;
	return gone || come;
}

const struct listening *
listeners_of(const struct listeners *all, size_t address)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].address == address) return &all->v[i];
	return NULL;
}

void
listeners_remove_files(const struct listeners *all)
{
	for (size_t i = 0; i < all->n_addresses; i++)
		if (has_file(all, i)) unlink(all->addresses[i].path);
}

void
listeners_deinit(struct listeners *all)
{
	for (size_t i = 0; i < all->n_addresses; i++) free(all->addresses[i].text);
	free(all->addresses);
	free(all->v);
	inherited_discard(&all->parked);
	*all = (struct listeners){ .n = 0 };
}
