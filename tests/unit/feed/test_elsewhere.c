/* SPDX-License-Identifier: MIT */
/*
 * Several siocasts on the same sources, without sockets: random messages, rooms and ticks, siocasts that are killed and
 * clients that come to another one. Each client has what went to its rooms once and in order, or is told that it has
 * not.
 *
 *     ELSEWHERE_RUNS=1000 tests/unit/feed/test_elsewhere      more of it
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/feed/recall_int.h"
#include "src/redis/entries.h"
#include "tests/unit/configured.h"
#include "tests/unit/dice.h"
#include "tests/unit/failmalloc.h"

#include <stdio.h>
#include <stdlib.h>

enum { NODES = 2, CLIENTS = 6, ROOMS = 4, EVERYONE = ROOMS, FEEDS = 9, MESSAGES = 6000, STEPS = 9000, RUNS = 10 };
enum { TRACKS = 2, PUBLISHED = 0, ENTRIES = 1 };

static const char text[] =
	"{\"connectionStateRecovery\": {}, \"feeds\": ["
	"{\"channel\": \"a\", \"event\": \"f0\", \"room\": \"{/r}\", \"encode\": \"json\", \"batch\": {\"interval\": 0}},"
	"{\"channel\": \"a\", \"event\": \"f1\", \"room\": \"{/r}\", \"encode\": \"json\","
	" \"batch\": {\"interval\": 100, \"maxMessages\": 5}},"
	"{\"channel\": \"b\", \"event\": \"f2\", \"encode\": \"json\", \"batch\": {\"interval\": 100}},"
	"{\"channel\": \"b\", \"event\": \"f3\", \"room\": \"{/r}\", \"encode\": \"json\","
	" \"batch\": {\"interval\": 250, \"maxBytes\": 120}},"
	"{\"pattern\": \"c.*\", \"event\": \"f4\", \"room\": [\"{/r}\", \"{/q}\"], \"except\": \"{/x}\", \"encode\": \"json\","
	" \"batch\": {\"interval\": 250}},"
	"{\"channel\": [\"a\", \"b\"], \"event\": \"f5\", \"encode\": \"json\", \"batch\": {\"interval\": 0}},"
	"{\"stream\": \"s\", \"event\": \"f6\", \"room\": \"{/r}\", \"encode\": \"json\", \"batch\": {\"interval\": 100}},"
	"{\"stream\": \"s\", \"event\": \"f7\", \"encode\": \"json\", \"batch\": {\"interval\": 0}},"
	"{\"stream\": \"s\", \"event\": \"f8\", \"room\": \"{/r}\", \"encode\": \"json\","
	" \"batch\": {\"interval\": 250, \"maxMessages\": 3}}]}";

/* What was published. */
struct said {
	unsigned kind; /* of 'a', 'b', 'c' and 's' */
	unsigned r, q, x;
	uint64_t at_ms;
	char json[64];
};

struct queued {
	struct queued *next;
	struct delivery *delivery; /* or */
	struct feed_recall *recall; /* its asker is a client */
};

struct node {
	struct feed_options options;
	struct interest_table *interest;
	struct metrics_set metrics;
	struct feed_out out;
	struct feed_router router;
	struct mail_port deliveries, recalls;
	struct queued *first, **last;
	struct feed_offset_text reached; /* of what was read of the queue */
	size_t read[TRACKS]; /* how many messages came */
	size_t past, past_end; /* entries that were there when it was started: these come first */
	uint64_t ahead_ms; /* its clock; what is 0 here is different there */
	uint64_t told_ms;
};

struct client {
	enum { AWAY, WAITS, HERE } is;
	unsigned node;
	bool known; /* it has a session */
	bool in[ROOMS + 1];
	struct feed_offset_text joined[ROOMS + 1];
	size_t sure[ROOMS + 1][TRACKS]; /* it gets what comes from here on */
	uint64_t since_ms[ROOMS + 1]; /* and nothing that is much older */
	struct feed_offset_text has, must;
	unsigned char got[FEEDS][MESSAGES];
	unsigned newest[FEEDS][ROOMS][ROOMS][ROOMS]; /* of each stream */
};

