/* SPDX-License-Identifier: MIT */
/* What POST /publish is answered: one question after the other, and the first that fails says so. */
#include "src/admin/publish.h"

#include "eio/check.h"
#include "eio/net/random.h"
#include "sio/json.h"
#include "src/admin/metrics.h"
#include "src/admin/publication.h"
#include "src/admin/replay.h"
#include "src/admin/token.h"
#include "src/base/log.h"
#include "src/feed/posting.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { PUBLISH_MAGIC = 0x9b115400 };

struct admin_publish {
	unsigned magic; /* PUBLISH_MAGIC */
	struct admin_publish_options options;
	struct feed *feed;
	struct metrics *metrics;
	struct admin_replay *replay; /* NULL: keys are not remembered */
	struct log_limit limit; /* of lines about the file */
};

static struct admin_replay *
new_replay(uint64_t window_ms)
{
	struct eio_random random = { .left = 0 };
	uint64_t key[2];

	memcpy(key, eio_random_take(&random, sizeof key), sizeof key);
	return admin_replay_new(window_ms, key);
}

struct admin_publish *
admin_publish_new(const struct admin_publish_options *options, struct feed *feed, struct metrics *metrics)
{
	struct admin_publish *p;
	const char *why;

	if (admin_token_ask(options->token_file, (struct eio_bytes){ 0 }, &why) == ADMIN_TOKEN_NONE) {
		log_error("event=publish-failed file=\"%s\" reason=\"%s\"", LOG_ESCAPE(eio_cstr(options->token_file)),
			why);
		return NULL;
	}
	p = calloc(1, sizeof *p);
	if (p)
		*p = (struct admin_publish){
			.magic = PUBLISH_MAGIC, .options = *options, .feed = feed, .metrics = metrics
		};
	if (p && options->window_ms) p->replay = new_replay(options->window_ms);
	if (p && (p->replay || !options->window_ms)) return p;
	log_error("event=publish-failed reason=\"out of memory\"");
	free(p);
	return NULL;
}

void
admin_publish_free(struct admin_publish *p)
{
	if (!p) return;
	CHECK_MAGIC(p, PUBLISH_MAGIC);
	admin_replay_free(p->replay);
	p->magic = 0;
	free(p);
}

/* Answers */

static void
say_error(struct admin_publish_answer *out, int status, const char *text)
{
	out->status = status;
	EIO_BUF_ADD_LIT(&out->body, "{\"error\":");
	sio_json_escape(&out->body, eio_cstr(text));
	EIO_BUF_ADD_LIT(&out->body, "}\n");
}

static void
say_mistake(struct admin_publish_answer *out, const struct admin_publication_error *err)
{
	out->status = 400;
	EIO_BUF_ADD_LIT(&out->body, "{\"error\":");
	sio_json_escape(&out->body, eio_cstr(err->text));
	if (err->in_list) {
		EIO_BUF_ADD_LIT(&out->body, ",\"at\":");
		eio_buf_append_u64(&out->body, err->at);
	}
	EIO_BUF_ADD_LIT(&out->body, "}\n");
}

static void
say_accepted(struct admin_publish_answer *out, size_t count)
{
	out->status = 200;
	EIO_BUF_ADD_LIT(&out->body, "{\"accepted\":");
	eio_buf_append_u64(&out->body, count);
	EIO_BUF_ADD_LIT(&out->body, "}\n");
}

/* Questions: each is false when it has answered */

bool
admin_publish_allows(
	struct admin_publish *p, const struct eio_request *req, uint64_t now_ms, struct admin_publish_answer *out)
{
	struct eio_bytes authorization = eio_request_header(req, EIO_LIT("authorization"));
	const char *why;

