/* SPDX-License-Identifier: MIT */
/* The commands of the intake. For src/resp/ only. */
#ifndef SRC_RESP_COMMAND_H
#define SRC_RESP_COMMAND_H

#include "src/resp/reply.h"
#include "src/resp/session.h"

struct resp_commands;

struct resp_command {
	const char *name; /* in small letters */
	/* How many words it has; below 0: at least so many. */
	int arity;
	/* Answers it. all: the commands there are. */
	void (*run)(struct resp_session *s, const struct resp_request *q, const struct resp_commands *all);
	const struct resp_commands *parts; /* what its second word may be, or NULL */
	bool for_strangers; /* before a password was given, too */
};

struct resp_commands {
	const struct resp_command *v;
	size_t n;
};

/* What a word names, whatever its case; NULL: nothing. */
const struct resp_command *resp_command_find(const struct resp_commands *all, struct eio_bytes name);

/* Whether a word is that one, in small letters, whatever its case. */
bool resp_word_is(struct eio_bytes word, const char *name);

/* Counts an error, which is answered behind that. */
static inline void
resp_session_err(struct resp_session *s, enum resp_error e)
{
	s->tally->errors[e]++;
}

/* It, and an answer that needs no more than its text. */
static inline void
resp_session_refuse(struct resp_session *s, enum resp_error e, struct eio_bytes text)
{
	resp_session_err(s, e);
	resp_reply_error(&s->out, text);
}

/* Keeps a text, or what there is room for. */
void resp_text_set(struct resp_text *t, struct eio_bytes from);

/* Whether all of it can be seen: no blank, no control character, nothing beyond ASCII. */
bool resp_text_is_plain(struct eio_bytes s);

/* AUTH, HELLO, RESET. */
void resp__auth(struct resp_session *s, const struct resp_request *q, const struct resp_commands *all);
void resp__hello(struct resp_session *s, const struct resp_request *q, const struct resp_commands *all);
void resp__reset(struct resp_session *s, const struct resp_request *q, const struct resp_commands *all);

/* What is behind CLIENT and COMMAND. */
extern const struct resp_commands resp__client_parts, resp__command_parts;

/* COMMAND alone, INFO. */
void resp__command(struct resp_session *s, const struct resp_request *q, const struct resp_commands *all);
void resp__info(struct resp_session *s, const struct resp_request *q, const struct resp_commands *all);

#endif
