/* SPDX-License-Identifier: MIT */
/* What a streamer asks a server, and what it makes of the answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/base/log.h"
#include "src/redis/streamer.h"
#include "tests/unit/redis/seen.h"
#include "tests/unit/redis/server.h"

#include <stdio.h>
#include <string.h>

#define LOOK_A "*3\r\n$5\r\nXINFO\r\n$6\r\nSTREAM\r\n$1\r\na\r\n"
#define LOOK_B "*3\r\n$5\r\nXINFO\r\n$6\r\nSTREAM\r\n$3\r\nb c\r\n"
#define POSITION_B "*3\r\n$4\r\nHGET\r\n$3\r\npos\r\n$3\r\nb c\r\n"
#define KEEP_B(value) "*4\r\n$4\r\nHSET\r\n$3\r\npos\r\n$3\r\nb c\r\n" value
#define ROLE "*2\r\n$4\r\nINFO\r\n$11\r\nreplication\r\n"
#define IS_MASTER "$11\r\nrole:master\r\n"
#define IS_REPLICA "$10\r\nrole:slave\r\n"
#define NO_KEY "-ERR no such key\r\n"
#define NOPERM "-NOPERM this user has no permissions to access one of the keys used as arguments\r\n"
#define INFO(length, last, added) \
	"*6\r\n$6\r\nlength\r\n:" length "\r\n$17\r\nlast-generated-id\r\n$3\r\n" last \
	"\r\n$13\r\nentries-added\r\n:" added "\r\n"
/* All of it: also from where on there are entries, and up to where some were deleted. */
#define WHOLE(length, last, added, deleted, first) \
	"*10\r\n$6\r\nlength\r\n:" length "\r\n$17\r\nlast-generated-id\r\n$3\r\n" last \
	"\r\n$20\r\nmax-deleted-entry-id\r\n$3\r\n" deleted "\r\n$13\r\nentries-added\r\n:" added \
	"\r\n$11\r\nfirst-entry\r\n" ENTRY(first, "0")
#define BACK(from) "*6\r\n$9\r\nXREVRANGE\r\n$1\r\na\r\n" from "\r\n$1\r\n-\r\n$5\r\nCOUNT\r\n"
#define ENTRY(id, value) "*2\r\n$3\r\n" id "\r\n*2\r\n$1\r\nx\r\n$1\r\n" value "\r\n"

static const struct redis_streamer_stream all[] = { { .name = "a", .from = "$" },
	{ .name = "b c", .from = "0", .position = "pos" } };

static struct redis_streamer *streamer;
static bool full; /* nothing more can be taken */

static void
on_test_entry(void *user, size_t stream, const struct redis_entry *e)
{
	struct server *s = user;

	see("%zu:", stream);
	see_entry(e);
	s->messages++;
}

static void
on_test_gap(void *user, size_t stream, const struct redis_gap *gap)
{
	char from[REDIS_ID_TEXT], to[REDIS_ID_TEXT];

	(void)user;
	see("%zu:gap %s %s %llu;", stream, redis_id_text(gap->from, from), redis_id_text(gap->to, to),
		(unsigned long long)gap->missed);
}

static void
on_test_state(void *user, bool ready)
{
	struct server *s = user;

	see(ready ? "ready;" : "not ready;");
	s->ready += ready;
	s->not_ready += !ready;
}

static void
on_test_refused(void *user, size_t stream, bool refused)
{
	struct server *s = user;

	see("%zu:%s;", stream, refused ? "refused" : "allowed");
	s->refused += refused ? 1 : -1;
}

static void
on_test_past(void *user, size_t stream, const struct redis_entry *e)
{
	struct server *s = user;

	see("%zu:past ", stream);
	see_entry(e);
	s->messages++;
}

static void
on_test_past_end(void *user, size_t stream, const struct redis_id *from)
{
	char text[REDIS_ID_TEXT];

	(void)user;
	see("%zu:past from %s;", stream, from ? redis_id_text(*from, text) : "nowhere");
}

static bool
on_test_may_read(void *user)
{
	(void)user;
	return !full;
}

static struct redis_streamer_options
streamer_options(size_t n)
{
	return (struct redis_streamer_options){
		.streams = all,
		.n = n,
		.message_bytes = 100,
		.silent_ms = 1000000,
		.dead_ms = 1000000,
		.look_ms = 60000,
		.save_ms = 1000000,
		.entry = on_test_entry,
		.gap = on_test_gap,
		.state = on_test_state,
		.refused = on_test_refused,
		.may_read = on_test_may_read,
	};
}