static struct config *config;
static struct said said[TRACKS][MESSAGES];
static size_t n_said[TRACKS];
static struct node nodes[NODES];
static struct client clients[CLIENTS];
static uint64_t now;
static long fail_at = -1; /* which allocation of the next answer fails */
static bool entries_only; /* nothing is published */
static bool in_answer;
static unsigned recovered, anew, from_past, events, event_bytes, offset_bytes, dumb;

/* Siocasts */

void *__real_malloc(size_t n);

static void
queue_it(struct node *n, struct queued q)
{
	struct queued *copy = __real_malloc(sizeof *copy);

	*copy = q;
	*n->last = copy;
	n->last = &copy->next;
}

static void
take_delivery(void *user, struct mail *run)
{
	queue_it(user, (struct queued){ .delivery = EIO_CONTAINER(run, struct delivery, mail) });
}

static void
take_recall(void *user, struct mail *run)
{
	queue_it(user, (struct queued){ .recall = EIO_CONTAINER(run, struct feed_recall, mail) });
}

static uint64_t
node_now(const struct node *n)
{
	return now + n->ahead_ms;
}

static void
tell_time(struct node *n)
{
	/* Two clocks differ by a second. */
	journal_tell_time(n->out.journal, 1000000 + now / 1000 + (n == nodes), node_now(n));
	n->told_ms = now;
}

/* Some of what was there when it was started comes, before anything new. */
static void
await_past(struct node *n)
{
	size_t back = dice(60);

	n->past_end = n_said[ENTRIES];
	n->past = n->past_end > back ? n->past_end - back : 0;
	if (dice(3)) journal_await_past(n->out.journal, ENTRIES);
}

static void
start_node(struct node *n)
{
	const bool hashed[TRACKS] = { !entries_only, false };

	*n = (struct node){ .interest = interest_table_new(), .ahead_ms = dice(100000) };
	n->last = &n->first;
	assert_int_equal(metrics_set_init(&n->metrics), 0);
	config_fill_feed(config, &n->options);
	n->options.interest = n->interest;
	n->options.metrics = &n->metrics;
	n->options.workers = 1;
	n->options.worker_queue_bytes = SIZE_MAX;
	n->options.recovery.elsewhere = true;
	assert_int_equal(feed_out_init(&n->out, &n->options), 0);
	n->out.ledger = ledger_new(&n->options.recovery, n->options.specs, 1, &n->metrics);
	n->out.journal = journal_new(
		&n->options.recovery.history, n->options.specs, hashed, TRACKS, 1000000 + now / 1000 + 1, node_now(n));
	n->out.journal->node = dice(1 << 24);
	assert_int_equal(feed_router_init(&n->router, &n->options, &n->out), 0);
	n->deliveries = (struct mail_port){ .take = take_delivery, .user = n };
	n->recalls = (struct mail_port){ .take = take_recall, .user = n };
	n->out.workers[0] = &n->deliveries;
	n->out.recalls[0] = &n->recalls;
	for (unsigned t = 0; t < TRACKS; t++) n->read[t] = n_said[t];
	await_past(n);
	if (entries_only) track_begin_at(&n->out.journal->tracks[PUBLISHED], (struct track_place){ 0, 0 });
	tell_time(n);
}

static void
drop_queue(struct node *n)
{
	for (struct queued *q = n->first, *next; q; q = next) {
		next = q->next;
		if (q->delivery) delivery_free(q->delivery);
		if (q->recall) feed_recall_free(q->recall);
		free(q);
	}
	n->first = NULL;
	n->last = &n->first;
}

static struct sio_room_key
room_key(unsigned room)
{
	static const char *const names[ROOMS] = { "r0", "r1", "r2", "r3" };

	return room == EVERYONE ? sio_room_everyone(EIO_LIT("/")) : sio_room_named(EIO_LIT("/"), eio_cstr(names[room]));
}

/* Who is in a room of a siocast, or about to be. */
static void
show_interest(struct node *n, unsigned room)
{
	for (unsigned i = 0; i < CLIENTS; i++) {
		const struct client *c = &clients[i];

		if (c->is != HERE || &nodes[c->node] != n || !c->in[room]) continue;
		assert_int_equal(interest_set(n->interest, 0, room_key(room)), 0);
		return;
	}
	interest_clear(n->interest, 0, room_key(room));
}

