/* SPDX-License-Identifier: MIT */
/*
 * Reading what is retained, against a server made of arrays: publishers of every kind change its state and publish, the
 * subscription and the connection for commands deliver as slowly as they like, and are lost; feeds come, go and are put
 * in the place of others meanwhile, whose channels the server subscribes to as late as it likes. In the end what is
 * retained is what the server has, and no client was ever told something older than what it had.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/feed/change.h"
#include "src/feed/primer.h"
#include "src/feed/snapshots_int.h"
#include "tests/unit/configured.h"
#include "tests/unit/dice.h"
#include "tests/unit/failmalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEYS = 12, LIST = 8, QUEUE = 4096, HALVES = 3, STEPS = 600, ROUNDS = 1500, CONFIGS = 200 };

/* The feeds there may be. */
enum { OF_KEYS, OF_LIST, FEEDS };

/* How a publisher changes a key and says so. */
enum writing { AS_ONE, STATE_FIRST, PUBLISH_FIRST, WRITINGS };

/* What the subscription brings. */
struct published {
	bool is_marker, is_answer; /* that all is answered that was asked for */
	uint64_t number; /* of the marker */
	bool has[FEEDS]; /* who is subscribed to it */
	int key, n; /* n < 0: the key is gone */
};

/* A reply, as it was when the server ran the command. */
struct reply {
	enum redis_reply kind;
	const char *text;
	struct redis_values values;
};

struct world {
	/* The server. */
	int state[KEYS]; /* n of a key, -1: it is not there */
	int list[LIST], n_list; /* the newest; as one with the publishing of its key */
	int n; /* of the last change */
	enum writing writing;
	struct {
		int key, n; /* of changes of which one half is done */
	} halves[HALVES];
	size_t n_halves;
	bool forbids_marker;
	bool starves, hungry; /* memory runs out now and then; or has */
	/* What is under way. */
	bool subscribed;
	bool asked[FEEDS], has[FEEDS]; /* the channels that are wanted, and those that the server has subscribed to */
	uint64_t asked_n, done_n, told_n; /* how often others were asked for, done, and answered */
	bool returns[FEEDS]; /* it was left and is asked for again: what comes before the answer was for those before */
	struct published published[QUEUE];
	size_t p_from, p_to;
	struct eio_buf commands; /* that the server has not run */
	size_t n_commands;
	bool in_multi;
	size_t queued_at; /* of what MULTI has queued: the command that reads */
	struct reply replies[256];
	size_t r_from, r_to;
	/* siocast. */
	struct config *configs[CONFIGS]; /* of now, behind those before */
	size_t n_configs;
	unsigned interval;
	size_t bytes[FEEDS]; /* that a feed may retain: with another number it is another feed */
	bool reloads;
	struct interest_table *interest;
	struct metrics_set metrics;
	struct feed_options options;
	struct feed_out out;
	struct feed_router router;
	struct redis_url url;
	struct feed_primer primer;
	struct mail_port port;
	uint64_t now_ms;
	bool is_exact; /* nothing comes twice, or out of its order */
	unsigned speed; /* so many messages come at once, and so much later a reply */
	/* A client that is there all the time. */
	int seen[KEYS];
	bool seen_number[STEPS + 100]; /* of the list */
};

static struct world *w;

/* The client */

/* Every number in what is sent, with its key. */
static void
see(const char *text)
{
	int key, value;

	for (const char *p = strchr(text, '{'); p; p = strchr(p + 1, '{')) {
		assert_int_equal(sscanf(p, "{\"s\":%d,\"n\":%d", &key, &value), 2);
		/* Without a marker what is older may come behind what was read, until what is newer does. */
		if (value > 0 && w->is_exact && w->writing == AS_ONE) assert_true(value > w->seen[key]);
		if (value > 0 && w->is_exact && w->writing == STATE_FIRST) assert_true(value >= w->seen[key]);
		w->seen[key] = value;
	}
}

