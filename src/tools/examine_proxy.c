/* SPDX-License-Identifier: MIT */
/* Facts of what stands between browsers and siocast: a session by polling, and a WebSocket. */
#include "src/tools/examine.h"

#include "sio/json.h"
#include "src/tools/fetch.h"
#include "src/tools/page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uv.h>

enum { PROXY_TIMEOUT_MS = 10000, POLL_TIMEOUT_MS = 5000, SID_BYTES = 64 };

/* The endpoint behind a URL: its own path, or that of the configuration. */
static void
write_endpoint(struct eio_buf *out, const struct config *c, const char *url, const char *query)
{
	const char *host = strstr(url, "://"), *path = host ? strchr(host + 3, '/') : NULL;

	eio_buf_append(out, url, path ? (size_t)(path - url) : strlen(url));
	eio_buf_add(out, eio_cstr(path && path[1] ? path : c->path));
	eio_buf_printf(out, "?EIO=4&transport=polling%s", query);
	eio_buf_addc(out, '\0');
}

/* Opens a session. false, with what came in *answer, when that is no answer of siocast. */
static bool
try_handshake(const char *url, const char *ca_file, struct fetched *answer, char sid[SID_BYTES], uint64_t *interval_ms)
{
	const struct fetch f = { .url = url, .ca_file = ca_file, .timeout_ms = PROXY_TIMEOUT_MS };
	struct eio_bytes body, value;
	char digits[24];

	*answer = (struct fetched){ .status = 0 };
	if (fetch(&f, answer) || answer->status != 200) return false;
	body = eio_buf_bytes(&answer->body);
	if (!body.n || body.p[0] != '0') return false;
	body = eio_bytes(body.p + 1, body.n - 1);
	if (sio_json_check(body) || !sio_json_find(body, EIO_LIT("/sid"), &value) || value.n < 3 ||
		value.n >= SID_BYTES)
		return false;
	snprintf(sid, SID_BYTES, "%.*s", (int)value.n - 2, value.p + 1);
	if (sio_json_find(body, EIO_LIT("/pingInterval"), &value) && value.n < sizeof digits) {
		snprintf(digits, sizeof digits, "%.*s", (int)value.n, value.p);
		*interval_ms = strtoull(digits, NULL, 10);
	}
	return true;
}

/* A poll on a thread of its own: it waits, while the POST that ends it is sent. */
struct held_poll {
	const char *url, *ca_file;
	uint64_t answered_ns; /* 0: it was not */
};

static void
hold_poll(void *arg)
{
	struct held_poll *h = arg;
	const struct fetch f = { .url = h->url, .ca_file = h->ca_file, .timeout_ms = POLL_TIMEOUT_MS };
	struct fetched answer = { .status = 0 };

	if (fetch(&f, &answer) == 0 && answer.status == 200) h->answered_ns = uv_hrtime();
	fetched_free(&answer);
}

/* How long it takes from a packet of a client to siocast's answer by a poll. */
static uint64_t
measure_answer(const char *session_url, const char *ca_file)
{
	struct held_poll h = { .url = session_url, .ca_file = ca_file };
	const struct fetch post = {
		.url = session_url, .ca_file = ca_file, .post = "40", .timeout_ms = POLL_TIMEOUT_MS
	};
	struct fetched answer = { .status = 0 };
	uint64_t began_ns;
	uv_thread_t thread;
	int err;

	if (uv_thread_create(&thread, hold_poll, &h)) return UINT64_MAX;
	began_ns = uv_hrtime();
	err = fetch(&post, &answer);
	uv_thread_join(&thread);
	if (answer.status != 200) err = -1;
	fetched_free(&answer);
	if (err || !h.answered_ns) return UINT64_MAX;
	return h.answered_ns > began_ns ? (h.answered_ns - began_ns) / 1000000 : 0;
}

/* As a client that leaves: else it would be counted until it is missed. */
static void
end_session(const struct config *c, const char *url, const char *ca_file, const char *sid)
{
	struct eio_buf endpoint = { 0 };
	struct fetch post = { .ca_file = ca_file, .post = "1", .timeout_ms = POLL_TIMEOUT_MS };
	struct fetched answer = { .status = 0 };
	char query[SID_BYTES + 8];

	if (!*sid) return;
	snprintf(query, sizeof query, "&sid=%.*s", SID_BYTES - 1, sid);
	write_endpoint(&endpoint, c, url, query);
	post.url = endpoint.p;
	(void)fetch(&post, &answer);
	fetched_free(&answer);
	eio_buf_deinit(&endpoint);
}

static void
examine_polling(
	const struct config *c, const char *url, const char *ca_file, struct proxy_facts *out, struct examine_memory *m)
{
	char sid[2][SID_BYTES] = { "", "" }, query[SID_BYTES + 8];
	struct eio_buf endpoint = { 0 };
	struct fetched answer;

	write_endpoint(&endpoint, c, url, "");
	out->is_siocast = try_handshake(endpoint.p, ca_file, &answer, sid[0], &out->ping_interval_ms);
	out->status = answer.status;
	out->expires_s = answer.expires_s;
	if (!answer.status) {
		snprintf(m->one, sizeof m->one, "%s", answer.why);
		out->away = m->one;
	}
	fetched_free(&answer);
	if (out->is_siocast) {
		out->cached = try_handshake(endpoint.p, ca_file, &answer, sid[1], &out->ping_interval_ms) &&
			      strcmp(sid[0], sid[1]) == 0;
		fetched_free(&answer);
		snprintf(query, sizeof query, "&sid=%s", sid[0]);
		eio_buf_clear(&endpoint);
		write_endpoint(&endpoint, c, url, query);
		out->answer_ms = measure_answer(endpoint.p, ca_file);
	}
	for (size_t i = 0; i < 2; i++) end_session(c, url, ca_file, sid[i]);
	eio_buf_deinit(&endpoint);
}

/* Whether it is closed before the time is over, but for what siocast itself would close. */
static uint64_t
measure_idle(struct page *p, unsigned wait_ms)
{
	uint64_t began_ns = uv_hrtime(), gone_ms = 0;
	struct page_event e;
	int got = 0;

	while (got >= 0 && gone_ms < wait_ms) {
		got = page_next(p, wait_ms - (unsigned)gone_ms, &e);
		gone_ms = (uv_hrtime() - began_ns) / 1000000;
	}
	return got < 0 ? gone_ms + 1 : 0;
}

void
examine_proxy(const struct config *c, const char *url, unsigned wait_ms, const char *ca_file, struct proxy_facts *out,
	struct examine_memory *m)
{
	const struct page_options options = {
		.url = url, .path = c->path, .nsp = "/", .ca_file = ca_file, .timeout_ms = PROXY_TIMEOUT_MS
	};
	struct page *p;

	*out = (struct proxy_facts){ .url = url,
		.is_tls = strncmp(url, "https:", 6) == 0,
		.now_s = (int64_t)time(NULL),
		.waited = wait_ms > 0 };
	examine_polling(c, url, ca_file, out, m);
	if (!out->is_siocast) return;
	p = page_open(&options, m->two, sizeof m->two);
	if (!p)
		out->no_websocket = m->two;
	else if (wait_ms)
		out->cut_ms = measure_idle(p, wait_ms);
	out->waited = out->waited && p;
	page_close(p);
}