static void
stop_node(struct node *n)
{
	drop_queue(n);
	for (unsigned r = 0; r <= ROOMS; r++) interest_clear(n->interest, 0, room_key(r));
	feed_router_deinit(&n->router);
	journal_free(n->out.journal);
	ledger_free(n->out.ledger);
	feed_out_deinit(&n->out);
	metrics_set_deinit(&n->metrics);
	interest_table_free(n->interest);
}

/* A message of a source, as one gets it; its words lie in `words`. */
static void
make_message(const struct node *n, unsigned track, size_t index, struct eio_buf *words, struct message *m)
{
	const struct said *s = &said[track][index];
	static const char *const names[] = { "a", "b", "c.*", "s" }, *const channels[] = { "a", "b", "c.1", "s" };
	char id[24], room[8];

	*m = (struct message){ .kind = s->kind == 3   ? MESSAGE_OF_STREAM
				       : s->kind == 2 ? MESSAGE_OF_PATTERN
						      : MESSAGE_OF_CHANNEL,
		.name = eio_cstr(names[s->kind]),
		.channel = eio_cstr(channels[s->kind]),
		.now_ms = node_now(n),
		.track = track + 1 };
	if (track != ENTRIES) {
		m->payload = eio_cstr(s->json);
		return;
	}
	eio_buf_clear(words);
	redis_entry_add(words, EIO_LIT("id"));
	redis_entry_add(words, eio_bytes(id, (size_t)snprintf(id, sizeof id, "%zu", index)));
	redis_entry_add(words, EIO_LIT("r"));
	redis_entry_add(words, eio_bytes(room, (size_t)snprintf(room, sizeof room, "r%u", s->r)));
	m->words = eio_buf_bytes(words);
	m->place = (struct track_place){ s->at_ms, index };
}

static struct eio_buf words; /* once it is large enough it needs no memory */

/* That is over: it may be that some of it was cut, or that nothing is sure. */
static void
end_past(struct node *n)
{
	struct track_place from = { 0, 0 };
	size_t index;

	if (n_said[ENTRIES] && dice(3) == 0) {
		index = dice((unsigned)n_said[ENTRIES]);
		from = (struct track_place){ said[ENTRIES][index].at_ms, index };
	}
	journal_end_past(n->out.journal, ENTRIES, dice(8) ? &from : NULL);
}

/* What one reads next of a source. */
static void
read_source(struct node *n, unsigned track)
{
	bool past = track == ENTRIES && journal_awaits_past(n->out.journal, ENTRIES);
	struct message m;

	if (past && n->past < n->past_end) {
		make_message(n, track, n->past++, &words, &m);
		feed_router_past(&n->router, &m);
		return;
	}
	if (past && dice(2)) {
		end_past(n);
		return;
	}
	if (n->read[track] == n_said[track]) return;
	make_message(n, track, n->read[track]++, &words, &m);
	if (track == ENTRIES)
		feed_router_entry(&n->router, &m);
	else
		feed_router_message(&n->router, &m);
}

static bool
has_to_read(const struct node *n, unsigned track)
{
	return n->read[track] < n_said[track] || (track == ENTRIES && journal_awaits_past(n->out.journal, ENTRIES));
}

/* Clients */

/* Whether a message of a feed is surely for it, because it was in one of its rooms before; and maybe, because it was
 * shortly after. */
static bool
is_for(const struct client *c, unsigned feed, const struct said *s, size_t index, bool *surely, bool *maybe)
{
	unsigned track = feed >= 6 ? ENTRIES : PUBLISHED;
	unsigned rooms[2] = { s->r, s->r };

	if (feed == 2 || feed == 5 || feed == 7) rooms[0] = rooms[1] = EVERYONE;
	if (feed == 4) rooms[1] = s->q;
	*surely = *maybe = false;
	for (int i = 0; i < 2; i++) {
		if (!c->in[rooms[i]]) continue;
		*surely |= index >= c->sure[rooms[i]][track];
		*maybe |= s->at_ms + 2000 >= c->since_ms[rooms[i]];
	}
	if (feed == 4 && c->in[s->x]) *surely = false;
	return *maybe;
}