/* The same with a look, which comes when it is time: there is nothing to read until then. */
static void
await_look(struct server *s, const char *text, const char *answer)
{
	while (!has_received(s, text)) {
		if (has_received(s, "XREAD")) await_words(s, "XREAD", "*-1\r\n");
		uv_run(&s->loop, UV_RUN_ONCE);
	}
	await_words(s, text, answer);
}

static struct server *
streaming(const struct redis_streamer_options *options, size_t n, const char *look, const char *answer)
{
	struct server *s = server_new("", "");
	struct redis_streamer_options o = options ? *options : streamer_options(n);

	full = false;
	o.url = &s->url;
	o.metrics = s->counters;
	o.user = s;
	s->wait_for = "SETNAME";
	s->answer = "+OK\r\n";
	s->always = true;
	streamer = redis_streamer_open(&s->loop, &o);
	assert_non_null(streamer);
	await_words(s, look, answer);
	return s;
}

static void
stop_streaming(struct server *s)
{
	redis_streamer_close(streamer);
	server_free(s);
}

static void
reads_on_behind_the_last(void **state)
{
	struct server *s = streaming(
		NULL, 2, LOOK_A POSITION_B LOOK_B, INFO("3", "7-1", "9") "$-1\r\n" INFO("0", "0-0", "0"));

	(void)state;
	await_words(s, "$7\r\nSTREAMS\r\n$1\r\na\r\n$3\r\nb c\r\n$3\r\n7-1\r\n$3\r\n0-0\r\n",
		"*2\r\n*2\r\n$1\r\na\r\n*1\r\n" ENTRY("7-2", "1") "*2\r\n$3\r\nb c\r\n*2\r\n" ENTRY("1-0", "2")
			ENTRY("1-1", "3"));
	await_words(s, "$3\r\n7-2\r\n$3\r\n1-1\r\n", "*1\r\n*2\r\n$1\r\na\r\n*1\r\n" ENTRY("7-3", "4"));
	RUN_UNTIL(s, s->messages == 4);
	drop_client(s);
	/* On the next connection what is kept is not asked for. */
	await_words(s, LOOK_A LOOK_B, INFO("3", "7-4", "13") NO_KEY);
	await_words(s, ROLE LOOK_A LOOK_B, IS_MASTER INFO("3", "7-4", "13") NO_KEY);
	await_words(s, "$3\r\n7-3\r\n$3\r\n0-0\r\n", "*1\r\n*2\r\n$1\r\na\r\n*1\r\n" ENTRY("7-4", "5"));
	RUN_UNTIL(s, s->messages == 5);
	assert_string_equal(seen, "ready;0:a 7-2(x=1,)1:b c 1-0(x=2,)1:b c 1-1(x=3,)0:a 7-3(x=4,)not ready;"
				  "1:gap 1-1 0-0 0;ready;0:gap 7-1 7-4 1;0:a 7-4(x=5,)");
	stop_streaming(s);
}

/* At a replica, and at one who does not say what it is, reading waits behind what was read. */
static void
waits_for_who_is_behind(void **state)
{
	static const char *const roles[] = { IS_REPLICA, NOPERM, "$-1\r\n" };

	(void)state;
	for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
		struct server *s = streaming(NULL, 1, LOOK_A, INFO("3", "7-1", "9"));
		char answer[256];

		await_words(s, "$1\r\na\r\n$3\r\n7-1\r\n", "*1\r\n*2\r\n$1\r\na\r\n*1\r\n" ENTRY("7-2", "1"));
		RUN_UNTIL(s, s->messages == 1);
		drop_client(s);
		await_words(s, LOOK_A, INFO("2", "6-1", "8"));
		snprintf(answer, sizeof answer, "%s%s", roles[i], i ? NO_KEY : INFO("3", "7-1", "9"));
		await_words(s, ROLE LOOK_A, answer);
		await_words(s, "$1\r\na\r\n$3\r\n7-2\r\n", "*-1\r\n");
		snprintf(answer, sizeof answer, "%s%s", roles[i], INFO("5", "7-3", "11"));
		await_look(s, ROLE LOOK_A, answer);
		await_words(s, "$1\r\na\r\n$3\r\n7-2\r\n", "*1\r\n*2\r\n$1\r\na\r\n*1\r\n" ENTRY("7-3", "2"));
		RUN_UNTIL(s, s->messages == 2);
		assert_string_equal(seen, "ready;0:a 7-2(x=1,)not ready;ready;0:a 7-3(x=2,)");
		stop_streaming(s);
	}
}

