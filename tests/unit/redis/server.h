/* SPDX-License-Identifier: MIT */
/* A Redis server played by a test, on the same loop as what connects to it. */
#ifndef TESTS_UNIT_REDIS_SERVER_H
#define TESTS_UNIT_REDIS_SERVER_H

#include "eio/buf.h"
#include "src/redis/publisher.h"
#include "src/redis/subscriber.h"

struct server {
	uv_loop_t loop;
	uv_tcp_t listener, *client; /* the connection at hand, or NULL */
	uv_timer_t watchdog;
	struct eio_buf in; /* what the client sent on it */
	unsigned connections;
	const char *wait_for, *answer; /* once `in` holds wait_for, answer is sent */
	bool drop; /* and then the connection is closed */
	bool always; /* the same on every connection: */
	bool answered; /* it was on this one */
	const char *last_words; /* said to every connection, which is then closed */
	struct redis_url url;
	struct metrics_set metrics;
	struct metrics *counters;
	struct redis_subscriber *subscriber; /* or NULL, like the other */
	struct redis_publisher *publisher;
	unsigned ready, not_ready, messages, too_long;
	int refused; /* channels and patterns */
	unsigned stop_at_ready, stop_at_messages, stop_at_connections; /* 0: does not matter */
};

/* The messages that come are seen (seen.h). userinfo and db are parts of the URL: "user:password@", "/1". */
struct server *server_new(const char *userinfo, const char *db);
void server_free(struct server *s);

/* Listens on a port, 0: any. A new server does already. */
void server_listen(struct server *s, unsigned port);

/* A subscriber of the channels "a" and "b c" and the pattern "p*". */
struct redis_subscriber_options server_options(struct server *s);

/* Runs the loop until the condition holds. */
#define RUN_UNTIL(s, condition) \
	while (!(condition)) uv_run(&(s)->loop, UV_RUN_ONCE)

void stop_if_done(struct server *s);
void drop_client(struct server *s);
void say(struct server *s, const char *text); /* to the client at hand */
bool has_received(const struct server *s, const char *text); /* on the connection at hand */
/* Waits for text in what is received, forgets all of that, and says the answer; NULL: nothing. */
void await_words(struct server *s, const char *text, const char *answer);
uint64_t count(struct server *s, enum redis_metric m);

#define CONFIRMED \
	"*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$3\r\nb c\r\n:2\r\n" \
	"*3\r\n$10\r\npsubscribe\r\n$2\r\np*\r\n:3\r\n"
#define HELLO "*3\r\n$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n$7\r\nsiocast\r\n"
#define SUBSCRIBE_A "*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\na\r\n"
#define SUBSCRIBE_B "*2\r\n$9\r\nSUBSCRIBE\r\n$3\r\nb c\r\n"
#define SUBSCRIBE_P "*2\r\n$10\r\nPSUBSCRIBE\r\n$2\r\np*\r\n"
#define A_MESSAGE "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$7\r\n{\"x\":1}\r\n"

#endif