static void
get_message(struct client *c, unsigned feed, unsigned index)
{
	const struct said *s = &said[feed >= 6 ? ENTRIES : PUBLISHED][index];
	unsigned *newest = &c->newest[feed][s->r][feed == 4 ? s->q : 0][feed == 4 ? s->x : 0];
	bool surely, maybe;

	is_for(c, feed, s, index, &surely, &maybe);
	if (!maybe) fail_msg("feed %u: %u is not for it", feed, index);
	if (c->got[feed][index]++) fail_msg("feed %u: %u comes again", feed, index);
	if (feed == 2 || feed == 5 || feed == 7) newest = &c->newest[feed][0][0][0];
	if (*newest > index) fail_msg("feed %u: %u behind %u", feed, index, *newest);
	*newest = index;
	from_past += in_answer && feed >= 6 && index < nodes[c->node].past_end;
}

/* The text of an event, and its offset. */
static struct feed_offset_text
read_event(struct eio_bundle *b, char *event, size_t size)
{
	struct feed_offset_text offset = { .n = 0 };
	struct eio_message m;
	const char *at;

	assert_true(eio_bundle_message(b, 0, &m));
	assert_true(m.data.n < size);
	memcpy(event, m.data.p, m.data.n);
	event[m.data.n] = '\0';
	/* Behind a batch, or a message alone. */
	if (!(at = strstr(event, "],\""))) assert_non_null(at = strstr(event, "},\""));
	for (at += 3; *at != '"';) offset.text[offset.n++] = *at++;
	return offset;
}

static void
get_event(struct client *c, struct eio_bundle *b)
{
	static char event[65536];
	unsigned feed;
	char *at;

	c->has = read_event(b, event, sizeof event);
	assert_non_null(at = strstr(event, "[\"f"));
	feed = (unsigned)(at[3] - '0');
	while ((at = strstr(at, "\"id\":"))) {
		at += 5;
		if (*at == '"') at++;
		get_message(c, feed, (unsigned)strtoul(at, NULL, 10));
	}
	events++;
	dumb += !memchr(c->has.text, '.', c->has.n);
	event_bytes += (unsigned)strlen(event);
	offset_bytes += c->has.n;
}

static void
enter_room(struct client *c, unsigned room)
{
	struct node *n = &nodes[c->node];

	if (c->in[room]) return;
	c->in[room] = true;
	c->joined[room] = n->reached;
	for (unsigned t = 0; t < TRACKS; t++) c->sure[room][t] = n->read[t];
	c->since_ms[room] = now;
	show_interest(n, room);
}

static void
come_anew(struct client *c, unsigned node)
{
	*c = (struct client){ .is = HERE, .node = node, .known = true };
	enter_room(c, EVERYONE);
	for (unsigned r = 0; r < ROOMS; r++)
		if (dice(2)) enter_room(c, r);
}

static void
leave_node(struct client *c)
{
	struct node *n = &nodes[c->node];

	c->is = AWAY;
	for (unsigned r = 0; r <= ROOMS; r++) show_interest(n, r);
}

/* What its session says: all from the last siocast that it was at. */
static size_t
know_client(struct client *c, struct node *n, struct feed_stranger_room rooms[ROOMS + 1], struct feed_session *session)
{
	size_t known = 0;

	for (unsigned r = ROOMS + 1; r-- > 0;) {
		if (!c->in[r]) continue;
		assert_true(feed_session_add(session, n->interest, room_key(r), 0));
		rooms[known].room = session->rooms[known].room;
		rooms[known++].joined = feed_offset_bytes(&c->joined[r]);
	}
	return known;
}

static void
come_back(struct client *c, unsigned node)
{
	struct node *n = &nodes[node];
	struct feed_session *session = feed_session_new(ROOMS + 1);
	struct feed_stranger_room rooms[ROOMS + 1];
	struct feed_stranger who = {
		.has = feed_offset_bytes(&c->has),
		.must = feed_offset_bytes(&c->must),
		.id = EIO_LIT("socket"),
		.rooms = rooms,
		.n_rooms = know_client(c, n, rooms, session),
		.max_bytes = 1 << 20,
	};
	struct feed_recall *r = feed_recall_new(EIO_LIT("/"));

	r->asker = c;
	c->is = WAITS;
	c->node = node;
	failmalloc_arm(fail_at);
	feed_recall_take_in(&n->router, r, session, &who, node_now(n));
}

