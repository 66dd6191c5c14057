/* SPDX-License-Identifier: MIT */
/*
 * The parts of the feed thread. For src/feed/ only.
 *
 *     source ──message──▶ route.c: which feeds, filter, event and room ──▶ stream.c: batch
 *                                                                             │ complete
 *     workers ◀──one delivery each per turn── out.c: encode, choose workers ◀─┤
 *        └──────── question ──▶ snapshots.c: what is retained, by room ◀── states.c, where the feed retains
 */
#ifndef SRC_FEED_FEED_INT_H
#define SRC_FEED_FEED_INT_H

#include "eio/hash.h"
#include "sio/event.h"
#include "src/base/log.h"
#include "src/feed/demand.h"
#include "src/feed/entry.h"
#include "src/feed/feed.h"
#include "src/feed/journal.h"
#include "src/feed/ledger.h"
#include "src/feed/metrics.h"
#include "src/feed/shape.h"
#include "src/feed/snapshots.h"
#include "src/feed/stream.h"
#include "src/feed/table.h"
#include "src/feed/targets.h"

/* What goes out. */
struct feed_out {
	const struct feed_options *options;
	const struct mail_port **workers; /* for each, the port its deliveries go to; borrowed */
	struct delivery_budget *budgets; /* one for each worker */
	struct delivery **pending; /* one for each worker: what this turn has for it, or NULL */
	size_t *caps; /* how many items each of them has room for */
	uint64_t *told; /* the last number that each was told of */
	bool tells; /* they are to be told at the end of the turn */
	bool stands; /* what they were told last others understand */
	uint64_t waiting; /* bit w: pending[w] is set */
	struct eio_bundle_tally forms; /* of all that the feed encodes */
	struct ledger *ledger; /* borrowed; NULL: no client can be recovered */
	struct journal *journal; /* borrowed; NULL, as the next two: nobody comes from another siocast */
	struct store *store; /* borrowed */
	struct feed_router *router; /* borrowed */
	void (*gap)(void *user); /* something is missing of what edges get; on any thread. Or NULL */
	void *gap_user;
	struct mail *early; /* of struct feed_recall: they wait for what is to come */
	const struct mail_port **stows; /* for each worker, the port of struct feed_stow; borrowed */
	const struct mail_port **recalls; /* for each worker, the port of struct feed_recall; borrowed */
	const struct mail_port **moves; /* for each worker, the port of struct feed_move; borrowed */
	struct log_limit unheard,
		behind; /* debug lines of batches that nobody hears, and of workers that do not come after */
};

/* 0, or -1 when out of memory (nothing to undo then). options is borrowed. */
int feed_out_init(struct feed_out *o, const struct feed_options *options);
void feed_out_deinit(struct feed_out *o);

/* A complete batch. */
struct feed_batch {
	const struct feed_spec *feed;
	struct metrics *metrics; /* the feed's */
	const struct feed_stream *stream;
	struct feed_content content;
	unsigned count; /* messages */
	uint64_t now_ms;
};

/* Encodes it for the workers that have members for it. */
void feed_out_add(struct feed_out *o, const struct feed_batch *b);

/* How a feed's payloads become arguments. */
enum sio_encode feed_out_encode(const struct feed_spec *feed);

/* Hands each worker what this turn has for it. */
void feed_out_post(struct feed_out *o);

/* Hands an answer to the worker that asked, behind what this turn has for it so far; takes over a reference. */
void feed_out_answer(struct feed_out *o, struct feed_ask *a);

/* The workers, one bit each, whose sockets may come to rooms just now. */
uint64_t feed_out_moving(const struct feed_out *o);

/* Whether no worker is behind by more than half of what it may be, with what this turn has for it. */
bool feed_out_keeps_up(const struct feed_out *o);

/* Tells workers that have had nothing lately up to which number that is so. */
void feed_out_tell(struct feed_out *o);

/* Whether others understand how far all is, and workers do not know that yet. Where there is a journal. */
bool feed_out_stands_up(const struct feed_out *o);

/* How far all is, where there is a journal, as the offset of nothing. */
struct feed_offset_text feed_out_reached(const struct feed_out *o);

/* An event that no feed made. All is borrowed. */
struct feed_event {
	struct eio_bundle *bundle; /* without an offset */
	struct interest *const *rooms;
	size_t n_rooms;
	struct audience *audience; /* or NULL */
	uint64_t stream; /* as in a delivery */
	bool surely; /* whoever has it has looked that workers keep up: then they get it, whatever they are behind by */
	bool fleeting; /* the same as in a delivery, as all that follows */
	enum feed_slow slow;
	bool lag_event, retained;
	struct feed_keys *keys; /* or NULL */
	uint64_t now_ms;
};

/* The stream of broadcasts of no feed: "latest" is not their rule, so one number does for all. */
enum { FEED_EVENT_STREAM = 1 };

