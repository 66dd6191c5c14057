/* SPDX-License-Identifier: MIT */
/*
 * libcurl's multi interface driven by libuv: its sockets are polled and its one timer is armed by handles of ours, and
 * each event is told to curl_multi_socket_action(). libcurl does not allow its functions within its own callbacks; ours
 * only note things, and ends are told when it has returned.
 */
#include "src/hook/transfer.h"

#include "eio/buf.h"
#include "eio/check.h"
#include "eio/list.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

enum {
	TRANSFERS_MAGIC = 0x4007c001,
	TRANSFER_MAGIC = 0x4007c002,
	TRANSFER_SOCKET_MAGIC = 0x4007c003,
	/* What one worker keeps open and idle, to all its applications together. */
	IDLE_CONNECTIONS = 128,
};

struct hook_transfers {
	unsigned magic;
	uv_loop_t *loop;
	CURLM *multi;
	uv_timer_t timer;
	struct eio_list all; /* of struct hook_transfer */
	size_t handles; /* of libuv that are open */
	bool telling; /* ends are being told */
};

struct hook_transfer {
	unsigned magic;
	struct eio_list link;
	struct hook_transfers *of;
	CURL *easy;
	struct curl_slist *headers;
	size_t answer_bytes, head_bytes;
	struct eio_buf body;
	bool too_large;
	hook_transfer_fn done;
	void *user;
};

/* A socket of libcurl's that it wants to be polled. */
struct transfer_socket {
	unsigned magic;
	struct hook_transfers *of;
	curl_socket_t fd;
	uv_poll_t poll;
};

/* Once for the program */

const char *
hook_transfers_init(void)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT)) return "libcurl does not start";
	/* Without, getaddrinfo() would hold up the loop. */
	if (!(curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_ASYNCHDNS))
		return "this libcurl looks up names while everything else waits";
	return NULL;
}

const char *
hook_transfer_refuses(const char *url)
{
	CURLU *u = curl_url();
	CURLUcode rc = u ? curl_url_set(u, CURLUPART_URL, url, 0) : CURLUE_OUT_OF_MEMORY;
	char *fragment = NULL;

	if (rc == CURLUE_OK && curl_url_get(u, CURLUPART_FRAGMENT, &fragment, 0) == CURLUE_OK) {
		curl_free(fragment);
		curl_url_cleanup(u);
		return "a URL that is asked has no fragment";
	}
	curl_url_cleanup(u);
	return rc == CURLUE_OK ? NULL : curl_url_strerror(rc);
}

/* What libcurl is told */

static void
free_transfer(struct hook_transfer *x)
{
	eio_list_remove(&x->link);
	if (x->easy) {
		curl_multi_remove_handle(x->of->multi, x->easy);
		curl_easy_cleanup(x->easy);
	}
	curl_slist_free_all(x->headers);
	eio_buf_deinit(&x->body);
	x->magic = 0;
	free(x);
}

static void
tell_transfer(struct hook_transfer *x, CURLcode result)
{
	struct hook_transfer_end end = { .too_large = x->too_large };
	long status = 0;
	curl_off_t retry = 0;

	if (result == CURLE_OK && eio_buf_failed(&x->body)) result = CURLE_OUT_OF_MEMORY;
	if (result == CURLE_OK) {
		curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
		curl_easy_getinfo(x->easy, CURLINFO_RETRY_AFTER, &retry);
		end.status = (unsigned)status;
		end.body = eio_buf_bytes(&x->body);
		end.retry_after_s = retry > 0 && retry < 1000000 ? (unsigned)retry : 0;
	}
	if (end.status == 0) end.why = x->too_large ? "the answer is too large" : curl_easy_strerror(result);
	x->done(x->user, &end);
}

/* Ends are told one by one: whoever hears of one may begin and cancel others. */
static void
tell_transfers(struct hook_transfers *t)
{
	struct CURLMsg *m;
	int left;

	if (t->telling) return;
	t->telling = true;
	while ((m = curl_multi_info_read(t->multi, &left))) {
		struct hook_transfer *x;
		CURLcode result = m->data.result;
		char *private = NULL;

		if (m->msg != CURLMSG_DONE) continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &private);
		x = (void *)private;
		CHECK_MAGIC(x, TRANSFER_MAGIC);
		tell_transfer(x, result);
		free_transfer(x);
	}
	t->telling = false;
}

