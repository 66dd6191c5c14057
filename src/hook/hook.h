/* SPDX-License-Identifier: MIT */
/*
 * Questions to the application over HTTP: a POST of JSON, or of a form, and its answer. One struct hook for each
 * worker; in it a line for each place that is asked, with bounds of its own, so that a slow application holds up nobody
 * but those who wait for it:
 *
 *     hook ─┬─ line: http://127.0.0.1:8000/socket/auth     on their way: at most `concurrent`
 *           └─ line: http+unix://%2Frun%2Fapp.sock/call    behind them: at most `queue`, in the order they were asked
 *
 *     hook_ask() ─▶ waits for its turn ─▶ on its way ─▶ done(), once
 *                       └──── timeout, or hook_cancel() ────┘
 *
 * Threads: the loop's only, but for hook_init().
 */
#ifndef SRC_HOOK_HOOK_H
#define SRC_HOOK_HOOK_H

#include "eio/buf.h"
#include "eio/net/clock.h"
#include "src/base/metrics.h"
#include "src/hook/spec.h"

struct hook;
struct hook_line;
struct hook_question;

/* Before any thread makes a struct hook; more than once is fine. NULL, or why there are no questions: a constant
 * string. */
const char *hook_init(void);

/* All are borrowed; counts in the set of metrics. NULL when out of memory. */
struct hook *hook_new(uv_loop_t *loop, struct eio_clock *clock, struct metrics_set *metrics);

/* Ends all questions without a word, with the lines, and frees all when the loop has run. Not from within a callback.
 * Before its clock is closed. NULL is fine. */
void hook_close(struct hook *h);

/* spec is borrowed. Lives as long as the hook. NULL when out of memory. */
struct hook_line *hook_line_new(struct hook *h, const struct hook_spec *spec);

struct hook_answer {
	unsigned status; /* of HTTP: 100 … 599, also of redirects, which are not followed; 0: there is no answer */
	const char *why; /* without an answer: a constant text, such as "timeout"; else NULL */
	struct eio_bytes body; /* valid during the call; any bytes */
	unsigned retry_after_s; /* the header Retry-After, in seconds; 0: none */
	uint64_t took_ms; /* since it was asked */
};

/* May ask and cancel others; never frees the hook. */
typedef void (*hook_answer_fn)(void *user, const struct hook_answer *a);

/* Asks. Takes over the text in *json, which is empty afterwards in any case. done is called once, later: never from
 * within this call. NULL when too many wait already or memory is out, and then done is never called. */
struct hook_question *hook_ask(struct hook_line *l, struct eio_buf *json, hook_answer_fn done, void *user);

/* The same with further lines of headers, "Name: value", each ended by NUL; takes over those, too. */
struct hook_question *hook_ask_with(
	struct hook_line *l, struct eio_buf *body, struct eio_buf *heads, hook_answer_fn done, void *user);

/* The asker is gone: done is not called any more. Not from within its own done, when it is gone already. */
void hook_cancel(struct hook_question *q);

#endif