/* Puts an event into the order of all broadcasts, where clients can be recovered: behind what the turn has so far. It
 * is handed over at once. Returns how many workers do not get it because they are behind, or memory is out. */
unsigned feed_out_event(struct feed_out *o, const struct feed_event *e);

/* Hands a broadcast to each worker whose bit is set, at once and from any thread: of what is shared it uses only the
 * budgets, which are atomic. here: from that of the feed, where a hub gets it whatever is on its way. See
 * feed_hand(). */
unsigned feed_out_hand(struct feed_out *o, uint64_t workers, const struct delivery_item *item, bool here);

/* Adds a broadcast to what the turn has for each worker whose bit is set, whatever they are behind by, with references
 * of its own. Returns how many do not get it, because memory is out. */
unsigned feed_out_pass(struct feed_out *o, uint64_t workers, const struct delivery_item *item);

struct feed_primed;

#define FEED_AT_WORK_MAGIC 0xfeed0003

/* One feed at work. */
struct feed_at_work {
	unsigned magic; /* FEED_AT_WORK_MAGIC */
	struct feed_router *router;
	const struct feed_spec *spec;
	struct metrics *metrics; /* owned: of feed_metrics */
	struct feed_streams streams;
	struct feed_keeper keeper; /* what it retains */
	struct feed_primed *primed; /* what goes through it was read, not heard; NULL: it was heard */
	uint32_t portions; /* of what was read, so far */
	bool needs_json, needs_utf8; /* `where` or a template looks into the message, or takes it for text */
	bool shapes; /* something else leaves than the message as it came */
	bool notes; /* something of it is noted: it retains */
	bool plain; /* none of these, and one stream: a message is appended as it is */
	bool one_stream; /* event and target are the same for every message */
	bool one_room; /* a message goes to one room, or to everyone, unless there is a list in it */
};

/* One that has nothing yet. spec is borrowed. NULL when out of memory. */
struct feed_at_work *feed_at_work_new(struct feed_router *r, const struct feed_spec *spec);

/* Has it work from another spec of the same essence. Where anything else is another, what waits must have been flushed.
 * metrics: of the label that it has now, which it takes over; NULL: that is the same. */
void feed_at_work_change(struct feed_at_work *f, const struct feed_spec *spec, struct metrics *metrics);

/* Ends its streams, of which nothing is flushed, and forgets what it retains. NULL is fine. */
void feed_at_work_free(struct feed_at_work *f);

/* Connects a new stream with who listens to it, and with what it retains. audience: where the stream is wide. */
enum feed_fate feed_at_work_connect(
	struct feed_at_work *s, struct feed_stream *stream, const struct audience *audience);

/* Sets what a feed asks of its messages, and whether they all go one way. */
void feed_at_work_needs(struct feed_at_work *f, const struct feed_spec *c);

/* When it has something to do next, UINT64_MAX: never. */
static inline uint64_t
feed_at_work_deadline(const struct feed_at_work *s)
{
	uint64_t at = feed_streams_deadline(&s->streams),
		 old = s->notes ? retain_deadline(&s->keeper.retain) : UINT64_MAX;

	return old < at ? old : at;
}

/* A stream that is about to leave with others. */
struct feed_due {
	struct feed_stream *stream;
	unsigned feed;
};

/* All feeds, by what they subscribe to. */
struct feed_router {
	const struct feed_options *options;
	struct feed_out *out;
	struct metrics *metrics; /* owned: of feed_router_metrics */
	uint64_t hash_key[2];
	struct feed_at_work **feeds; /* owned: one for each of options->specs; each stays where it is */
	uint64_t born; /* feeds so far */
	struct feed_table table; /* by which they are found */
	struct feed_route *latest; /* the route of the last message, or NULL: the next one often takes it too */
	struct feed_entry entry; /* the one at hand */
	struct eio_buf scratch; /* event and room of the message at hand */
	struct feed_targets *targets; /* owned; NULL as long as no message has gone to more than one room */
	struct eio_hash crowds; /* of struct feed_crowd: all streams' */
	struct feed_shaper shaper;
	struct feed_snapshots snapshots;
	struct log_limit limit, long_limit; /* of warnings about mistakes, and about messages that are too long */
	struct log_limit debug_limits[FEED_FATE_COUNT];
	/* Where there is a journal: the feeds that the message at hand goes to, borrowed; and what leaves, owned. */
	const unsigned *passing;
	size_t n_passing;
	struct feed_due *due;
	size_t due_cap;
	uint64_t deadline_ms; /* when feed_router_tick has something to do, UINT64_MAX: never */
};

/* 0, or -1 when out of memory or without random bytes (nothing to undo then). Both arguments are borrowed. */
int feed_router_init(struct feed_router *r, const struct feed_options *options, struct feed_out *out);
void feed_router_deinit(struct feed_router *r);