/* The answer reaches who awaits it, and its session is written anew; maybe its connection breaks again on the way. */
static void
get_answer(struct client *c, const struct feed_recall *r)
{
	static char event[65536];
	size_t n = dice(8) ? r->missed.n : dice((unsigned)r->missed.n + 1);

	recovered++;
	c->is = HERE;
	c->must.n = 0;
	if (r->missed.n) c->must = read_event(r->missed.v[r->missed.n - 1], event, sizeof event);
	for (unsigned room = 0; room <= ROOMS; room++) {
		if (!c->in[room]) continue;
		c->joined[room] = r->reached;
		show_interest(&nodes[c->node], room);
	}
	in_answer = true;
	for (size_t i = 0; i < n; i++) get_event(c, r->missed.v[i]);
	in_answer = false;
	if (n < r->missed.n) leave_node(c);
}

/* The worker reads it; the rooms were held for it until then. */
static void
read_answer(struct node *n, struct feed_recall *r)
{
	struct client *c = r->asker;

	n->reached = r->reached;
	if (c->is == WAITS && &nodes[c->node] == n && r->session) {
		get_answer(c, r);
	} else if (c->is == WAITS && &nodes[c->node] == n) {
		anew++;
		come_anew(c, c->node);
	}
	feed_session_free(r->session);
	r->session = NULL;
	r->step = FEED_RECALL_DONE;
	feed_recall_take(&n->out, r, node_now(n));
}

/* What went to one client, which has the first n items of a delivery. */
static void
get_items(struct client *c, const struct delivery *d, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct delivery_item *item = &d->items[i];
		bool in = item->audience == NULL &&
			  c->in[item->target->key.everyone ? EVERYONE : item->target->key.name.p[1] - '0'];

		for (size_t k = 0; item->audience && k < item->audience->n_rooms; k++)
			in |= c->in[item->audience->rooms[k].p[1] - '0'];
		for (size_t k = 0; item->audience && k < item->audience->n_except; k++)
			in &= !c->in[item->audience->except[k].p[1] - '0'];
		if (in) get_event(c, item->bundle);
	}
}

/* A client gets a delivery, or the beginning of it, because its connection breaks. */
static void
get_delivery(struct client *c, const struct delivery *d)
{
	bool all = dice(100) > 0;

	get_items(c, d, all ? d->n : dice((unsigned)d->n + 1));
	if (!all) leave_node(c);
}

static void
read_queue(struct node *n)
{
	struct queued *q = n->first;

	if (!q) return;
	n->first = q->next;
	if (!n->first) n->last = &n->first;
	for (unsigned i = 0; q->delivery && i < CLIENTS; i++)
		if (clients[i].is == HERE && &nodes[clients[i].node] == n) get_delivery(&clients[i], q->delivery);
	if (q->delivery && q->delivery->reached.n) n->reached = q->delivery->reached;
	if (q->delivery) delivery_free(q->delivery);
	if (q->recall) read_answer(n, q->recall);
	free(q);
}

/* What happens */

static void
say(void)
{
	unsigned kind = entries_only ? 3 : dice(4), track = kind == 3 ? ENTRIES : PUBLISHED;
	struct said *s = &said[track][n_said[track]];

	if (n_said[track] == MESSAGES) return;
	*s = (struct said){ .kind = kind, .r = dice(ROOMS), .q = dice(ROOMS), .x = dice(ROOMS), .at_ms = now };
	snprintf(s->json, sizeof s->json, "{\"id\":%zu,\"r\":\"r%u\",\"q\":\"r%u\",\"x\":\"r%u\"}", n_said[track], s->r,
		s->q, s->x);
	n_said[track]++;
}

static void
work(struct node *n)
{
	if (now - n->told_ms >= 1000) {
		tell_time(n);
		feed_out_tell(&n->out);
	}
	if (n->router.deadline_ms <= node_now(n)) feed_router_tick(&n->router, node_now(n));
	if (dice(3)) feed_out_post(&n->out);
	if (dice(2)) read_queue(n);
}