static void
goes_on_at_its_position(void **state)
{
	struct server *s = streaming(
		NULL, 2, LOOK_A POSITION_B LOOK_B, NO_KEY "$5\r\n5-1 8\r\n" INFO("2", "5-2", "10"));

	(void)state;
	await_words(s, "$3\r\n0-0\r\n$3\r\n5-1\r\n", "*1\r\n*2\r\n$3\r\nb c\r\n*1\r\n" ENTRY("5-2", "1"));
	RUN_UNTIL(s, s->messages == 1);
	assert_string_equal(seen, "ready;1:gap 5-1 5-2 1;1:b c 5-2(x=1,)");
	stop_streaming(s);
	/* What is no position is no reason not to begin. */
	s = streaming(NULL, 2, LOOK_A POSITION_B LOOK_B, NO_KEY "$1\r\nx\r\n" INFO("2", "5-2", "10"));
	await_words(s, "$3\r\n0-0\r\n$3\r\n0-0\r\n", NULL);
	stop_streaming(s);
}

static void
on_test_settled(void *user)
{
	(void)user;
	see("settled;");
}

/* What another process had read counts, whatever the configuration says; and it is told when all is known of what is
 * missing since. */
static void
goes_on_where_it_was(void **state)
{
	static const struct redis_streamer_stream v[] = { { .name = "a", .from = "$" },
		{ .name = "b c", .from = "0", .position = "pos", .resume = "5-1 8" } };
	struct redis_streamer_options o = streamer_options(2);
	char text[REDIS_CURSOR_TEXT];
	struct server *s;

	(void)state;
	o.streams = v;
	o.settled = on_test_settled;
	s = streaming(&o, 2, LOOK_A LOOK_B, NO_KEY INFO("3", "5-4", "12"));
	assert_string_equal(redis_streamer_store(streamer, 1, text), "5-1 8");
	await_words(
		s, "$3\r\n0-0\r\n$3\r\n5-1\r\n", "*1\r\n*2\r\n$3\r\nb c\r\n*2\r\n" ENTRY("5-3", "1") ENTRY("5-4", "1"));
	await_words(s, "$3\r\n5-4\r\n", NULL);
	assert_string_equal(seen, "ready;1:b c 5-3(x=1,)1:gap 5-1 5-4 2;1:b c 5-4(x=1,)settled;");
	assert_string_equal(redis_streamer_store(streamer, 0, text), "0-0 0");
	assert_string_equal(redis_streamer_store(streamer, 1, text), "5-4 12");
	stop_streaming(s);
	/* Nothing new, and one that is refused. */
	s = streaming(&o, 2, LOOK_A LOOK_B, NO_KEY INFO("0", "5-1", "8"));
	await_words(s, "$3\r\n5-1\r\n", NULL);
	assert_string_equal(seen, "ready;settled;");
	stop_streaming(s);
	s = streaming(&o, 2, LOOK_A LOOK_B, NO_KEY NOPERM);
	await_words(s, "XREAD", NULL);
	assert_string_equal(seen, "1:refused;ready;");
	stop_streaming(s);
}

/* What is kept is what was read a round ago. */
static void
keeps_its_position(void **state)
{
	struct redis_streamer_options o = streamer_options(2);
	struct server *s;

	(void)state;
	o.save_ms = 0;
	s = streaming(&o, 2, LOOK_A POSITION_B LOOK_B, NO_KEY "$-1\r\n" INFO("0", "0-0", "0"));
	await_words(s, "$7\r\nSTREAMS\r\n", "*1\r\n*2\r\n$3\r\nb c\r\n*1\r\n" ENTRY("1-0", "2"));
	await_words(s, KEEP_B("$5\r\n0-0 0\r\n") "*10\r\n$5\r\nXREAD\r\n", ":1\r\n*-1\r\n");
	await_words(s, KEEP_B("$5\r\n1-0 1\r\n") "*10\r\n$5\r\nXREAD\r\n",
		"-READONLY You can't write against a read only replica.\r\n*1\r\n*2\r\n$3\r\nb c\r\n*1\r\n" ENTRY(
			"1-1", "3"));
	/* Nothing new; then what came with the answer before. */
	await_words(s, "*10\r\n$5\r\nXREAD\r\n", "*-1\r\n");
	await_words(s, KEEP_B("$5\r\n1-1 2\r\n") "*10\r\n$5\r\nXREAD\r\n", NULL);
	/* Whether that was kept is not known. */
	drop_client(s);
	await_words(s, LOOK_A LOOK_B, NO_KEY INFO("2", "1-1", "2"));
	await_words(s, KEEP_B("$5\r\n1-1 2\r\n") "*10\r\n$5\r\nXREAD\r\n", NULL);
	assert_string_equal(seen, "ready;1:b c 1-0(x=2,)1:b c 1-1(x=3,)not ready;ready;");
	stop_streaming(s);
}