/* Takes a message through all feeds it belongs to. deadline_ms may have come nearer afterwards. */
void feed_router_message(struct feed_router *r, struct message *m);

/* The same with one that came by a channel that feeds on demand want: through those. */
void feed_router_demanded(struct feed_router *r, struct message *m, const struct demand_channel *c);

/* The same through one feed, which is one of the message's. */
void feed_router_through(struct feed_router *r, struct feed_at_work *s, struct message *m);

/* The same, and says what became of it, but counts and tells nothing. *stream: where it went, or would have gone; NULL
 * where that is not known. */
enum feed_fate feed_router_take(
	struct feed_router *r, struct feed_at_work *s, struct message *m, struct feed_stream **stream);

/* Takes what was published without Redis as if that had sent it: once for the channel, and for the shard channel, if a
 * feed has that, and once for each pattern that matches it. Returns how many feeds have it. */
size_t feed_router_deliver(struct feed_router *r, struct eio_bytes channel, struct eio_bytes payload, uint64_t now_ms);

/* As feed_router_message(), with an entry of a stream. */
void feed_router_entry(struct feed_router *r, struct message *m);

/* An entry that came before there was anybody here to hear it: it is noted, for clients from elsewhere. Where there is
 * a journal that awaits it. */
void feed_router_past(struct feed_router *r, struct message *m);

/* A message that was taken before, through a feed at work that may be another one of the same spec, whoever hears
 * it. */
enum feed_fate feed_router_repeat(struct feed_router *r, struct feed_at_work *s, struct message *m);

/* What a stream's end is called back with: of any feed at work. */
void feed_at_work_release(void *user, struct feed_stream *stream);

/* Something is missing. */
void feed_router_gap(struct feed_router *r, const struct source_gap *gap, uint64_t now_ms);

/* The same of all channels of feeds on demand. */
void feed_router_demand_gap(
	struct feed_router *r, const struct demand *d, const struct source_gap *gap, uint64_t now_ms);

/* What one was longer than, and what is refused or not any more, of a channel of such feeds. */
void feed_router_demand_too_long(
	struct feed_router *r, const struct demand_channel *c, const struct message *m, uint64_t n);
void feed_router_demand_refused(struct feed_router *r, const struct demand_channel *c, bool refused);

/* The numbers of the feeds that a channel, pattern or stream leads to. Returns how many. */
size_t feed_router_feeds(
	const struct feed_router *r, enum message_kind kind, struct eio_bytes name, const unsigned **feeds);

/* One was longer than message_bytes: n bytes of it are not in m. */
void feed_router_too_long(struct feed_router *r, const struct message *m, uint64_t n);

/* A server refuses a channel or pattern to its feeds, or does not any more. */
void feed_router_refused(struct feed_router *r, enum message_kind kind, struct eio_bytes name, bool refused);

struct feed_posted;
struct feed_posting;

/* The same with all that was published without Redis, in its order; its events go to the workers at once, behind what
 * the feeds have ready. */
void feed_router_post(struct feed_router *r, const struct feed_posting *p, uint64_t now_ms);

/* The same with one message of it, which is no event. */
void feed_router_publish(struct feed_router *r, const struct feed_posted *message, uint64_t now_ms);

/* The packet of an event, with one reference. NULL when out of memory. */
struct eio_bundle *feed_posted_bundle(const struct feed_posted *event);

/* Finds the answer to a question; and sends it as well. deadline_ms may have come nearer afterwards. */
void feed_router_ask(struct feed_router *r, struct feed_ask *a, uint64_t now_ms);
void feed_router_reply(struct feed_router *r, struct feed_ask *a, uint64_t now_ms);

/* Of a feed that is not stopped. */
struct feed_router *feed_router_of(struct feed *f);

/* The same with one event. Returns as the next. */
unsigned feed_router_event(struct feed_router *r, const struct feed_posted *event, uint64_t now_ms);

/* Sends an event to the workers at once. Returns to how many it was not sent, because they are behind or memory is
 * out. */
unsigned feed_router_send(struct feed_router *r, const struct feed_posted *event, uint64_t now_ms);

/* A message is not sent by one feed: counts that, and says it. stream: where it would have gone, or NULL when that is
 * not known. */
void feed_router_note_fate(struct feed_router *r, struct feed_at_work *s, const struct message *m,
	const struct feed_stream *stream, enum feed_fate fate);

/* Lines about a message that is not sent, each of which has a bound. In a file of its own: messages that nobody hears
 * are many, and shall not pay for lines that are not written. */
void feed_router_tell_fate(struct feed_router *r, const struct feed_spec *f, const struct message *m,
	const struct feed_stream *stream, enum feed_fate fate);

/* The streams of each feed become due with those of the first one that has the same interval. */
void feed_router_share_ticks(struct feed_router *r);

/* Flushes what is due and sets deadline_ms anew. */
void feed_router_tick(struct feed_router *r, uint64_t now_ms);

#endif
