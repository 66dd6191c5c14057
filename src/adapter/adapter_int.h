/* SPDX-License-Identifier: MIT */
/* What the files of the adapter share; for src/adapter/ only. */
#ifndef SRC_ADAPTER_ADAPTER_INT_H
#define SRC_ADAPTER_ADAPTER_INT_H

#include "eio/check.h"
#include "src/adapter/adapter.h"
#include "src/adapter/message.h"
#include "src/adapter/metrics.h"
#include "src/adapter/outgoing.h"
#include "src/base/log.h"
#include "src/feed/targets.h"
#include "src/redis/publisher.h"
#include "src/redis/spublisher.h"
#include "src/redis/streamer.h"
#include "src/source/movable.h"

#define ADAPTER_MAGIC 0xada90001u

enum { ADAPTER_UID_MAX = 16 };

/* A list of names, changed on the thread. */
struct adapter_names {
	struct mail mail;
	char **v; /* owned */
	size_t n;
};

struct adapter {
	unsigned magic; /* ADAPTER_MAGIC */
	struct adapter_options options;
	struct mail_port starts, stops, answers, told, watched, named;
	struct mail start, stop;
	uv_sem_t stopped;
	struct metrics *metrics, *redis_metrics; /* owned: of adapter_metrics, of redis_metrics */
	char uids[ADAPTER_DIALECTS][ADAPTER_UID_MAX + 1]; /* who we are */
	struct adapter_names *names; /* owned: namespaces of which we are a server */
	_Atomic size_t telling; /* bytes that workers have told, and that have not been taken */
	atomic_uint untold, unnoted; /* what they could not tell; pairs of which they could not say that they changed */
	/* The thread's. */
	struct movable *channels; /* NULL: not yet, not any more, or not needed; the next two as well */
	struct redis_publisher *publisher;
	struct redis_spublisher *spublisher; /* for shard channels of a Cluster, where that does not do; else NULL */
	struct redis_streamer *streamer;
	struct redis_streamer_stream *streams; /* owned: what it reads, and how far that was read at another address */
	char (*places)[REDIS_CURSOR_TEXT];
	struct eio_buf stream_names;
	bool channels_ready, streamer_ready;
	bool switched; /* whoever publishes goes to another address */
	atomic_bool moves; /* it does; any thread reads */
	struct adapter_message message;
	struct adapter_outgoing outgoing;
	struct eio_bytes rooms[FEED_MAX_ROOMS], except[FEED_MAX_ROOMS], members[FEED_MAX_ROOMS];
	struct eio_buf scratch;
	uint64_t next_survey;
	struct eio_hash surveys; /* of struct adapter_open, by its number */
	struct eio_hash heard; /* of struct adapter_heard, by its pair */
	struct log_limit limit;
	bool closed;
};

static inline struct adapter *
adapter__of(void *user)
{
	struct adapter *a = user;

	CHECK_MAGIC(a, ADAPTER_MAGIC);
	return a;
}

/* Whether we are a member in the words of a dialect. */
static inline bool
adapter__is_member(const struct adapter *a, enum adapter_dialect dialect)
{
	return a->options.spec->mode == ADAPTER_MEMBER && a->options.spec->dialects.first == dialect;
}

/* Whether somebody waits for our answers, be they empty: of sharded whoever hears is counted. */
static inline bool
adapter__is_counted(const struct adapter *a, enum adapter_dialect dialect)
{
	return dialect == ADAPTER_SHARDED || adapter__is_member(a, dialect);
}

/* speaking.c. */
struct adapter_voice adapter__voice(const struct adapter *a, enum adapter_dialect dialect);

/* Publishes what is in a->outgoing. Returns false when it was dropped. */
bool adapter__publish(struct adapter *a, enum adapter_dialect dialect);

/* The same with an entry of a stream. */
bool adapter__add_entry(struct adapter *a, struct eio_bytes nsp);

/* hearing.c: opens what is heard, and what is read. False when out of memory. */
bool adapter__hear(struct adapter *a);

/* Reads streams at the address of now, from where they have been read. */
void adapter__reopen_streamer(struct adapter *a);

/* Shows whether all that is heard is there. */
void adapter__show_state(struct adapter *a);

/* answering.c: asks workers, and answers what is in a->message; without a request it only does what is to be done.
 * Returns how many workers did not get it. */
unsigned adapter__answer(struct adapter *a, enum adapter_dialect dialect);
void adapter__take_answers(void *user, struct mail *run);
void adapter__forget_surveys(struct adapter *a);

/* meant.c: the audience of a->message, whose lists are a's. */
struct audience adapter__audience_of(struct adapter *a);

/* The event of a->message. */
struct feed_posted adapter__event_of(const struct adapter *a);

/* telling.c. */
void adapter__take_told(void *user, struct mail *run);

/* watching.c: which channels there are to be. */
void adapter__watch(struct adapter *a);
void adapter__take_watched(void *user, struct mail *run);
void adapter__take_named(void *user, struct mail *run);
struct adapter_names *adapter__names_new(const char *const *names, size_t n); /* copies; NULL when out of memory */
void adapter__names_free(struct adapter_names *names); /* NULL is fine */
bool adapter__want_names(struct adapter *a);
void adapter__forget_heard(struct adapter *a);

#endif