/* Numbers of the list: each comes once, if late. */
static void
see_numbers(const char *text)
{
	char *next;

	for (const char *p = text + (*text == '['); *p && *p != ']'; p = next + (*next == ',')) {
		int number = (int)strtol(p, &next, 10);

		assert_in_range(number, 1, STEPS + 99);
		if (w->writing == AS_ONE && !w->forbids_marker && !w->hungry) assert_false(w->seen_number[number]);
		w->seen_number[number] = true;
	}
}

static void
take_delivery(void *user, struct mail *run)
{
	struct delivery *d = EIO_CONTAINER(run, struct delivery, mail);

	(void)user;
	for (size_t i = 0; i < d->n; i++) {
		struct eio_block *b = eio_bundle_wire(d->items[i].bundle, EIO_WIRE_POLLING);
		const char *numbers;
		char *text;

		assert_non_null(b);
		text = strndup(b->data, b->n);
		assert_non_null(text);
		numbers = strstr(text, "\"l\",");
		if (numbers)
			see_numbers(numbers + 4);
		else
			see(text);
		free(text);
	}
	delivery_free(d);
}

/* The server */

static void
publish(struct published p)
{
	if (!w->subscribed) return;
	assert_true(w->p_to < QUEUE);
	memcpy(p.has, w->has, sizeof p.has);
	w->published[w->p_to++] = p;
}

static void
change_state(int key, int n)
{
	w->state[key] = n;
	if (n < 0) return;
	if (w->n_list == LIST) memmove(w->list, w->list + 1, sizeof(int) * (LIST - 1));
	if (w->n_list == LIST) w->n_list--;
	w->list[w->n_list++] = n;
}

/* The other half. */
static void
finish_half(size_t i)
{
	int key = w->halves[i].key, n = w->halves[i].n;

	w->halves[i] = w->halves[--w->n_halves];
	if (w->writing == STATE_FIRST)
		publish((struct published){ .key = key, .n = n });
	else
		change_state(key, n);
}

static bool
is_half_done(int key)
{
	for (size_t i = 0; i < w->n_halves; i++)
		if (w->halves[i].key == key) return true;
	return false;
}

static void
change_something(void)
{
	int key = (int)dice(KEYS), n = dice(6) ? w->n + 1 : -1;

	/* Whoever changes one key twice does that in order. */
	if (is_half_done(key) || w->n_halves == HALVES) return;
	if (n > 0) w->n = n;
	if (w->writing != PUBLISH_FIRST) change_state(key, n);
	if (w->writing != STATE_FIRST) publish((struct published){ .key = key, .n = n });
	if (w->writing == AS_ONE) return;
	w->halves[w->n_halves].key = key;
	w->halves[w->n_halves++].n = n;
}

/* Takes one argument of a command. */
static struct eio_bytes
take_argument(struct eio_bytes *from)
{
	const char *eol = memmem(from->p, from->n, "\r\n", 2);
	size_t n = strtoul(from->p + 1, NULL, 10), head = (size_t)(eol + 2 - from->p);
	struct eio_bytes out = eio_bytes(from->p + head, *from->p == '$' ? n : 0);

	assert_non_null(eol);
	if (*from->p == '*')
		out = eio_bytes(from->p, n); /* how many follow */
	else
		head += n + 2;
	*from = eio_bytes(from->p + head, from->n - head);
	return out;
}

static void
add_string(struct redis_values *v, const char *text)
{
	redis_values_add(v, REDIS_ITEM_STRING, 0, eio_cstr(text));
}

static void
add_value(struct redis_values *v, int key, int n)
{
	char text[48];

	snprintf(text, sizeof text, "{\"s\":%d,\"n\":%d}", key, n);
	add_string(v, text);
}

/* Some keys, a few of them twice as while a hash grows. */
static void
read_hash(struct redis_values *v, unsigned cursor)
{
	unsigned end = cursor + 1 + dice(4), again = cursor && dice(3) == 0;
	size_t n = 0;
	char text[16];

	if (end > KEYS) end = KEYS;
	snprintf(text, sizeof text, "%u", end == KEYS ? 0 : end);
	redis_values_add(v, REDIS_ITEM_ARRAY, 2, EIO_LIT(""));
	add_string(v, text);
	for (unsigned k = cursor - again; k < end; k++) n += w->state[k] >= 0;
	redis_values_add(v, REDIS_ITEM_ARRAY, 2 * n, EIO_LIT(""));
	for (unsigned k = cursor - again; k < end; k++) {
		if (w->state[k] < 0) continue;
		add_string(v, "field");
		add_value(v, (int)k, w->state[k]);
	}
}

