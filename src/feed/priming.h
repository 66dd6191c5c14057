/* SPDX-License-Identifier: MIT */
/*
 * What a feed retains, read from Redis and not heard: a value goes the way of a message, filter, payload, event and
 * room, and where it would change what is retained it is a message: it leaves with a batch to who is there, and is
 * retained when that does. So there are no rules of their own for those who join meanwhile. At a start nobody is there,
 * and nothing is encoded; after a lost connection who was there gets what was missed.
 *
 * Redis runs the reading and a PUBLISH to a channel of ours, the marker, as one. So the marker stands in the row of the
 * messages where the reading stands in the order of all commands. What is heard is before it (H) or behind it (L), and
 * R is what was read:
 *
 *     publisher            R holds                      so at the marker
 *     SET and PUBLISH      exactly what H says          by key: R where no H and no L, else these; a list: R, then L
 *     in one MULTI
 *     SET, then PUBLISH    H, and what an L will say    the same: L comes and says it again; a list repeats what was
 *                                                       between its two commands at that moment
 *     PUBLISH, then SET    H, or older                  by key the same: H is never replaced by R; a list lacks what
 *                                                       was in between
 *
 * That H and L win, whatever the position, is what is right for all three by key; and then it does not matter, either,
 * when the reply comes, before the marker or behind some L. H counts from before the subscription on. A list needs the
 * position. Where there is no marker, because it is refused, it is read only as long as nothing was heard.
 *
 * Threads: the feed's only.
 */
#ifndef SRC_FEED_PRIMING_H
#define SRC_FEED_PRIMING_H

#include "src/feed/primed.h"

/* From now on it is remembered what is heard. Each has its end. And it begins anew, as something was missed. */
void feed_priming_begin(struct feed_at_work *s, uint64_t now_ms);
void feed_priming_renew(struct feed_at_work *s, uint64_t now_ms);

/* Before the end, again and again as long as it returns true: some of what would take too long at once. sweep: all
 * there is was read, so what is retained from before and was not is not there any more; so many are looked at. */
bool feed_priming_tidy(struct feed_at_work *s, bool sweep, size_t looks, uint64_t now_ms);
void feed_priming_end(struct feed_at_work *s, uint64_t now_ms);

/* What is read next is another portion, in which the later value of a key is the newer. And it is taken: what nobody
 * listens to is retained at once, and not thousands of values together when they are due. */
void feed_priming_portion(struct feed_at_work *s);
void feed_priming_portion_end(struct feed_at_work *s, uint64_t now_ms);

/* Takes a value as a message of its feed: kind, name, channel and payload are set. */
void feed_priming_message(struct feed_at_work *s, struct message *m);

/* The marker has come: returns the round of what comes behind it. */
uint32_t feed_priming_marker(struct feed_at_work *s, uint64_t now_ms);

/* Whether a feed retains more than one message without a key: its values are between these two. `known`: the place of
 * what was read is that in front of the round. False: something was heard, and without the place nothing was done. */
bool feed_priming_is_list(const struct feed_at_work *s);
void feed_priming_list_begin(struct feed_at_work *s, struct feed_primed *p);
bool feed_priming_list_end(struct feed_at_work *s, struct feed_primed *p, uint32_t round, bool known, uint64_t now_ms);

#endif