/* A position is kept also when there is nothing to read any more; and it is looked again. */
static void
keeps_the_last_position(void **state)
{
	struct redis_streamer_options o = streamer_options(1);
	struct server *s;

	(void)state;
	o.streams = &all[1];
	o.save_ms = 0;
	s = streaming(&o, 1, POSITION_B LOOK_B, "$-1\r\n" INFO("0", "0-0", "0"));
	await_words(s, "XREAD", "*1\r\n*2\r\n$3\r\nb c\r\n*1\r\n" ENTRY("1-0", "2"));
	await_words(s, KEEP_B("$5\r\n0-0 0\r\n"), ":1\r\n-WRONGTYPE Operation against a key\r\n");
	await_words(s, LOOK_B, NOPERM);
	await_words(s, KEEP_B("$5\r\n1-0 1\r\n"), ":1\r\n");
	await_words(s, LOOK_B, INFO("1", "1-0", "1"));
	await_words(s, "XREAD", NULL);
	assert_string_equal(seen, "ready;0:b c 1-0(x=2,)0:refused;not ready;0:allowed;ready;");
	stop_streaming(s);
}

static void
what_is_refused(void **state)
{
	struct server *s = streaming(NULL, 2, LOOK_A POSITION_B LOOK_B, NOPERM NOPERM NO_KEY);

	(void)state;
	/* Nothing can be read; but it is asked again. */
	await_look(s, LOOK_A POSITION_B LOOK_B,
		NO_KEY "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n" NO_KEY);
	await_words(s, "STREAMS\r\n$1\r\na\r\n$3\r\n0-0\r\n", "*-1\r\n");
	await_look(s, LOOK_A POSITION_B LOOK_B, NO_KEY "$-1\r\n" INFO("1", "5-2", "10"));
	await_words(s, "STREAMS\r\n$1\r\na\r\n$3\r\nb c\r\n$3\r\n0-0\r\n$3\r\n0-0\r\n",
		"-WRONGTYPE Operation against a key\r\n");
	/* XREAD says it of all: the look, of which. */
	await_words(s, LOOK_A LOOK_B, "-WRONGTYPE Operation against a key\r\n" INFO("1", "5-2", "10"));
	await_words(s, "STREAMS\r\n$3\r\nb c\r\n$3\r\n0-0\r\n",
		"-NOPERM this user has no permissions to run the 'xread' command\r\n");
	await_look(s, LOOK_A LOOK_B, NO_KEY NO_KEY);
	/* Nothing is looked at in vain for ever: it is XREAD that is refused. */
	await_words(s, "STREAMS\r\n$1\r\na\r\n$3\r\nb c\r\n$3\r\n0-0\r\n$3\r\n0-0\r\n",
		"-NOPERM this user has no permissions to run the 'xread' command\r\n");
	await_look(s, LOOK_A LOOK_B, NO_KEY NO_KEY);
	await_words(s, "STREAMS\r\n", "*-1\r\n");
	await_words(s, "STREAMS\r\n", NULL);
	assert_string_equal(seen, "0:refused;1:refused;0:allowed;ready;1:allowed;0:refused;not ready;0:allowed;ready;");
	assert_int_equal(s->connections, 1);
	stop_streaming(s);
	/* An error to nothing that was asked is said before hanging up; so is NOAUTH. */
	s = streaming(NULL, 1, LOOK_A, "-NOAUTH Authentication required.\r\n");
	RUN_UNTIL(s, s->connections == 2);
	stop_streaming(s);
}

