/* SPDX-License-Identifier: MIT */
/* A link, for the files that it consists of. */
#ifndef SRC_REDIS_LINK_INT_H
#define SRC_REDIS_LINK_INT_H

#include "src/base/log.h"
#include "src/redis/backoff.h"
#include "src/redis/dial.h"
#include "src/redis/link.h"
#include "src/redis/seek.h"
#include "src/redis/sentinel.h"

#define REDIS_LINK_MAGIC 0x4ed11144

enum link_state { LINK_WAITING, LINK_CONNECTING, LINK_HANDSHAKE, LINK_READY, LINK_CLOSED };

struct redis_link {
	unsigned magic;
	uv_loop_t *loop;
	struct redis_link_options options;
	enum link_state state;
	uv_timer_t timer; /* what it means depends on the state */
	struct redis_url at; /* owned: where it is, or tries to be; what the options say may be another one by now */
	struct redis_dial *dial; /* while connecting; or, where sentinels know the address, */
	struct redis_sentinel *sentinel;
	size_t first; /* of these, who is asked first */
	struct redis_seek *seek; /* the same where any node of a Cluster will do, */
	struct redis_known *known; /* owned: of these; NULL elsewhere */
	struct redis_socket *socket; /* from then on */
	struct redis_reader *reader; /* the same */
	struct redis_backoff backoff;
	unsigned greetings; /* replies of AUTH, SELECT, CLIENT SETNAME still to come */
	size_t unanswered; /* commands of the role whose answer is still to come */
	bool raw; /* what comes is the role's */
	bool pinged; /* the answer to a PING is, too, */
	size_t before_ping; /* behind those to so many commands of the role */
	uint64_t pinged_ns;
	size_t unread, unwritten; /* as they were shown last */
	uint64_t heard_ms;
	uint64_t asked_ms; /* since when it has been silent though asked; 0: it has not */
	char refused[200]; /* why the connection must go when what was read has been told */
	char said[LOG_ESCAPE_MAX]; /* an error in what was read last that is no reason for it to go */
	char failure[256]; /* why it was lost last, or could not be made */
	struct log_limit limit;
	struct redis_handed handed; /* what it begins with; fd -1 once it has */
};

/* link_hand.c: what it knows of nodes at first. NULL when out of memory. */
struct redis_known *redis_link__known(void);

/* link_refused.c: what of an error may be told, which lies in out; and the greeting that is answered next was refused,
 * with this error. */
const char *redis_link__tellable(const struct redis_link *l, struct eio_bytes error, char *out, size_t out_size);
void redis_link__greeting_refused(struct redis_link *l, struct eio_bytes text);

/* link_times.c: after how long it is asked whether it lives; and, as it has failed, when to try again. */
unsigned redis_link__silent_ms(const struct redis_link *l);
uint64_t redis_link__retry_ms(struct redis_link *l);

#endif
