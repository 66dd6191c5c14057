/* SPDX-License-Identifier: MIT */
/* Messages with descriptors, from one or more Unix sockets; see the header. */
#include "src/adopting.h"

#include "eio/check.h"
#include "src/base/fd_message.h"
#include "src/base/log.h"
#include "src/worker/passage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	ADOPTING_MAGIC = 0xad097146,
	TURN_MESSAGES = 64, /* in one turn of the loop */
};

/* From one process. */
struct way {
	struct adopting *of;
	int fd; /* owned; -1: that process has ended, or this way goes on elsewhere */
	uv_poll_t poll;
	bool polled; /* its handle is open */
	size_t came, closed; /* connections: of all, those that nobody here could take */
};

struct adopting {
	unsigned magic; /* ADOPTING_MAGIC */
	struct workers *workers;
	struct admin *admin;
	size_t n;
	char *message; /* PASSAGE_MAX */
	struct way ways[];
};

struct adopting *
adopting_new(struct inherited *in)
{
	struct adopting *a = NULL, *more;
	int fd;

	while ((fd = inherited_take(in, INHERITED_LATE)) >= 0) {
		more = realloc(a, sizeof *a + ((a ? a->n : 0) + 1) * sizeof a->ways[0]);
		if (!more) {
			log_error("event=adopting-failed error=\"out of memory\"");
			close(fd);
			break;
		}
		if (!a) *more = (struct adopting){ .magic = ADOPTING_MAGIC };
		a = more;
		a->ways[a->n++] = (struct way){ .fd = fd };
	}
	return a;
}

static void
adopt(struct way *w, struct eio_bytes message, int fd)
{
	struct adopting *a = w->of;
	struct eio_leaver l;
	const char *address;
	bool taken = true;

	if (fd < 0) return;
	w->came++;
	if (!passage_read(message, &l, &address)) {
		close(fd);
		w->closed++;
		return;
	}
	l.fd = fd;
	if (strcmp(address, ADMIN_ADDRESS) != 0)
		taken = workers_join(a->workers, &l, address);
	else if (a->admin)
		admin_join(a->admin, &l);
	else
		taken = close(fd) != 0;
	w->closed += !taken;
}

static void
close_way(struct way *w)
{
	if (w->polled) uv_close((uv_handle_t *)&w->poll, NULL);
	w->polled = false;
}

/* One message. 1, 0 when the process before has ended, or -errno. */
static int
receive_passage(struct way *w)
{
	int fd;
	ssize_t n = fd_message_receive(w->fd, w->of->message, PASSAGE_MAX, &fd, MSG_DONTWAIT);

	if (n <= 0) return (int)n;
	adopt(w, eio_bytes(w->of->message, (size_t)n), fd);
	return 1;
}

static void
on_passage(uv_poll_t *poll, int status, int events)
{
	struct way *w = poll->data;
	int n = status < 0 ? status : 1;

	(void)events;
	CHECK_MAGIC(w->of, ADOPTING_MAGIC);
	for (unsigned i = 0; i < TURN_MESSAGES && n > 0; i++) n = receive_passage(w);
	if (n > 0 || n == -EAGAIN) return;
	log_info("event=adopted connections=%zu closed=%zu", w->came, w->closed);
	close_way(w);
	close(w->fd);
	w->fd = -1;
}

void
adopting_start(struct adopting *a, uv_loop_t *loop, struct workers *workers, struct admin *admin)
{
	if (!a) return;
	CHECK_MAGIC(a, ADOPTING_MAGIC);
	a->workers = workers;
	a->admin = admin;
	a->message = malloc(PASSAGE_MAX);
	if (!a->message) log_error("event=adopting-failed error=\"out of memory\"");
	for (size_t i = 0; a->message && i < a->n; i++) {
		struct way *w = &a->ways[i];

		w->of = a;
		w->poll.data = w;
		send(w->fd, "works", 5, MSG_NOSIGNAL | MSG_DONTWAIT);
		w->polled = uv_poll_init(loop, &w->poll, w->fd) == 0;
		if (w->polled) uv_poll_start(&w->poll, UV_READABLE, on_passage);
	}
}

void
adopting_stop(struct adopting *a)
{
	if (!a) return;
	CHECK_MAGIC(a, ADOPTING_MAGIC);
	for (size_t i = 0; i < a->n; i++) close_way(&a->ways[i]);
}

void
adopting_give(struct adopting *a, struct inherited *heirs)
{
	for (size_t i = 0; a && i < a->n; i++) {
		if (a->ways[i].fd >= 0) inherited_add(heirs, a->ways[i].fd, INHERITED_LATE);
		a->ways[i].fd = -1;
	}
}

void
adopting_free(struct adopting *a)
{
	if (!a) return;
	CHECK_MAGIC(a, ADOPTING_MAGIC);
	for (size_t i = 0; i < a->n; i++)
		if (a->ways[i].fd >= 0) close(a->ways[i].fd);
	free(a->message);
	a->magic = 0;
	free(a);
}