/* All that was to leave goes to some, and to others not. */
static void
kill_node(unsigned node)
{
	struct node *n = &nodes[node];

	feed_out_post(&n->out);
	for (unsigned i = 0; i < CLIENTS; i++) {
		struct client *c = &clients[i];

		if (c->is == AWAY || c->node != node) continue;
		if (c->is == HERE && n->first && n->first->delivery)
			get_items(c, n->first->delivery, dice((unsigned)n->first->delivery->n + 1));
		c->is = AWAY;
	}
	stop_node(n);
	start_node(n);
}

/* The connection to Redis breaks: what is published meanwhile is lost for those who are here. */
static void
lose_some(unsigned node)
{
	struct node *n = &nodes[node];
	size_t left = n_said[PUBLISHED] - n->read[PUBLISHED];

	n->read[PUBLISHED] += dice((unsigned)left + 1);
	journal_break(n->out.journal, PUBLISHED);
	for (unsigned i = 0; i < CLIENTS; i++)
		for (unsigned r = 0; r <= ROOMS && clients[i].is != AWAY && clients[i].node == node; r++)
			if (clients[i].sure[r][PUBLISHED] < n->read[PUBLISHED])
				clients[i].sure[r][PUBLISHED] = n->read[PUBLISHED];
}

static void
step(unsigned deaths)
{
	unsigned node = dice(NODES), client = dice(CLIENTS);
	struct client *c = &clients[client];

	now += dice(30);
	if (dice(2)) say();
	for (unsigned t = 0; t < TRACKS; t++)
		while (dice(8) && has_to_read(&nodes[node], t)) read_source(&nodes[node], t);
	for (unsigned i = 0; i < NODES; i++) work(&nodes[i]);
	if (dice(4000) < deaths) kill_node(dice(NODES));
	if (deaths && !entries_only && dice(8000) == 0) lose_some(dice(NODES));
	if (c->is == AWAY && dice(20) == 0) come_back(c, dice(4) ? dice(NODES) : c->node);
	if (c->is == HERE && dice(40) == 0) enter_room(c, dice(ROOMS));
}

static void
finish(void)
{
	for (unsigned i = 0; i < NODES; i++)
		for (unsigned t = 0; t < TRACKS; t++)
			while (has_to_read(&nodes[i], t)) read_source(&nodes[i], t);
	for (unsigned round = 0; round < 40; round++) {
		for (unsigned i = 0; i < CLIENTS; i++)
			if (clients[i].is == AWAY) come_back(&clients[i], i % NODES);
		now += 100;
		for (unsigned i = 0; i < NODES; i++) {
			if (nodes[i].router.deadline_ms <= node_now(&nodes[i]))
				feed_router_tick(&nodes[i].router, node_now(&nodes[i]));
			feed_out_post(&nodes[i].out);
			while (nodes[i].first) read_queue(&nodes[i]);
		}
	}
}

static void
check_client(const struct client *c, unsigned long run)
{
	static const unsigned kinds[FEEDS] = { 1, 1, 2, 2, 4, 3, 8, 8, 8 }; /* sets of them */

	assert_int_equal(c->is, HERE);
	for (unsigned f = 0; f < FEEDS; f++)
		for (size_t i = 0; i < n_said[f >= 6 ? ENTRIES : PUBLISHED]; i++) {
			const struct said *s = &said[f >= 6 ? ENTRIES : PUBLISHED][i];
			bool surely, maybe;

			if (!(kinds[f] >> s->kind & 1)) continue;
			is_for(c, f, s, i, &surely, &maybe);
			if (surely && !c->got[f][i])
				fail_msg("run %lu, client %d, feed %u: %zu is missing", run, (int)(c - clients), f, i);
		}
}

static void
each_once_or_anew(void **state)
{
	const char *given = getenv("ELSEWHERE_RUNS");
	unsigned long runs = given ? strtoul(given, NULL, 10) : RUNS;

	(void)state;
	config = configured(text);
	for (unsigned long run = 0; run < runs; run++) {
		dice_state = run;
		entries_only = run % 2;
		now = 1000;
		n_said[0] = n_said[1] = 0;
		for (unsigned i = 0; i < NODES; i++) start_node(&nodes[i]);
		for (unsigned i = 0; i < CLIENTS; i++) come_anew(&clients[i], i % NODES);
		for (unsigned i = 0; i < STEPS; i++) step((unsigned)(run / 2 % 4));
		finish();
		for (unsigned i = 0; i < CLIENTS; i++) check_client(&clients[i], run);
		for (unsigned i = 0; i < NODES; i++) stop_node(&nodes[i]);
	}
	config_free(config);
	print_message(
		"%u recovered, %u anew; %u of what was there before; %u of %u events say nothing to others; %.1f bytes of %.1f in an event are its offset\n",
		recovered, anew, from_past, dumb, events, (double)offset_bytes / events, (double)event_bytes / events);
	assert_true(recovered > 10 * runs);
	assert_true(anew > runs);
	assert_true(from_past > runs);
	entries_only = false;
}