static void
on_transfer_timer(uv_timer_t *timer)
{
	struct hook_transfers *t = timer->data;
	int running;

	CHECK_MAGIC(t, TRANSFERS_MAGIC);
	curl_multi_socket_action(t->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	tell_transfers(t);
}

static void
on_transfer_poll(uv_poll_t *poll, int status, int events)
{
	struct transfer_socket *s = poll->data;
	struct hook_transfers *t;
	int flags = 0, running;

	CHECK_MAGIC(s, TRANSFER_SOCKET_MAGIC);
	t = s->of;
	if (status < 0) flags = CURL_CSELECT_ERR;
	if (events & UV_READABLE) flags |= CURL_CSELECT_IN;
	if (events & UV_WRITABLE) flags |= CURL_CSELECT_OUT;
	curl_multi_socket_action(t->multi, s->fd, flags, &running); /* s may be closed by it */
	tell_transfers(t);
}

/* What libcurl wants */

static void
transfers_released(struct hook_transfers *t)
{
	if (--t->handles) return;
	t->magic = 0;
	free(t);
}

static void
on_transfer_socket_closed(uv_handle_t *h)
{
	struct transfer_socket *s = h->data;
	struct hook_transfers *t;

	CHECK_MAGIC(s, TRANSFER_SOCKET_MAGIC);
	t = s->of;
	s->magic = 0;
	free(s);
	transfers_released(t);
}

/* NULL when it cannot be polled. */
static struct transfer_socket *
open_transfer_socket(struct hook_transfers *t, curl_socket_t fd)
{
	struct transfer_socket *s = calloc(1, sizeof *s);

	if (!s) return NULL;
	*s = (struct transfer_socket){ .magic = TRANSFER_SOCKET_MAGIC, .of = t, .fd = fd };
	if (uv_poll_init_socket(t->loop, &s->poll, fd)) {
		free(s);
		return NULL;
	}
	s->poll.data = s;
	t->handles++;
	curl_multi_assign(t->multi, fd, s);
	return s;
}

/* An error here would be the end of all transfers to come. A socket that is not polled is one transfer that is
 * cancelled in the end. */
static int
on_transfer_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *assigned)
{
	struct hook_transfers *t = user;
	struct transfer_socket *s = assigned;
	int events = 0;

	(void)easy;
	CHECK_MAGIC(t, TRANSFERS_MAGIC);
	if (what == CURL_POLL_REMOVE) {
		if (!s) return 0;
		curl_multi_assign(t->multi, fd, NULL);
		uv_close((uv_handle_t *)&s->poll, on_transfer_socket_closed);
		return 0;
	}
	if (!s) s = open_transfer_socket(t, fd);
	if (!s) return 0;
	CHECK_MAGIC(s, TRANSFER_SOCKET_MAGIC);
	if (what & CURL_POLL_IN) events |= UV_READABLE;
	if (what & CURL_POLL_OUT) events |= UV_WRITABLE;
	uv_poll_start(&s->poll, events, on_transfer_poll);
	return 0;
}

static int
on_transfer_timeout(CURLM *multi, long ms, void *user)
{
	struct hook_transfers *t = user;

	(void)multi;
	CHECK_MAGIC(t, TRANSFERS_MAGIC);
	if (uv_is_closing((uv_handle_t *)&t->timer)) return 0;
	if (ms < 0)
		uv_timer_stop(&t->timer);
	else
		uv_timer_start(&t->timer, on_transfer_timer, (uint64_t)ms, 0);
	return 0;
}

/* Head and body of an answer are bounded together. */
static bool
within_answer(struct hook_transfer *x, size_t n)
{
	CHECK_MAGIC(x, TRANSFER_MAGIC);
	x->too_large = n > x->answer_bytes - x->head_bytes - x->body.n;
	return !x->too_large;
}

static size_t
on_transfer_body(char *p, size_t one, size_t n, void *user)
{
	struct hook_transfer *x = user;

	(void)one;
	if (!within_answer(x, n)) return 0; /* which ends the transfer */
	eio_buf_append(&x->body, p, n);
	return n;
}

static size_t
on_transfer_head(char *p, size_t one, size_t n, void *user)
{
	struct hook_transfer *x = user;

	(void)p;
	(void)one;
	if (!within_answer(x, n)) return 0;
	x->head_bytes += n;
	return n;
}

/* From beginning to end */

static void
on_transfers_timer_closed(uv_handle_t *h)
{
	struct hook_transfers *t = h->data;

	CHECK_MAGIC(t, TRANSFERS_MAGIC);
	transfers_released(t);
}