static void
read_list(struct redis_values *v)
{
	char text[16];

	redis_values_add(v, REDIS_ITEM_ARRAY, (size_t)w->n_list, EIO_LIT(""));
	for (int i = 0; i < w->n_list; i++) {
		snprintf(text, sizeof text, "%d", w->list[i]);
		add_string(v, text);
	}
}

static struct reply *
add_reply(enum redis_reply kind, const char *text)
{
	struct reply *r = &w->replies[w->r_to++];

	assert_true(w->r_to <= sizeof w->replies / sizeof w->replies[0]);
	*r = (struct reply){ .kind = kind, .text = text, .values = { .max = 1 << 20 } };
	if (kind == REDIS_REPLY_IS_ERROR) redis_values_add(&r->values, REDIS_ITEM_ERROR, 0, eio_cstr(text));
	return r;
}

/* HSCAN or LRANGE, whose arguments follow. */
static void
run_read(struct eio_bytes name, struct eio_bytes args, struct redis_values *v)
{
	if (dice(40) == 0) {
		redis_values_add(v, REDIS_ITEM_ERROR, 0, EIO_LIT("LOADING again"));
		return;
	}
	take_argument(&args);
	if (eio_bytes_eq(name, EIO_LIT("HSCAN")))
		read_hash(v, (unsigned)strtoul(take_argument(&args).p, NULL, 10));
	else
		read_list(v);
}

static void
run_exec(struct eio_bytes *from)
{
	struct eio_bytes name = take_argument(from), args = *from;
	struct reply *r;
	uint64_t number;

	while (from->n && *from->p != '*') take_argument(from);
	take_argument(from);
	assert_true(eio_bytes_eq(take_argument(from), EIO_LIT("PUBLISH")));
	assert_true(feed_primer_is_marker(&w->primer, take_argument(from)));
	number = strtoul(take_argument(from).p, NULL, 10);
	take_argument(from);
	assert_true(eio_bytes_eq(take_argument(from), EIO_LIT("EXEC")));
	add_reply(REDIS_REPLY_IS_STATUS, "OK");
	add_reply(REDIS_REPLY_IS_STATUS, "QUEUED");
	if (w->forbids_marker) {
		add_reply(REDIS_REPLY_IS_ERROR, "NOPERM this user has no permissions to access the channel");
		add_reply(REDIS_REPLY_IS_ERROR, "EXECABORT Transaction discarded");
		return;
	}
	add_reply(REDIS_REPLY_IS_STATUS, "QUEUED");
	r = add_reply(REDIS_REPLY_IS_OTHER, "");
	redis_values_add(&r->values, REDIS_ITEM_ARRAY, 2, EIO_LIT(""));
	run_read(name, args, &r->values);
	redis_values_add(&r->values, REDIS_ITEM_INTEGER, 0, EIO_LIT(""));
	publish((struct published){ .is_marker = true, .number = number });
}

/* Runs what the connection brought; a transaction at once. */
static void
run_commands(void)
{
	struct eio_bytes from = w->commands.n ? eio_buf_bytes(&w->commands) : EIO_LIT(""), name;
	struct reply *r;

	while (from.n) {
		take_argument(&from);
		name = take_argument(&from);
		if (eio_bytes_eq(name, EIO_LIT("MULTI"))) {
			take_argument(&from);
			run_exec(&from);
			continue;
		}
		r = add_reply(REDIS_REPLY_IS_OTHER, "");
		run_read(name, from, &r->values);
		while (from.n && *from.p != '*') take_argument(&from);
	}
	eio_buf_clear(&w->commands);
}

/* What happens */

/* From here to the next call one allocation may fail. */
static void
starve(void)
{
	if (w->starves && dice(4) == 0) failmalloc_arm(dice(6));
}

static void drop_replies(void);

