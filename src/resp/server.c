/* SPDX-License-Identifier: MIT */
/* The intake's place on its thread: who is let in, whose turn it is, and the end. */
#include "src/resp/server_int.h"

#include "eio/check.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	INTAKE_BURST = 64, /* connections taken per wake-up, so that the ones already here get their turn */
	SECOND_MS = 1000,
};

static struct resp_server *
resp_server_of(void *user)
{
	struct resp_server *s = user;

	CHECK_MAGIC(s, RESP_SERVER_MAGIC);
	return s;
}

static uv_loop_t *
loop_of_server(struct resp_server *s)
{
	return &s->options.thread->loop;
}

/* Who is let in */

static void
turn_away(struct resp_server *s, int fd)
{
	static const char too_many[] = "-ERR max number of clients reached\r\n";

	metrics_inc(s->metrics, RESP_METRIC_REFUSED);
	LOG_DEBUG_LIMITED(&s->debug_limit, uv_now(loop_of_server(s)), "event=intake-full connections=%zu", s->n_conns);
	if (send(fd, too_many, sizeof too_many - 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) errno = 0;
	close(fd);
}

/* Whether accepting has to pause, because there are no descriptors. */
static bool
is_short_of(int err)
{
	return err == EMFILE || err == ENFILE || err == ENOBUFS || err == ENOMEM;
}

static void
on_intake_client(uv_poll_t *poll, int status, int events)
{
	struct resp_server *s = resp_server_of(poll->data);
	int fd;

	(void)events;
	for (int i = 0; status == 0 && i < INTAKE_BURST; i++) {
		fd = accept4(s->options.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0 && is_short_of(errno)) {
			log_limited(LOG_LEVEL_WARN, &s->limit, uv_now(loop_of_server(s)),
				"event=intake-accept-paused error=\"%s\"", uv_strerror(-errno));
			uv_poll_stop(poll);
			s->accepts = false;
			return;
		}
		if (fd < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
		if (fd < 0) continue; /* one that died before it was taken */
		if (s->n_conns >= s->options.spec->max_clients)
			turn_away(s, fd);
		else
			resp_conn_new(s, fd);
	}
}

static void
accept_clients(struct resp_server *s)
{
	int err = uv_poll_start(&s->listener, UV_READABLE, on_intake_client);

	if (err) log_error_errno(err, "event=intake-accept-failed");
	s->accepts = !err;
}

/* Time */

static void
close_idle(struct resp_server *s)
{
	uint64_t now = uv_now(loop_of_server(s)), most = (uint64_t)s->options.spec->timeout_s * 1000;
	struct eio_list *l, *next;

	EIO_LIST_FOREACH_SAFE(l, next, &s->conns)
	{
		struct resp_conn *c = EIO_CONTAINER(l, struct resp_conn, link);

		/* Who waits for a turn has said something. */
		if (now - c->active_ms < most || !eio_list_empty(&c->wait)) continue;
		metrics_inc(s->metrics, RESP_METRIC_IDLE);
		resp_conn_close(c);
	}
}

static void
on_resp_second(uv_timer_t *t)
{
	struct resp_server *s = resp_server_of(t->data);

	if (!s->accepts) accept_clients(s);
	if (s->options.spec->timeout_s) close_idle(s);
}

/* Turns */

static bool
can_take(const struct resp_server *s)
{
	return s->options.taker.keeps_up(s->options.taker.user);
}

/* Those that wait longest go on; the others in the next turns. */
static void
on_resp_turn(uv_idle_t *turn)
{
	struct resp_server *s = resp_server_of(turn->data);

	for (int i = 0; i < RESP_TURN_CONNS && !eio_list_empty(&s->waiting) && can_take(s); i++) {
		struct resp_conn *c = EIO_CONTAINER(s->waiting.next, struct resp_conn, wait);

		eio_list_remove(&c->wait);
		resp_conn_go_on(c);
	}
	if (eio_list_empty(&s->waiting))
		uv_idle_stop(turn);
	else
		s->wake(s);
}

static void on_resp_behind(uv_timer_t *t);

/* Has those that wait go on: as soon as something can be taken. */
static void
wake_waiting(struct resp_server *s)
{
	if (can_take(s)) {
		uv_idle_start(&s->turn, on_resp_turn);
	} else {
		uv_idle_stop(&s->turn);
		uv_timer_start(&s->behind, on_resp_behind, RESP_BEHIND_MS, 0);
	}
}

static void
on_resp_behind(uv_timer_t *t)
{
	struct resp_server *s = resp_server_of(t->data);

	if (!eio_list_empty(&s->waiting)) wake_waiting(s);
}

static void
show_resp_metrics(struct resp_server *s)
{
	for (size_t i = 0; i < RESP_COMMAND_COUNT; i++)
		metrics_put(s->metrics, RESP_METRIC_COMMAND_PUBLISH + i, s->tally.commands[i]);
	for (size_t i = 0; i < RESP_ERROR_COUNT; i++)
		metrics_put(s->metrics, RESP_METRIC_ERROR_PROTOCOL + i, s->tally.errors[i]);
	metrics_put(s->metrics, RESP_METRIC_HELD, s->held);
}

static void
on_resp_end(uv_check_t *end)
{
	struct resp_server *s = resp_server_of(end->data);

	if (!s->turn_bytes) return;
	s->turn_bytes = 0;
	show_resp_metrics(s);
}

/* From the beginning to the end */

static void
take_resp_start(void *user, struct mail *run)
{
	struct resp_server *s = resp_server_of(user);

	(void)run;
	uv_check_start(&s->end, on_resp_end);
	uv_timer_start(&s->second, on_resp_second, SECOND_MS, SECOND_MS);
	accept_clients(s);
}

static void
on_listener_gone(uv_handle_t *h)
{
	struct resp_server *s = resp_server_of(h->data);

	close(s->options.fd);
	s->options.fd = -1;
}

static void
shut_down_resp(struct resp_server *s)
{
	struct eio_list *l, *next;

	s->closed = true;
	EIO_LIST_FOREACH_SAFE(l, next, &s->conns) resp_conn_finish(EIO_CONTAINER(l, struct resp_conn, link));
	show_resp_metrics(s);
	uv_close((uv_handle_t *)&s->listener, on_listener_gone);
	uv_close((uv_handle_t *)&s->turn, NULL);
	uv_close((uv_handle_t *)&s->end, NULL);
	uv_close((uv_handle_t *)&s->second, NULL);
	uv_close((uv_handle_t *)&s->behind, NULL);
	uv_sem_post(&s->stopped);
}

static void
take_resp_stop(void *user, struct mail *run)
{
	(void)run;
	shut_down_resp(resp_server_of(user));
}

static void
free_resp(struct resp_server *s)
{
	metrics_free(s->metrics);
	s->magic = 0;
	free(s);
}

/* False when something fails, and then no handle is on the loop. */
static bool
init_resp_handles(struct resp_server *s)
{
	uv_loop_t *loop = loop_of_server(s);

	if (uv_sem_init(&s->stopped, 0)) return false;
	if (uv_poll_init(loop, &s->listener, s->options.fd)) {
		uv_sem_destroy(&s->stopped);
		return false;
	}
	uv_idle_init(loop, &s->turn);
	uv_check_init(loop, &s->end);
	uv_timer_init(loop, &s->second);
	uv_timer_init(loop, &s->behind);
	s->listener.data = s->turn.data = s->end.data = s->second.data = s->behind.data = s;
	return true;
}

struct resp_server *
resp_server_new(const struct resp_server_options *options)
{
	struct resp_server *s = calloc(1, sizeof *s);
	struct mailbox *mailbox = &options->thread->mailbox;

	if (!s) return NULL;
	s->magic = RESP_SERVER_MAGIC;
	s->options = *options;
	s->wake = wake_waiting;
	s->starts = (struct mail_port){ mailbox, take_resp_start, s };
	s->stops = (struct mail_port){ mailbox, take_resp_stop, s };
	eio_list_init(&s->conns);
	eio_list_init(&s->waiting);
	s->metrics = metrics_new(options->metrics, &resp_metrics, NULL);
	if (s->metrics && init_resp_handles(s)) return s;
	free_resp(s);
	return NULL;
}

void
resp_server_start(struct resp_server *s)
{
	mail_post(&s->starts, &s->start);
}

void
resp_server_stop(struct resp_server *s)
{
	if (!s->options.thread->running) {
		shut_down_resp(s);
		return;
	}
	mail_post(&s->stops, &s->stop);
	uv_sem_wait(&s->stopped);
}

void
resp_server_free(struct resp_server *s)
{
	if (!s) return;
	CHECK(!s->options.thread->running && s->closed);
	uv_sem_destroy(&s->stopped);
	free_resp(s);
}
