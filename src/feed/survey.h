/* SPDX-License-Identifier: MIT */
/*
 * What is asked of all workers about their sockets, and what each answers, behind the deliveries and orders that went
 * before it. An event that asks for acks is such a question, too: who got it is the answer, and acks come behind it.
 *
 *     feed_survey() ── struct feed_move ──▶ worker ── struct feed_answer ──▶ the port of whoever asked
 *
 * Threads: a survey is immutable, and shared by counting references. An answer is the worker's, then the port's.
 */
#ifndef SRC_FEED_SURVEY_H
#define SRC_FEED_SURVEY_H

#include "eio/buf.h"
#include "eio/bundle.h"
#include "src/base/mailbox.h"

struct feed_survey {
	atomic_uint refs;
	uint64_t number; /* of whoever asks: no two that are open have the same */
	const struct mail_port *answers; /* for `struct mail` in feed_answer; it is there as long as the workers are */
	/* Of an event: a reference, and how long acks are awaited. Its ack has the number of the survey. */
	struct eio_bundle *bundle;
	unsigned timeout_ms;
};

struct feed_answer {
	struct mail mail;
	uint64_t survey; /* its number */
	bool acked; /* an ack of one client; else what a worker has to say, once */
	size_t n; /* how many sockets are meant, or rooms */
	struct eio_buf json; /* owned: what they are, values with commas between them */
	struct eio_bundle *ack; /* of an ack: a reference: the packet of it, as we would send it; NULL: it is empty */
};

/* An empty one. NULL when out of memory. */
struct feed_answer *feed_answer_new(uint64_t survey);
void feed_answer_free(struct feed_answer *a); /* NULL is fine */

/* One reference is the caller's. The bundle gets one of its own. NULL when out of memory. */
struct feed_survey *feed_survey_new(const struct feed_survey *like);
struct feed_survey *feed_survey_ref(struct feed_survey *s);
void feed_survey_unref(struct feed_survey *s); /* NULL is fine */

#endif