static void
pump(void)
{
	size_t n;

	starve();
	n = feed_primer_step(&w->primer, &w->commands, true, w->now_ms);
	failmalloc_disarm();
	assert_true(n == 0 || w->primer.connected);
	/* Only a little in one turn of a loop. */
	if (w->primer.phase == PRIMER_TIDIES) assert_true(feed_primer_deadline(&w->primer) > w->now_ms);
	if (!eio_buf_failed(&w->commands)) return;
	/* As the link does. */
	eio_buf_deinit(&w->commands);
	drop_replies();
	feed_primer_connected(&w->primer, false);
}

static void
bring_to_feeds(struct message *m)
{
	starve();
	feed_router_message(&w->router, m);
	failmalloc_disarm();
}

static void
bring_message(const struct published *p)
{
	const char *channel = "q";
	char text[64];
	struct message m = { .kind = MESSAGE_OF_CHANNEL, .now_ms = w->now_ms };

	if (p->is_marker) {
		snprintf(text, sizeof text, "%llu", (unsigned long long)p->number);
		starve();
		feed_primer_marker(&w->primer, eio_cstr(text), w->now_ms);
		failmalloc_disarm();
		pump();
		return;
	}
	if (p->is_answer) {
		bool all = p->number == w->asked_n;

		w->told_n = p->number;
		if (all) memset(w->returns, 0, sizeof w->returns);
		feed_primer_answered(&w->primer, all);
		pump();
		return;
	}
	m.name = m.channel = eio_cstr(channel);
	snprintf(text, sizeof text, "{\"s\":%d,\"n\":%d%s}", p->key, p->n, p->n < 0 ? ",\"gone\":true" : "");
	m.payload = eio_cstr(text);
	m.json = m.utf8 = MESSAGE_FACT_UNKNOWN;
	if (p->has[OF_KEYS] && !w->returns[OF_KEYS]) bring_to_feeds(&m);
	if (p->n < 0 || !p->has[OF_LIST] || w->returns[OF_LIST]) return;
	m.name = m.channel = EIO_LIT("l");
	snprintf(text, sizeof text, "%d", p->n);
	m.payload = eio_cstr(text);
	m.json = m.utf8 = MESSAGE_FACT_UNKNOWN;
	bring_to_feeds(&m);
}

static void
bring_published(void)
{
	if (w->p_from == w->p_to) return;
	bring_message(&w->published[w->p_from++]);
	if (w->p_from == w->p_to) w->p_from = w->p_to = 0;
}

static void
bring_reply(void)
{
	struct reply *r;

	if (w->r_from == w->r_to) return;
	r = &w->replies[w->r_from++];
	starve();
	feed_primer_reply(&w->primer, r->kind, eio_cstr(r->text), &r->values, w->now_ms);
	failmalloc_disarm();
	redis_values_deinit(&r->values);
	if (w->r_from == w->r_to) {
		w->r_from = w->r_to = 0;
		pump();
	}
}

static void
drop_replies(void)
{
	while (w->r_from < w->r_to) redis_values_deinit(&w->replies[w->r_from++].values);
	w->r_from = w->r_to = 0;
	eio_buf_clear(&w->commands);
}

static void
set_connected(bool connected)
{
	if (w->primer.connected == connected) return;
	if (!connected) drop_replies();
	feed_primer_connected(&w->primer, connected);
	pump();
}

/* What was on its way is lost with it. */
static void
set_subscribed(bool subscribed)
{
	if (w->subscribed == subscribed) return;
	/* Who publishes first has nothing that could be read if he was not heard. */
	while (w->writing == PUBLISH_FIRST && w->n_halves) finish_half(0);
	w->subscribed = subscribed;
	w->p_from = w->p_to = 0;
	memcpy(w->has, w->asked, sizeof w->has);
	memset(w->returns, 0, sizeof w->returns);
	w->done_n = w->told_n = w->asked_n;
	if (subscribed) feed_primer_gap(&w->primer, w->now_ms);
	feed_primer_subscribed(&w->primer, subscribed, w->now_ms);
	if (subscribed) feed_primer_answered(&w->primer, true);
	pump();
}