static void
no_more_than_can_be_taken(void **state)
{
	struct server *s = streaming(NULL, 1, LOOK_A, INFO("3", "7-1", "9"));
	char text[4096];
	size_t n = 0;

	(void)state;
	/* Full as soon as some came. */
	await_words(s, "XREAD\r\n$5\r\nCOUNT\r\n$2\r\n16\r\n", NULL);
	full = true;
	n = (size_t)snprintf(text, sizeof text, "*1\r\n*2\r\n$1\r\na\r\n*16\r\n");
	for (unsigned i = 1; i <= 16; i++) n += (size_t)snprintf(text + n, sizeof text - n, ENTRY("8-%u", "1"), i % 10);
	say(s, text);
	RUN_UNTIL(s, s->messages == 16);
	for (int i = 0; i < 5; i++) uv_run(&s->loop, UV_RUN_ONCE); /* its timer */
	assert_false(has_received(s, "XREAD"));
	full = false;
	/* They were short: more can be asked for. */
	await_words(s, "COUNT\r\n$2\r\n32\r\n",
		"*1\r\n*2\r\n$1\r\na\r\n*1\r\n*2\r\n$3\r\n9-1\r\n*2\r\n$1\r\nx\r\n$102\r\n"
		"123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012\r\n");
	RUN_UNTIL(s, s->messages == 17);
	assert_non_null(strstr(seen, "a 9-1(long 103)"));
	assert_int_equal(count(s, REDIS_METRIC_TOO_LONG), 1);
	stop_streaming(s);
}

/* It looks while nothing comes, too. */
static void
looks_again(void **state)
{
	struct redis_streamer_options o = streamer_options(1);
	struct server *s;

	(void)state;
	o.look_ms = 30;
	s = streaming(&o, 1, LOOK_A, INFO("3", "7-1", "9"));
	await_words(s, "BLOCK\r\n$2\r\n", "*-1\r\n");
	for (int i = 0; i < 3; i++) await_look(s, LOOK_A, INFO("0", "7-5", "13"));
	await_words(s, "$3\r\n7-5\r\n", NULL);
	assert_string_equal(seen, "ready;0:gap 7-1 7-5 4;");
	stop_streaming(s);
}

/* The past */

/* A stream that is looked at, of which the past is wanted since 5-0. */
static struct server *
streaming_past(const char *answer)
{
	static const struct redis_past_limits limits = { .since_ms = 5, .messages = 100, .bytes = 100000 };
	struct redis_streamer_options o = streamer_options(1);

	o.past = &limits;
	o.past_entry = on_test_past;
	o.past_end = on_test_past_end;
	o.settled = on_test_settled;
	return streaming(&o, 1, LOOK_A, answer);
}

/* It begins with the last one from before, and ends where what is new begins. */
static void
reads_what_was_there(void **state)
{
	struct server *s = streaming_past(WHOLE("4", "7-3", "4", "0-0", "3-1"));

	(void)state;
	await_words(s, BACK("$3\r\n7-3") "$2\r\n64\r\n",
		"*4\r\n" ENTRY("7-3", "4") ENTRY("6-1", "3") ENTRY("4-1", "2") ENTRY("3-1", "1"));
	await_words(s, "STREAMS\r\n$1\r\na\r\n$3\r\n4-0\r\n",
		"*1\r\n*2\r\n$1\r\na\r\n*4\r\n" ENTRY("4-1", "2") ENTRY("6-1", "3") ENTRY("7-3", "4")
			ENTRY("7-4", "5"));
	await_words(s, LOOK_A, WHOLE("5", "7-4", "5", "0-0", "3-1"));
	await_words(s, "STREAMS\r\n$1\r\na\r\n$3\r\n7-4\r\n", NULL);
	assert_string_equal(seen, "ready;0:past a 4-1(x=2,)0:past a 6-1(x=3,)0:past a 7-3(x=4,)0:a 7-4(x=5,)"
				  "0:past from 3-1;settled;");
	/* Another connection does not begin again. */
	drop_client(s);
	await_words(s, LOOK_A, WHOLE("5", "7-4", "5", "0-0", "3-1"));
	await_words(s, "STREAMS\r\n$1\r\na\r\n$3\r\n7-4\r\n", NULL);
	stop_streaming(s);
}