/* Some say something, and all hear it. */
static void
talk(unsigned messages)
{
	for (unsigned i = 0; i < messages; i++) {
		now += 400;
		say();
		for (unsigned n = 0; n < NODES; n++) {
			for (unsigned t = 0; t < TRACKS; t++)
				while (has_to_read(&nodes[n], t)) read_source(&nodes[n], t);
			work(&nodes[n]);
		}
	}
	for (unsigned n = 0; n < NODES; n++) {
		feed_router_leave(&nodes[n].router, node_now(&nodes[n]), true);
		feed_out_post(&nodes[n].out);
		while (nodes[n].first) read_queue(&nodes[n]);
	}
}

/* A client leaves one siocast and comes to another one, which lacks memory for one thing. Whether it was wanted: for
 * what is read, or for the answer. */
static bool
come_without_memory(long reading, long answering)
{
	struct client *c = &clients[0];
	bool failed;

	dice_state = 1;
	now = 1000;
	n_said[0] = n_said[1] = 0;
	memset(clients, 0, sizeof clients);
	for (unsigned i = 0; i < NODES; i++) start_node(&nodes[i]);
	talk(100);
	come_anew(c, 0);
	talk(20);
	leave_node(c);
	for (unsigned i = 0; i < 20; i++) say();
	failmalloc_arm(reading);
	for (unsigned t = 0; t < TRACKS; t++)
		while (has_to_read(&nodes[1], t)) read_source(&nodes[1], t);
	failed = failmalloc_disarm();
	fail_at = answering;
	come_back(c, 1);
	failed |= failmalloc_disarm();
	fail_at = -1;
	talk(0);
	check_client(c, 0);
	for (unsigned i = 0; i < NODES; i++) stop_node(&nodes[i]);
	return failed;
}

/* The same with one that has only just started, and lacks memory while it reads what was there before. */
static bool
come_to_past_without_memory(long reading)
{
	struct client *c = &clients[0];
	struct node *n = &nodes[1];
	bool failed;

	dice_state = 1;
	now = 1000;
	n_said[0] = n_said[1] = 0;
	memset(clients, 0, sizeof clients);
	for (unsigned i = 0; i < NODES; i++) start_node(&nodes[i]);
	talk(30);
	come_anew(c, 0);
	talk(20);
	leave_node(c);
	for (unsigned i = 0; i < 20; i++) say();
	stop_node(n);
	start_node(n);
	journal_await_past(n->out.journal, ENTRIES);
	n->past = 5;
	failmalloc_arm(reading);
	while (n->past < n->past_end) read_source(n, ENTRIES);
	failed = failmalloc_disarm();
	journal_end_past(n->out.journal, ENTRIES, &(struct track_place){ 0, 0 });
	for (; c->is == AWAY; talk(0)) come_back(c, 1);
	check_client(c, 0);
	for (unsigned i = 0; i < NODES; i++) stop_node(&nodes[i]);
	return failed;
}

/* It gets all, or begins anew. */
static void
without_memory(void **state)
{
	unsigned n = 0, before;

	(void)state;
	config = configured(text);
	while (come_without_memory(n, -1)) n++;
	assert_true(n > 20);
	before = anew;
	for (n = 0; come_without_memory(-1, n);) n++;
	assert_true(n > 20);
	assert_int_equal(anew - before, n);
	entries_only = true;
	for (n = 0; come_to_past_without_memory(n);) n++;
	assert_true(n > 20);
	before = recovered;
	come_to_past_without_memory(-1);
	assert_true(recovered > before);
	config_free(config);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_once_or_anew),
		cmocka_unit_test(without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