/* The server has read what is wanted now. */
static void
run_subscriptions(void)
{
	if (!w->subscribed || w->done_n == w->asked_n) return;
	/* As where the subscription is lost. */
	while (w->writing == PUBLISH_FIRST && w->n_halves) finish_half(0);
	memcpy(w->has, w->asked, sizeof w->has);
	w->done_n = w->asked_n;
	publish((struct published){ .is_answer = true, .number = w->done_n });
}

/* Other feeds: which there are, those that are others than before, and in which order they stand. */

static struct config *
configure_feeds(const bool *there, bool backwards)
{
	char text[800], feeds[FEEDS][300];
	const char *first = there[OF_KEYS] ? feeds[OF_KEYS] : "", *second = there[OF_LIST] ? feeds[OF_LIST] : "";

	snprintf(feeds[OF_KEYS], sizeof feeds[OF_KEYS],
		"{\"channel\": \"q\", \"retain\": {\"key\": \"/s\"}, \"remove\": {\"where\": {\"/gone\": true}},"
		" \"retainBytes\": %zu, \"prime\": {\"hash\": \"state\"}}",
		w->bytes[OF_KEYS]);
	snprintf(feeds[OF_LIST], sizeof feeds[OF_LIST],
		"{\"channel\": \"l\", \"retain\": %d, \"retainBytes\": %zu,"
		" \"prime\": {\"list\": \"list\", \"newest\": \"last\"}}",
		LIST, w->bytes[OF_LIST]);
	snprintf(text, sizeof text,
		"{\"feedDefaults\": {\"encode\": \"json\", \"batch\": {\"interval\": %u}}, \"feeds\": [%s%s%s]}",
		w->interval, backwards ? second : first, *first && *second ? "," : "", backwards ? first : second);
	assert_true(w->n_configs < CONFIGS);
	return w->configs[w->n_configs++] = configured(text);
}

/* A feed that is new knows nothing, so its client begins anew. */
static void
forget_seen(unsigned feed)
{
	if (feed == OF_KEYS)
		for (int k = 0; k < KEYS; k++) w->seen[k] = -1;
	else
		memset(w->seen_number, 0, sizeof w->seen_number);
}

static void
change_feeds(const bool *there, const bool *others, bool backwards)
{
	struct feed_change change;
	struct feed_specs *specs;
	bool asks = false;

	/* As where the subscription is lost: the feed that has heard it is gone. */
	while (w->writing == PUBLISH_FIRST && w->n_halves) finish_half(0);
	for (unsigned i = 0; i < FEEDS; i++) w->bytes[i] += others[i] && there[i];
	specs = config_feeds(configure_feeds(there, backwards));
	assert_int_equal(feed_change_prepare(&change, &w->router, &w->options, specs), 0);
	assert_int_equal(feed_primer_prepare(&w->primer, change.feeds, specs->n), 0);
	feed_change_commit(&change, w->now_ms);
	feed_out_post(&w->out); /* what those before had for it */
	for (unsigned i = 0; i < FEEDS; i++) {
		if (others[i] || there[i] != w->asked[i]) forget_seen(i);
		w->returns[i] |= there[i] && !w->asked[i];
		asks |= there[i] != w->asked[i];
		w->asked[i] = there[i];
	}
	w->asked_n += asks;
	feed_primer_commit(&w->primer, w->now_ms);
	/* A source tells at once when it has to ask for nothing. */
	if (w->subscribed && w->told_n == w->asked_n) feed_primer_answered(&w->primer, true);
	pump();
}

static void
change_some_feeds(void)
{
	const bool there[FEEDS] = { dice(4) != 0, dice(4) != 0 }, others[FEEDS] = { dice(3) == 0, dice(3) == 0 };

	change_feeds(there, others, dice(2));
}

static void
pass_time(uint64_t ms)
{
	w->now_ms += ms;
	feed_router_tick(&w->router, w->now_ms);
	if (feed_primer_deadline(&w->primer) <= w->now_ms) pump();
	feed_out_post(&w->out);
}

