/* SPDX-License-Identifier: MIT */
/*
 * A client's conversation with the intake: requests in, answers out, and in between what it publishes. No I/O. Answers,
 * and the words of errors, are those of Redis 7.0.
 *
 *     bytes ──▶ feed ──▶ next: what is published, one after the other ──▶ answered
 *                         └──▶ out: the answers to all that was asked before
 *
 * Threads: one at a time.
 */
#ifndef SRC_RESP_SESSION_H
#define SRC_RESP_SESSION_H

#include "src/resp/request.h"
#include "src/resp/spec.h"

#define RESP_REDIS_VERSION "7.0.0" /* whose ways these are */

enum {
	RESP_OUT_BYTES = 65536, /* of answers; with more that have not left, no request is looked at */
	RESP_NAME_BYTES = 64, /* of what clients call themselves and their library, cut behind that */
	RESP_DATABASES = 16,
};

/* What is counted by name; the last one is all that is unknown. */
#define RESP_COMMANDS(X) \
	X(PUBLISH, "publish") \
	X(SPUBLISH, "spublish") \
	X(PING, "ping") \
	X(ECHO, "echo") \
	X(AUTH, "auth") \
	X(HELLO, "hello") \
	X(RESET, "reset") \
	X(SELECT, "select") \
	X(CLIENT, "client") \
	X(COMMAND, "command") \
	X(INFO, "info") \
	X(QUIT, "quit") \
	X(OTHER, "other")

/* Why something was answered by an error. */
#define RESP_ERRORS(X) \
	X(PROTOCOL, "protocol") /* the connection ends */ \
	X(UNKNOWN, "unknown command") \
	X(ARGUMENTS, "arguments") \
	X(NO_AUTH, "not authenticated") \
	X(PASSWORD, "password") \
	X(TOO_LONG, "too long") \
	X(MEMORY, "memory")

#define RESP_COMMAND_SLOT(name, label) RESP_COMMAND_##name,
enum resp_command_kind { RESP_COMMANDS(RESP_COMMAND_SLOT) RESP_COMMAND_COUNT };

#define RESP_ERROR_SLOT(name, label) RESP_ERROR_##name,
enum resp_error { RESP_ERRORS(RESP_ERROR_SLOT) RESP_ERROR_COUNT };

struct resp_tally {
	uint64_t commands[RESP_COMMAND_COUNT], errors[RESP_ERROR_COUNT];
};

/* What is answered: everything, nothing, or nothing to one command: the next, or the one at hand. */
enum resp_replies { RESP_REPLIES_ON, RESP_REPLIES_OFF, RESP_REPLIES_SKIP_NEXT, RESP_REPLIES_SKIP };

struct resp_text {
	size_t n;
	char p[RESP_NAME_BYTES];
};

struct resp_session {
	const struct resp_spec *spec; /* borrowed, as the next two */
	struct resp_tally *tally;
	const char *version; /* the program's */
	uint64_t id;
	struct resp_reader reader; /* its room is the owner's to set */
	struct eio_buf out; /* answers, which the owner sends and takes out */
	unsigned protocol; /* 2 or 3 */
	unsigned database;
	bool authenticated;
	bool ends; /* when `out` has left */
	enum resp_replies replies;
	size_t answered; /* bytes of `out` in front of the answer to the command at hand */
	struct resp_text name, library, library_version;
};

void resp_session_init(struct resp_session *s, const struct resp_spec *spec, struct resp_tally *tally,
	const char *version, uint64_t id);
void resp_session_deinit(struct resp_session *s);

enum resp_event {
	RESP_EVENT_NONE, /* all that was fed has been taken */
	RESP_EVENT_PUBLISH, /* resp_session_published() comes next */
	RESP_EVENT_FULL, /* `out` has to leave before it goes on */
	RESP_EVENT_END, /* the same, and then the connection ends */
};

struct resp_publication {
	struct eio_bytes channel, payload; /* valid until the next call */
};

/* Goes on with what was fed to the reader. */
enum resp_event resp_session_next(struct resp_session *s, struct resp_publication *out);

/* So many have got what was published. */
void resp_session_published(struct resp_session *s, uint64_t n);

#endif