/* It is looked for in portions, and no further than so many. */
static void
seeks_until_it_is_enough(void **state)
{
	struct server *s = streaming_past(WHOLE("300", "9-9", "300", "0-0", "5-1"));
	char text[8192];

	(void)state;
	for (unsigned begun = 0, n = 64; begun < 192; begun += n, n = 128) {
		size_t len = (size_t)snprintf(text, sizeof text, "*%u\r\n", n);
		unsigned next = 999 - begun;

		for (unsigned i = 0; i < n; i++, next--)
			len += (size_t)snprintf(text + len, sizeof text - len,
				"*2\r\n$5\r\n9-%03u\r\n*2\r\n$1\r\nx\r\n$1\r\n1\r\n", next);
		await_words(s, begun ? BACK("$6\r\n(9-936") "$3\r\n128\r\n" : BACK("$3\r\n9-9") "$2\r\n64\r\n", text);
	}
	/* 101 of them, the first of which is where somebody may be. */
	await_words(s, "STREAMS\r\n$1\r\na\r\n$5\r\n9-898\r\n", NULL);
	stop_streaming(s);
}

/* What the last look says of it. */
static void
whole_behind_what_was_cut(void **state)
{
	static const struct {
		const char *look, *from;
	} looks[] = {
		{ WHOLE("3", "7-3", "4", "0-0", "6-1"), "6-1" },
		{ WHOLE("3", "7-3", "4", "6-1", "4-1"), "6-2" },
		{ WHOLE("3", "7-3", "4", "6-1", "7-1"), "7-1" },
		{ WHOLE("1", "7-5", "6", "7-4", "7-5"), "7-5" },
		{ "*8\r\n$6\r\nlength\r\n:0\r\n$17\r\nlast-generated-id\r\n$3\r\n7-3\r\n$13\r\nentries-added\r\n:4\r\n"
		  "$11\r\nfirst-entry\r\n$-1\r\n",
			"nowhere" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++) {
		struct server *s = streaming_past(WHOLE("4", "7-3", "4", "0-0", "3-1"));
		char want[64];

		await_words(s, BACK("$3\r\n7-3") "$2\r\n64\r\n", "*2\r\n" ENTRY("7-3", "4") ENTRY("6-1", "3"));
		await_words(s, "$3\r\n6-0\r\n", "*1\r\n*2\r\n$1\r\na\r\n*1\r\n" ENTRY("6-1", "3"));
		await_words(s, LOOK_A, looks[i].look);
		await_words(s, "$3\r\n7-3\r\n", NULL);
		snprintf(want, sizeof want, "0:past from %s;settled;", looks[i].from);
		assert_non_null(strstr(seen, want));
		stop_streaming(s);
	}
}

/* Then it is read as if nobody had wanted it. */
static void
where_no_past_can_be_had(void **state)
{
	struct server *s;

	(void)state;
	/* There is no stream; a server that does not count; one that has nothing of that time. */
	s = streaming_past(NO_KEY);
	await_words(s, "STREAMS\r\n$1\r\na\r\n$3\r\n0-0\r\n", NULL);
	assert_string_equal(seen, "0:past from nowhere;ready;settled;");
	stop_streaming(s);
	s = streaming_past("*4\r\n$6\r\nlength\r\n:1\r\n$17\r\nlast-generated-id\r\n$3\r\n7-3\r\n");
	await_words(s, "STREAMS\r\n$1\r\na\r\n$3\r\n7-3\r\n", NULL);
	assert_string_equal(seen, "0:past from nowhere;ready;settled;");
	stop_streaming(s);
	s = streaming_past(WHOLE("4", "7-3", "4", "0-0", "3-1"));
	await_words(s, BACK("$3\r\n7-3") "$2\r\n64\r\n", "*2\r\n" ENTRY("4-1", "4") ENTRY("3-1", "3"));
	await_words(s, "STREAMS\r\n$1\r\na\r\n$3\r\n7-3\r\n", NULL);
	assert_string_equal(seen, "ready;0:past from nowhere;settled;");
	stop_streaming(s);
	/* It is forbidden; or XREAD is. */
	s = streaming_past(WHOLE("4", "7-3", "4", "0-0", "3-1"));
	await_words(s, BACK("$3\r\n7-3") "$2\r\n64\r\n", NOPERM);
	await_words(s, "STREAMS\r\n$1\r\na\r\n$3\r\n7-3\r\n", NULL);
	assert_string_equal(seen, "ready;0:past from nowhere;settled;");
	stop_streaming(s);
	s = streaming_past(WHOLE("4", "7-3", "4", "0-0", "3-1"));
	await_words(s, BACK("$3\r\n7-3") "$2\r\n64\r\n", "*2\r\n" ENTRY("7-3", "4") ENTRY("6-1", "3"));
	await_words(s, "$3\r\n6-0\r\n", NOPERM);
	await_words(s, LOOK_A, WHOLE("4", "7-3", "4", "0-0", "3-1"));
	await_words(s, "$3\r\n6-0\r\n", NOPERM);
	await_words(s, LOOK_A, WHOLE("4", "7-3", "4", "0-0", "3-1"));
	await_words(s, "$3\r\n7-3\r\n", NULL);
	assert_string_equal(seen, "ready;0:past from nowhere;not ready;settled;");
	stop_streaming(s);
}

static void
when_it_is_lost_meanwhile(void **state)
{
	struct server *s;

	(void)state;
	/* The connection is; what comes later goes on where it began. */
	s = streaming_past(WHOLE("4", "7-3", "4", "0-0", "3-1"));
	await_words(s, BACK("$3\r\n7-3") "$2\r\n64\r\n", "*2\r\n" ENTRY("7-3", "4") ENTRY("6-1", "3"));
	await_words(s, "$3\r\n6-0\r\n", NULL);
	drop_client(s);
	await_words(s, LOOK_A, WHOLE("5", "7-4", "5", "0-0", "3-1"));
	await_words(s, "$3\r\n7-3\r\n", "*1\r\n*2\r\n$1\r\na\r\n*1\r\n" ENTRY("7-4", "5"));
	RUN_UNTIL(s, s->messages == 1);
	assert_string_equal(seen, "ready;0:past from nowhere;not ready;settled;ready;0:a 7-4(x=5,)");
	stop_streaming(s);
	/* What was added is, before it was read. */
	s = streaming_past(WHOLE("4", "7-3", "4", "0-0", "3-1"));
	await_words(s, BACK("$3\r\n7-3") "$2\r\n64\r\n", "*2\r\n" ENTRY("7-3", "4") ENTRY("6-1", "3"));
	await_words(s, "$3\r\n6-0\r\n",
		"*1\r\n*2\r\n$1\r\na\r\n*3\r\n" ENTRY("6-1", "3") ENTRY("7-3", "4") ENTRY("7-5", "6"));
	await_words(s, LOOK_A, WHOLE("1", "7-6", "7", "0-0", "7-6"));
	await_words(s, "$3\r\n7-5\r\n", NULL);
	assert_string_equal(seen, "ready;0:past a 6-1(x=3,)0:past a 7-3(x=4,)0:a 7-5(x=6,)0:past from 7-6;settled;");
	stop_streaming(s);
	/* One that is loading what it has is asked again. */
	s = streaming_past("-LOADING Redis is loading the dataset in memory\r\n");
	await_look(s, LOOK_A, WHOLE("4", "7-3", "4", "0-0", "3-1"));
	await_words(s, BACK("$3\r\n7-3") "$2\r\n64\r\n", NULL);
	assert_string_equal(seen, "0:refused;0:allowed;ready;");
	stop_streaming(s);
	/* One that is refused for another reason is not waited for. */
	s = streaming_past(NOPERM);
	await_look(s, LOOK_A, WHOLE("4", "7-3", "4", "0-0", "3-1"));
	await_words(s, "$3\r\n7-3\r\n", NULL);
	assert_string_equal(seen, "0:past from nowhere;0:refused;settled;0:allowed;ready;");
	stop_streaming(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_on_behind_the_last),
		cmocka_unit_test(waits_for_who_is_behind),
		cmocka_unit_test(goes_on_at_its_position),
		cmocka_unit_test(goes_on_where_it_was),
		cmocka_unit_test(keeps_its_position),
		cmocka_unit_test(keeps_the_last_position),
		cmocka_unit_test(what_is_refused),
		cmocka_unit_test(no_more_than_can_be_taken),
		cmocka_unit_test(looks_again),
		cmocka_unit_test(reads_what_was_there),
		cmocka_unit_test(seeks_until_it_is_enough),
		cmocka_unit_test(whole_behind_what_was_cut),
		cmocka_unit_test(where_no_past_can_be_had),
		cmocka_unit_test(when_it_is_lost_meanwhile),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