static void
step_world(void)
{
	switch (dice(14)) {
	case 0:
	case 1:
	case 2: change_something(); break;
	case 3:
		if (w->n_halves) finish_half(dice((unsigned)w->n_halves));
		break;
	case 4:
	case 5:
		for (unsigned i = 0; i < w->speed; i++) bring_published();
		break;
	case 6: run_commands(); break;
	case 7:
	case 8:
		if (dice(w->speed) == 0) bring_reply();
		break;
	case 9: pass_time(dice(30)); break;
	case 10:
		if (dice(20) == 0) set_connected(!w->primer.connected);
		break;
	case 11:
		if (dice(20) == 0) set_subscribed(!w->subscribed);
		break;
	case 12: run_subscriptions(); break;
	case 13:
		if (w->reloads && dice(8) == 0) change_some_feeds();
		break;
	}
}

static bool
is_due(void)
{
	return w->primer.feeds.n_due > 0;
}

/* Until nothing is under way any more. */
static void
settle_world(void)
{
	const bool all[FEEDS] = { true, true }, none[FEEDS] = { false, false };

	if (w->reloads) change_feeds(all, none, false);
	set_connected(true);
	set_subscribed(true);
	while (w->n_halves) finish_half(0);
	for (int i = 0; i < 10000 && (is_due() || w->p_from < w->p_to || i < 10); i++) {
		run_commands();
		run_subscriptions();
		bring_reply();
		bring_published();
		pass_time(10);
	}
	pass_time(100);
	assert_false(is_due());
	assert_int_equal(w->primer.feeds.n_unread, 0);
}

/* What there is */

static const struct retained *
retained_of(size_t feed)
{
	const struct feed_specs *specs = w->options.specs;
	struct eio_hash_node *n = NULL;

	for (size_t i = 0; i < specs->n; i++)
		if (strcmp(specs->v[i].channels[0], feed == OF_KEYS ? "q" : "l") == 0)
			n = eio_hash_any(&w->router.feeds[i]->keeper.states);
	return n ? &EIO_CONTAINER(n, struct feed_state, node)->retained : NULL;
}

static void
check_keys(void)
{
	const struct retained *s = retained_of(OF_KEYS);
	const struct eio_list *at = NULL;
	int found[KEYS], key, n;
	struct eio_bytes p;
	char text[64];

	for (int k = 0; k < KEYS; k++) found[k] = -1;
	while (s && retained_next(s, &at, &p)) {
		snprintf(text, sizeof text, "%.*s", (int)p.n, p.p);
		assert_int_equal(sscanf(text, "{\"s\":%d,\"n\":%d", &key, &n), 2);
		found[key] = n;
	}
	for (int k = 0; k < KEYS; k++) {
		assert_int_equal(found[k], w->state[k]);
		if (w->state[k] >= 0 && !w->hungry) assert_int_equal(w->seen[k], w->state[k]);
	}
}

static void
check_list(void)
{
	const struct retained *s = retained_of(OF_LIST);
	const struct eio_list *at = NULL;
	struct eio_bytes p;
	char text[16];
	int n = 0;

	while (s && retained_next(s, &at, &p)) {
		snprintf(text, sizeof text, "%.*s", (int)p.n, p.p);
		assert_true(n < w->n_list);
		assert_int_equal(atoi(text), w->list[n++]);
	}
	assert_int_equal(n, w->n_list);
}

/* Of numbers that are published as they are added, none is missing, and none is there twice, at any time. */
static void
check_row(void)
{
	const struct retained *s = retained_of(OF_LIST);
	const struct eio_list *at = NULL;
	struct eio_bytes p;
	char text[16];
	int last = 0;

	if (is_due() || w->writing != AS_ONE || w->forbids_marker || w->hungry) return;
	while (s && retained_next(s, &at, &p)) {
		snprintf(text, sizeof text, "%.*s", (int)p.n, p.p);
		if (last) assert_int_equal(atoi(text), last + 1);
		last = atoi(text);
	}
}