struct hook_transfers *
hook_transfers_new(uv_loop_t *loop)
{
	struct hook_transfers *t = calloc(1, sizeof *t);

	if (!t) return NULL;
	t->magic = TRANSFERS_MAGIC;
	t->loop = loop;
	eio_list_init(&t->all);
	t->multi = curl_multi_init();
	if (!t->multi) {
		free(t);
		return NULL;
	}
	uv_timer_init(loop, &t->timer);
	t->timer.data = t;
	t->handles = 1;
	curl_multi_setopt(t->multi, CURLMOPT_SOCKETFUNCTION, on_transfer_socket);
	curl_multi_setopt(t->multi, CURLMOPT_SOCKETDATA, t);
	curl_multi_setopt(t->multi, CURLMOPT_TIMERFUNCTION, on_transfer_timeout);
	curl_multi_setopt(t->multi, CURLMOPT_TIMERDATA, t);
	curl_multi_setopt(t->multi, CURLMOPT_MAXCONNECTS, (long)IDLE_CONNECTIONS);
	return t;
}

void
hook_transfers_close(struct hook_transfers *t)
{
	struct eio_list *l, *next;

	CHECK_MAGIC(t, TRANSFERS_MAGIC);
	CHECK(!t->telling);
	EIO_LIST_FOREACH_SAFE(l, next, &t->all) free_transfer(EIO_CONTAINER(l, struct hook_transfer, link));
	curl_multi_cleanup(t->multi);
	uv_close((uv_handle_t *)&t->timer, on_transfers_timer_closed);
}

/* The loop must not wait, and the environment must not decide who is told what clients said. */
static void
set_limits(CURL *e)
{
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L); /* who is cancelled does not wait for getaddrinfo() */
	curl_easy_setopt(e, CURLOPT_PROXY, "");
	curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, 0x7fffffffL); /* whoever asks has a timeout */
}

static bool
add_header_line(struct hook_transfer *x, const char *line)
{
	struct curl_slist *all = curl_slist_append(x->headers, line);

	if (!all) return false;
	x->headers = all;
	return true;
}

/* False when out of memory. */
static bool
set_headers(struct hook_transfer *x, const struct hook_spec *spec, struct eio_bytes heads)
{
	const char *type = spec->form ? "Content-Type: application/x-www-form-urlencoded"
				      : "Content-Type: application/json";

	/* Bodies leave at once, instead of a second later when the peer knows no 100 Continue. */
	if (!add_header_line(x, type) || !add_header_line(x, "Expect:")) return false;
	if (spec->form && !add_header_line(x, "X-Requested-With: XMLHttpRequest")) return false;
	for (const char *p = heads.p, *end = heads.p + heads.n; p < end; p += strlen(p) + 1)
		if (!add_header_line(x, p)) return false;
	return curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->headers) == CURLE_OK;
}

static CURLcode
set_request(struct hook_transfer *x, const struct hook_spec *spec, struct eio_bytes body, struct eio_bytes heads)
{
	CURL *e = x->easy;
	CURLcode rc;

	set_limits(e);
	if (!set_headers(x, spec, heads)) return CURLE_OUT_OF_MEMORY;
	curl_easy_setopt(e, CURLOPT_PRIVATE, x);
	curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n);
	curl_easy_setopt(e, CURLOPT_POSTFIELDS, body.p);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_transfer_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, x);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_transfer_head);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, x);
	/* These copy. */
	rc = curl_easy_setopt(e, CURLOPT_USERAGENT, "siocast");
	if (!rc && spec->socket_path) rc = curl_easy_setopt(e, CURLOPT_UNIX_SOCKET_PATH, spec->socket_path);
	return rc ? rc : curl_easy_setopt(e, CURLOPT_URL, spec->url);
}

struct hook_transfer *
hook_transfer_start(struct hook_transfers *t, const struct hook_spec *spec, struct eio_bytes body,
	struct eio_bytes heads, hook_transfer_fn done, void *user)
{
	struct hook_transfer *x = calloc(1, sizeof *x);

	CHECK_MAGIC(t, TRANSFERS_MAGIC);
	if (!x) return NULL;
	*x = (struct hook_transfer){
		.magic = TRANSFER_MAGIC, .of = t, .answer_bytes = spec->answer_bytes, .done = done, .user = user
	};
	eio_list_add_tail(&t->all, &x->link);
	x->easy = curl_easy_init();
	if (x->easy && !set_request(x, spec, body, heads) && !curl_multi_add_handle(t->multi, x->easy)) return x;
	free_transfer(x);
	return NULL;
}

void
hook_transfer_cancel(struct hook_transfer *x)
{
	CHECK_MAGIC(x, TRANSFER_MAGIC);
	free_transfer(x);
}
