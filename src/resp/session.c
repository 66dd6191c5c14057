/* SPDX-License-Identifier: MIT */
/* From a request to its command, in the order in which Redis looks at it (processCommand): is there such a command, has
 * it enough words, may this client. */
#include "src/resp/session.h"

#include "src/resp/command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void
resp_session_init(struct resp_session *s, const struct resp_spec *spec, struct resp_tally *tally, const char *version,
	uint64_t id)
{
	*s = (struct resp_session){ .spec = spec, .tally = tally, .version = version, .id = id, .protocol = 2 };
	s->authenticated = !spec->password;
	s->reader.word_bytes = spec->message_bytes;
}

void
resp_session_deinit(struct resp_session *s)
{
	resp_reader_deinit(&s->reader);
	eio_buf_deinit(&s->out);
}

/* Commands without a file of their own */

static void
run_ping(struct resp_session *s, const struct resp_request *q, const struct resp_commands *all)
{
	(void)all;
	if (q->n > 2)
		resp_session_refuse(
			s, RESP_ERROR_ARGUMENTS, EIO_LIT("ERR wrong number of arguments for 'ping' command"));
	else if (q->n == 2)
		resp_reply_bulk(&s->out, q->words[1]);
	else
		resp_reply_status(&s->out, EIO_LIT("PONG"));
}

static void
run_echo(struct resp_session *s, const struct resp_request *q, const struct resp_commands *all)
{
	(void)all;
	resp_reply_bulk(&s->out, q->words[1]);
}

/* There is nothing in any of them. */
static void
run_select(struct resp_session *s, const struct resp_request *q, const struct resp_commands *all)
{
	char text[24], *end = text;
	struct eio_bytes word = q->words[1];
	long n = -1;

	(void)all;
	errno = 0;
	if (word.n && word.n < sizeof text && (*word.p == '-' || (*word.p >= '0' && *word.p <= '9'))) {
		memcpy(text, word.p, word.n);
		text[word.n] = '\0';
		n = strtol(text, &end, 10);
	}
	if (end == text || *end || errno || (word.n > 1 && *word.p == '0')) {
		resp_session_refuse(s, RESP_ERROR_ARGUMENTS, EIO_LIT("ERR value is not an integer or out of range"));
	} else if (n > INT32_MAX || n < INT32_MIN) {
		resp_session_refuse(s, RESP_ERROR_ARGUMENTS,
			EIO_LIT("ERR value is out of range, value must between -2147483648 and 2147483647"));
	} else if (n < 0 || n >= RESP_DATABASES) {
		resp_session_refuse(s, RESP_ERROR_ARGUMENTS, EIO_LIT("ERR DB index is out of range"));
	} else {
		s->database = (unsigned)n;
		resp_reply_status(&s->out, EIO_LIT("OK"));
	}
}

static void
run_quit(struct resp_session *s, const struct resp_request *q, const struct resp_commands *all)
{
	(void)q;
	(void)all;
	s->ends = true;
	resp_reply_status(&s->out, EIO_LIT("OK"));
}

/* In the order of enum resp_command_kind. What is published has no function: its owner does it. */
static const struct resp_command commands[] = {
	{ .name = "publish", .arity = 3 },
	{ .name = "spublish", .arity = 3 },
	{ .name = "ping", .arity = -1, .run = run_ping },
	{ .name = "echo", .arity = 2, .run = run_echo },
	{ .name = "auth", .arity = -2, .run = resp__auth, .for_strangers = true },
	{ .name = "hello", .arity = -1, .run = resp__hello, .for_strangers = true },
	{ .name = "reset", .arity = 1, .run = resp__reset, .for_strangers = true },
	{ .name = "select", .arity = 2, .run = run_select },
	{ .name = "client", .arity = -2, .parts = &resp__client_parts },
	{ .name = "command", .arity = -1, .run = resp__command, .parts = &resp__command_parts },
	{ .name = "info", .arity = -1, .run = resp__info },
	/* Whatever stands behind it. */
	{ .name = "quit", .arity = -1, .run = run_quit, .for_strangers = true },
};

static const struct resp_commands all_commands = { commands, sizeof commands / sizeof commands[0] };

_Static_assert(sizeof commands / sizeof commands[0] == RESP_COMMAND_OTHER, "a row for each name");

/* Requests */

/* What Redis repeats of a word: up to where a string of C ends. */
static size_t
told_length(struct eio_bytes word, size_t most)
{
	const char *end = word.n ? memchr(word.p, '\0', word.n) : NULL;
	size_t n = end ? (size_t)(end - word.p) : word.n;

	return n < most ? n : most;
}