static void
begin_world(enum writing writing, bool forbids, bool starves, unsigned interval)
{
	static const bool all[FEEDS] = { true, true };
	static char name[] = "server";

	w = calloc(1, sizeof *w);
	assert_non_null(w);
	w->interval = interval;
	w->bytes[OF_KEYS] = w->bytes[OF_LIST] = 1 << 20;
	memcpy(w->asked, all, sizeof w->asked);
	configure_feeds(all, false);
	w->interest = interest_table_new();
	assert_int_equal(metrics_set_init(&w->metrics), 0);
	w->options = (struct feed_options){ .interest = w->interest, .metrics = &w->metrics };
	config_fill_feed(w->configs[0], &w->options);
	w->options.workers = 1;
	assert_int_equal(feed_out_init(&w->out, &w->options), 0);
	w->port = (struct mail_port){ .take = take_delivery };
	w->out.workers[0] = &w->port;
	assert_int_equal(feed_router_init(&w->router, &w->options, &w->out), 0);
	w->url.name = name;
	assert_int_equal(feed_primer_init(&w->primer, &w->router, &w->url, true), 0);
	assert_true(feed_primer_is_wanted(&w->primer));
	assert_int_equal(interest_set(w->interest, 0, sio_room_everyone(EIO_LIT("/"))), 0);
	w->writing = writing;
	w->forbids_marker = forbids;
	w->starves = w->hungry = starves;
	w->is_exact = !forbids && !starves;
	w->now_ms = 1000;
	w->speed = 1 + dice(6);
	w->primer.looks = 1 + dice(6);
	for (int k = 0; k < KEYS; k++) w->state[k] = w->seen[k] = -1;
	for (int i = 0; i < 20; i++) change_something();
}

static void
end_world(void)
{
	drop_replies();
	eio_buf_deinit(&w->commands);
	feed_primer_deinit(&w->primer);
	interest_clear(w->interest, 0, sio_room_everyone(EIO_LIT("/")));
	feed_router_deinit(&w->router);
	feed_out_deinit(&w->out);
	metrics_set_deinit(&w->metrics);
	interest_table_free(w->interest);
	for (size_t i = 0; i < w->n_configs; i++) config_free(w->configs[i]);
	free(w);
}

static void
every_order(void **state)
{
	uint64_t primed = 0;

	(void)state;
	for (unsigned i = 0; i < ROUNDS; i++) {
		enum writing writing = (enum writing)(i % WRITINGS);
		bool forbids = i % 5 == 4;

		dice_state = i;
		begin_world(writing, forbids, false, i % 2 ? 20 : 0);
		w->reloads = i % 4 == 3;
		for (int k = 0; k < STEPS; k++) {
			step_world();
			check_row();
		}
		settle_world();
		check_keys();
		/* A list has its place in the order when all is done as one, and with a marker. */
		if (writing == AS_ONE && !forbids) check_list();
		primed += metrics_sum(&w->metrics, &feed_metrics, FEED_METRIC_PRIMED);
		end_world();
	}
	assert_true(primed > ROUNDS * KEYS);
}

static void
all_hear(bool hear)
{
	for (size_t i = 0; i < w->primer.feeds.n; i++) assert_int_equal(w->primer.feeds.v[i].hears, hear);
}

/* A connection was lost and nothing is missing, which ends it; later something is. */
static void
missed_after_all(void **state)
{
	(void)state;
	begin_world(AS_ONE, false, false, 0);
	settle_world();
	all_hear(false);
	feed_primer_subscribed(&w->primer, false, w->now_ms);
	all_hear(true);
	feed_primer_subscribed(&w->primer, true, w->now_ms);
	assert_false(is_due());
	all_hear(false);
	feed_primer_gap(&w->primer, w->now_ms);
	assert_int_equal(w->primer.feeds.n_due, FEEDS);
	all_hear(true);
	feed_primer_answered(&w->primer, true);
	pump();
	settle_world();
	all_hear(false);
	check_keys();
	check_list();
	end_world();
}

/* What was lost by it is there when all is read again. */
static void
without_memory(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ROUNDS; i++) {
		dice_state = i;
		begin_world((enum writing)(i % WRITINGS), i % 5 == 4, true, i % 2 ? 20 : 0);
		for (int k = 0; k < STEPS / 2; k++) step_world();
		w->starves = false;
		set_subscribed(false);
		settle_world();
		check_keys();
		if (w->writing == AS_ONE && !w->forbids_marker) check_list();
		end_world();
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_order),
		cmocka_unit_test(missed_after_all),
		cmocka_unit_test(without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