	switch (admin_token_ask(p->options.token_file, authorization, &why)) {
	case ADMIN_TOKEN_GOOD: return true;
	case ADMIN_TOKEN_WRONG:
		metrics_inc(p->metrics, ADMIN_METRIC_PUBLISH_TOKEN);
		out->headers = EIO_LIT("WWW-Authenticate: Bearer\r\n");
		say_error(out, 401, authorization.n ? "wrong token" : "a bearer token is needed");
		return false;
	case ADMIN_TOKEN_NONE: break;
	}
	metrics_inc(p->metrics, ADMIN_METRIC_PUBLISH_FAILED);
	log_limited(LOG_LEVEL_WARN, &p->limit, now_ms, "event=publish-failed file=\"%s\" reason=\"%s\"",
		LOG_ESCAPE(eio_cstr(p->options.token_file)), why);
	say_error(out, 503, "the tokens cannot be read");
	return false;
}

static bool
has_json(const struct eio_request *req, struct admin_publish_answer *out)
{
	static const char json[] = "application/json";
	struct eio_bytes type = eio_request_header(req, EIO_LIT("content-type"));
	size_t n = sizeof json - 1;

	if (type.n >= n && strncasecmp(type.p, json, n) == 0 && (type.n == n || strchr("; \t", type.p[n]))) return true;
	say_error(out, 415, "the body must be application/json");
	return false;
}

/* Whether its key is new, or there is none. */
static bool
is_new(struct admin_publish *p, const struct eio_request *req, struct eio_bytes key, uint64_t now_ms,
	struct admin_publish_answer *out)
{
	size_t count;

	if (!key.n || !p->replay) return true;
	if (key.n > ADMIN_REPLAY_KEY_BYTES) {
		say_error(out, 400, "the Idempotency-Key is longer than 255 bytes");
		return false;
	}
	switch (admin_replay_find(p->replay, key, eio_buf_bytes(&req->body), now_ms, &count)) {
	case ADMIN_REPLAY_NEW: return true;
	case ADMIN_REPLAY_AGAIN:
		metrics_inc(p->metrics, ADMIN_METRIC_PUBLISH_AGAIN);
		say_accepted(out, count);
		return false;
	case ADMIN_REPLAY_OTHER: break;
	}
	say_error(out, 422, "this Idempotency-Key came with another body before");
	return false;
}

/* Publishes it. */
static void
publish_body(struct admin_publish *p, const struct eio_request *req, struct eio_bytes key, uint64_t now_ms,
	struct admin_publish_answer *out)
{
	struct admin_publication_error err;
	struct eio_bytes body = eio_buf_bytes(&req->body);
	struct feed_posting *posting = admin_publication_read(body, &err);
	size_t count = posting ? posting->n : 0;

	if (!posting && !err.nomem) {
		say_mistake(out, &err);
		return;
	}
	if (!posting || feed_post(p->feed, posting) < 0) {
		feed_posting_free(posting);
		metrics_inc(p->metrics, ADMIN_METRIC_PUBLISH_FAILED);
		out->headers = EIO_LIT("Retry-After: 1\r\n");
		say_error(out, 503, err.nomem ? "out of memory" : "too much waits to be published");
		return;
	}
	metrics_inc(p->metrics, ADMIN_METRIC_PUBLISH_ACCEPTED);
	metrics_add(p->metrics, ADMIN_METRIC_PUBLISHED, count);
	/* One that cannot be remembered was published all the same. */
	if (key.n && p->replay) admin_replay_add(p->replay, key, body, now_ms, count);
	say_accepted(out, count);
}

void
admin_publish_request(struct admin_publish *p, const struct eio_request *req, bool too_large, uint64_t now_ms,
	struct admin_publish_answer *out)
{
	struct eio_bytes key = eio_request_header(req, EIO_LIT("idempotency-key"));

	CHECK_MAGIC(p, PUBLISH_MAGIC);
	if (!admin_publish_allows(p, req, now_ms, out)) return;
	if (too_large)
		say_error(out, 413, "the body is larger than publish.maxBytes");
	else if (has_json(req, out) && is_new(p, req, key, now_ms, out))
		publish_body(p, req, key, now_ms, out);
	if (out->status >= 400 && out->status < 500) metrics_inc(p->metrics, ADMIN_METRIC_PUBLISH_INVALID);
}
