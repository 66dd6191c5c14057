/* SPDX-License-Identifier: MIT */
/*
 * What feeds retain is read from each Redis server: a primer for each, and its connection for commands. For src/feed/
 * only.
 *
 * Threads: the feed's; feed_prime_line_is_done() any.
 */
#ifndef SRC_FEED_PRIMES_H
#define SRC_FEED_PRIMES_H

#include "src/feed/primer.h"
#include "src/feed/source.h"

/* Of one server. */
struct feed_prime_line;

/* A line that does nothing yet; all is borrowed. n_servers: how many there are. There is one also where no feed reads
 * anything: others may. NULL when out of memory. */
struct feed_prime_line *feed_prime_line_new(
	struct feed_router *router, const struct redis_url *url, size_t n_servers, struct metrics *metrics);
void feed_prime_line_free(struct feed_prime_line *l); /* closed, or never opened, and the loop has run; NULL is fine */

/* Whether a feed reads something. Any thread. */
bool feed_prime_line_is_wanted(const struct feed_prime_line *l);

/* Begins to connect, if it is wanted; ends that. */
void feed_prime_line_open(struct feed_prime_line *l, uv_loop_t *loop);
void feed_prime_line_close(struct feed_prime_line *l);

/* What is to be subscribed to there: the router's channels, and where it is wanted the marker's. */
const char *const *feed_prime_line_channels(const struct feed_prime_line *l, size_t *n);

/* Makes all that it takes to read for other feeds, those that will be at work with that table, in the place of what was
 * prepared before: 0, or -1 when out of memory. What is to be subscribed to then, and whether a feed reads something
 * then. Then it does, from when the source has answered; it connects, or hangs up, as that is wanted. subscribed: as
 * its source has said last. Or it is forgotten. */
int feed_prime_line_prepare(
	struct feed_prime_line *l, const struct feed_table *table, struct feed_at_work *const *feeds, size_t n);
const char *const *feed_prime_line_next_channels(const struct feed_prime_line *l, size_t *n);
bool feed_prime_line_will_be_wanted(const struct feed_prime_line *l);
void feed_prime_line_commit(struct feed_prime_line *l, uv_loop_t *loop, bool subscribed);
void feed_prime_line_forget(struct feed_prime_line *l);

/* What the server's source tells. Whether a message, or a name, is the marker's. */
bool feed_prime_line_message(struct feed_prime_line *l, const struct message *m);
bool feed_prime_line_refused(struct feed_prime_line *l, struct eio_bytes name, bool refused);
bool feed_prime_line_is_marker(const struct feed_prime_line *l, struct eio_bytes name);
void feed_prime_line_gap(struct feed_prime_line *l);
void feed_prime_line_again(struct feed_prime_line *l); /* something is missing of another server */
void feed_prime_line_state(struct feed_prime_line *l, bool subscribed);
void feed_prime_line_answered(struct feed_prime_line *l, bool all);

/* Its server is about to be at another address: until feed_prime_line_move() it reads only on the connection that it
 * has, since of a replica its marker would not come by the source. */
void feed_prime_line_stay(struct feed_prime_line *l);

/* Its server is at another address now: it reads on from there. */
void feed_prime_line_move(struct feed_prime_line *l);

/* Whether a moment came at which all had been read, as far as it can be: after a start. And whether each of those of
 * now was once. Any thread. */
bool feed_prime_line_is_done(const struct feed_prime_line *l);
bool feed_prime_line_has_all(const struct feed_prime_line *l);

/* How many servers there are; and it counts elsewhere. While it is not wanted. */
void feed_prime_line_renew(struct feed_prime_line *l, size_t n_servers, struct metrics *metrics);

#endif