static void
refuse_unknown(struct resp_session *s, const struct resp_request *q)
{
	enum { TOLD = 128 };
	size_t kept = q->n < RESP_WORDS ? q->n : RESP_WORDS, told = 0, n;
	char text[64 + 4 * TOLD];
	int at = snprintf(text, sizeof text,
		"ERR unknown command '%.*s', with args beginning with: ", (int)told_length(q->words[0], TOLD),
		q->words[0].n ? q->words[0].p : "");

	for (size_t i = 1; i < kept && told < TOLD; i++) {
		n = told_length(q->words[i], TOLD - told);
		at += snprintf(text + at, sizeof text - (size_t)at, "'%.*s' ", (int)n, n ? q->words[i].p : "");
		told += n + 3;
	}
	resp_session_refuse(s, RESP_ERROR_UNKNOWN, eio_bytes(text, (size_t)at));
}

static void
refuse_part(struct resp_session *s, const struct resp_command *c, struct eio_bytes part)
{
	char name[16] = "";

	for (size_t i = 0; c->name[i] && i < sizeof name - 1; i++) name[i] = (char)(c->name[i] - 'a' + 'A');
	resp_session_err(s, RESP_ERROR_UNKNOWN);
	resp_reply_errorf(&s->out, "ERR unknown subcommand '%.*s'. Try %s HELP.", (int)told_length(part, 128),
		part.n ? part.p : "", name);
}

static bool
has_arity(const struct resp_command *c, size_t n)
{
	return c->arity < 0 ? n >= (size_t)-c->arity : n == (size_t)c->arity;
}

/* The rest of the way, once it is known what it is. part: of a command, or NULL. */
static bool
may_run(struct resp_session *s, const struct resp_request *q, const struct resp_command *c,
	const struct resp_command *part)
{
	if (!has_arity(part ? part : c, q->n)) {
		resp_session_err(s, RESP_ERROR_ARGUMENTS);
		resp_reply_errorf(&s->out, "ERR wrong number of arguments for '%s%s%s' command", c->name,
			part ? "|" : "", part ? part->name : "");
		return false;
	}
	if (!s->authenticated && !c->for_strangers) {
		resp_session_refuse(s, RESP_ERROR_NO_AUTH, EIO_LIT("NOAUTH Authentication required."));
		return false;
	}
	if (q->no_room) {
		resp_session_refuse(s, RESP_ERROR_MEMORY, EIO_LIT("OOM there is no room for this request now"));
		return false;
	}
	if (!q->too_long) return true;
	resp_session_err(s, RESP_ERROR_TOO_LONG);
	resp_reply_errorf(
		&s->out, "ERR %zu bytes are more than limits.messageBytes, %zu", q->too_long, s->spec->message_bytes);
	return false;
}

/* True: it publishes something. */
static bool
run_request(struct resp_session *s, const struct resp_request *q)
{
	const struct resp_command *c = resp_command_find(&all_commands, q->words[0]), *part = NULL;

	s->tally->commands[c ? c - commands : RESP_COMMAND_OTHER]++;
	if (!c) {
		refuse_unknown(s, q);
		return false;
	}
	if (c->parts && q->n > 1) {
		part = resp_command_find(c->parts, q->words[1]);
		if (!part) {
			refuse_part(s, c, q->words[1]);
			return false;
		}
	}
	if (!may_run(s, q, c, part)) return false;
	if (!c->run && !part) return true;
	(part ? part : c)->run(s, q, &all_commands);
	return false;
}

/* Before a command runs, and when its answer is complete: whether it is wanted. */
static void
begin_answer(struct resp_session *s)
{
	s->answered = s->out.n;
	if (s->replies == RESP_REPLIES_SKIP_NEXT) s->replies = RESP_REPLIES_SKIP;
}

static void
end_answer(struct resp_session *s)
{
	if (s->replies != RESP_REPLIES_ON) s->out.n = s->answered;
	if (s->replies == RESP_REPLIES_SKIP) s->replies = RESP_REPLIES_ON;
}

static enum resp_event
refuse_rest(struct resp_session *s)
{
	begin_answer(s);
	resp_session_err(s, RESP_ERROR_PROTOCOL);
	resp_reply_errorf(&s->out, "ERR %s", s->reader.fault);
	end_answer(s);
	s->ends = true;
	return RESP_EVENT_END;
}

enum resp_event
resp_session_next(struct resp_session *s, struct resp_publication *out)
{
	const struct resp_request *q = &s->reader.request;
	enum resp_next next;

	while (!s->ends && !eio_buf_failed(&s->out)) {
		if (s->out.n >= RESP_OUT_BYTES) return RESP_EVENT_FULL;
		s->reader.stranger = !s->authenticated;
		next = resp_reader_next(&s->reader);
		if (next == RESP_MORE) return RESP_EVENT_NONE;
		if (next == RESP_BROKEN) return refuse_rest(s);
		begin_answer(s);
		if (run_request(s, q)) {
			*out = (struct resp_publication){ q->words[1], q->words[2] };
			return RESP_EVENT_PUBLISH;
		}
		end_answer(s);
	}
	return RESP_EVENT_END;
}

void
resp_session_published(struct resp_session *s, uint64_t n)
{
	resp_reply_integer(&s->out, n);
	end_answer(s);
}
