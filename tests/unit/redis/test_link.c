/* SPDX-License-Identifier: MIT */
/* What a server may do to a connection: refuse, complain, hang up, fall silent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/base/log.h"
#include "src/redis/backoff.h"
#include "tests/unit/redis/seen.h"
#include "tests/unit/redis/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOPERM "-NOPERM this user has no permissions to access one of the channels used as arguments\r\n"
#define CONFIRMED_A "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"
#define CONFIRMED_B "*3\r\n$9\r\nsubscribe\r\n$3\r\nb c\r\n:2\r\n"
#define CONFIRMED_P "*3\r\n$10\r\npsubscribe\r\n$2\r\np*\r\n:2\r\n"

/* The log, while it is caught */

static FILE *caught;
static int saved_stderr;

static void
catch_log(void)
{
	fflush(stderr);
	caught = tmpfile();
	assert_non_null(caught);
	saved_stderr = dup(STDERR_FILENO);
	dup2(fileno(caught), STDERR_FILENO);
	log_set_level(LOG_LEVEL_INFO);
}

/* Gives stderr back. What was written is valid until the next call. */
static const char *
caught_log(void)
{
	static char text[65536];
	size_t n;

	log_set_level(LOG_LEVEL_ERROR);
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	rewind(caught);
	n = fread(text, 1, sizeof text - 1, caught);
	text[n] = '\0';
	fclose(caught);
	return text;
}

static void
log_holds(const char *log, const char *part)
{
	if (!strstr(log, part)) fail_msg("not there: %s\nin: %s", part, log);
}

static unsigned
times(const char *log, const char *part)
{
	unsigned n = 0;

	for (const char *at = log; (at = strstr(at, part)); at++) n++;
	return n;
}

/* A server that answers what is said when connecting, and a subscriber that is connected to it. */
static struct server *
server_answering(const char *answer, unsigned silent_ms)
{
	struct server *s = server_new("", "");
	struct redis_subscriber_options o = server_options(s);

	o.silent_ms = silent_ms;
	o.dead_ms = 1000000;
	s->wait_for = "PSUBSCRIBE";
	s->answer = answer;
	s->subscriber = redis_subscriber_open(&s->loop, &o);
	assert_non_null(s->subscriber);
	RUN_UNTIL(s, count(s, REDIS_METRIC_CONNECTED) == 1);
	return s;
}

/* Waits for text on the connection at hand, which is sent anew, and answers it. */
static void
answer_next(struct server *s, const char *wait_for, const char *answer)
{
	eio_buf_clear(&s->in);
	s->wait_for = wait_for;
	s->answer = answer;
	RUN_UNTIL(s, !s->answer);
}

/* PING */

static const char ping[] = "*1\r\n$4\r\nPING\r\n";

/* Who answers lives, whatever the answer is. */
static void
any_answer_to_ping_is_life(void **state)
{
	static const char *const answers[] = {
		"-NOPERM this user has no permissions to run the 'ping' command\r\n",
		"-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.\r\n",
		"-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.\r\n",
		"-LOADING Redis is loading the dataset in memory\r\n",
		"*2\r\n$4\r\npong\r\n$0\r\n\r\n",
		"+PONG\r\n",
	};
	struct server *s = server_answering("+OK\r\n" CONFIRMED, 30);

	(void)state;
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) answer_next(s, ping, answers[i]);
	say(s, A_MESSAGE);
	RUN_UNTIL(s, s->messages == 1);
	assert_int_equal(s->connections, 1);
	assert_int_equal(s->not_ready, 0);
	server_free(s);
}

/* An error that is no answer to a PING is none to the next one either. */
static void
unasked_error_ends_it(void **state)
{
	struct server *s = server_answering("+OK\r\n" CONFIRMED, 30);

	(void)state;
	answer_next(s, ping, "+PONG\r\n-ERR going away\r\n");
	RUN_UNTIL(s, s->not_ready == 1);
	server_free(s);
}

/* A PING waits its turn behind what was published before. */
static void
ping_behind_a_publish(void **state)
{
	struct server *s = server_new("", "");
	const struct redis_publisher_options o = {
		.url = &s->url, .metrics = s->counters, .queue_bytes = 1000, .silent_ms = 30, .dead_ms = 1000000
	};

	(void)state;
	s->wait_for = HELLO;
	s->answer = "+OK\r\n";
	s->publisher = redis_publisher_open(&s->loop, &o);
	RUN_UNTIL(s, count(s, REDIS_METRIC_CONNECTED) == 1);
	redis_publisher_publish(s->publisher, EIO_LIT("up"), EIO_LIT("1"));
	redis_publisher_publish(s->publisher, EIO_LIT("up"), EIO_LIT("2"));
	redis_publisher_flush(s->publisher);
	RUN_UNTIL(s, has_received(s, ping));
	redis_publisher_publish(s->publisher, EIO_LIT("up"), EIO_LIT("3"));
	redis_publisher_flush(s->publisher);
	say(s, ":0\r\n-ERR no\r\n-NOPERM no ping\r\n:0\r\n");
	RUN_UNTIL(s, count(s, REDIS_METRIC_PUBLISH_SENT) == 2);
	assert_int_equal(count(s, REDIS_METRIC_PUBLISH_FAILED), 1);
	assert_int_equal(count(s, REDIS_METRIC_LOST), 0);
	/* To nothing at all: it is about to hang up. One answer more than was asked for. */
	eio_buf_clear(&s->in);
	RUN_UNTIL(s, has_received(s, ping));
	say(s, "+PONG\r\n-ERR going away\r\n");
	RUN_UNTIL(s, count(s, REDIS_METRIC_LOST) == 1);
	assert_int_equal(count(s, REDIS_METRIC_PUBLISH_FAILED), 1);
	server_free(s);
}

/* Channels that are refused */

static void
one_refused_channel_stops_nothing_else(void **state)
{
	struct server *s;
	const char *log;

	(void)state;
	catch_log();
	s = server_answering("+OK\r\n" CONFIRMED_A NOPERM CONFIRMED_P A_MESSAGE, 0);
	assert_string_equal(seen, "refused channel b c;m(a,a,{\"x\":1})");
	assert_int_equal(s->ready, 1);
	answer_next(s, SUBSCRIBE_B, NOPERM);
	answer_next(s, SUBSCRIBE_B, NOPERM);
	answer_next(s, SUBSCRIBE_B, CONFIRMED_B);
	RUN_UNTIL(s, s->refused == 0);
	say(s, "*3\r\n$7\r\nmessage\r\n$3\r\nb c\r\n$1\r\n1\r\n");
	RUN_UNTIL(s, s->messages == 2);
	assert_string_equal(seen, "refused channel b c;m(a,a,{\"x\":1})allowed channel b c;m(b c,b c,1)");
	assert_int_equal(s->connections, 1);
	assert_int_equal(s->not_ready, 0);
	server_free(s);
	log = caught_log();
	assert_int_equal(times(log, "event=subscription-refused"), 1);
	log_holds(log,
		"event=subscription-refused channel=\"b c\" reason=\"NOPERM this user has no permissions to access");
	log_holds(log, "event=subscription-allowed channel=\"b c\" refused=0");
}

/* Without any subscription it is not ready, and so it becomes as soon as there is one. */
static void
all_are_refused(void **state)
{
	struct server *s = server_answering("+OK\r\n" NOPERM NOPERM "-BUSY Redis is busy\r\n", 0);

	(void)state;
	assert_int_equal(s->refused, 3);
	assert_int_equal(s->ready, 0);
	answer_next(s, SUBSCRIBE_A SUBSCRIBE_B SUBSCRIBE_P, NOPERM NOPERM CONFIRMED_P);
	RUN_UNTIL(s, s->ready == 1);
	assert_int_equal(s->refused, 2);
	answer_next(s, SUBSCRIBE_A SUBSCRIBE_B, CONFIRMED_A CONFIRMED_B);
	RUN_UNTIL(s, s->refused == 0);
	assert_int_equal(s->ready, 1);
	assert_int_equal(s->not_ready, 0);
	assert_int_equal(s->connections, 1);
	server_free(s);
}

/* It is named once, though the connection comes and goes. */
static void
refused_again_after_reconnecting(void **state)
{
	struct server *s;
	const char *log;

	(void)state;
	catch_log();
	s = server_answering("+OK\r\n" CONFIRMED_A NOPERM CONFIRMED_P, 0);
	s->answer = "+OK\r\n" CONFIRMED_A NOPERM CONFIRMED_P;
	drop_client(s);
	RUN_UNTIL(s, s->ready == 2);
	s->answer = "+OK\r\n" CONFIRMED;
	assert_int_equal(s->refused, 1);
	drop_client(s);
	RUN_UNTIL(s, s->ready == 3);
	assert_int_equal(s->refused, 0);
	server_free(s);
	log = caught_log();
	assert_int_equal(times(log, "event=subscription-refused"), 1);
	assert_int_equal(times(log, "event=subscription-allowed"), 1);
}

/* Closed while it waits to ask again, and while an answer is to come. */
static void
closed_while_refused(void **state)
{
	struct server *s = server_answering("+OK\r\n" NOPERM NOPERM NOPERM, 0);

	(void)state;
	server_free(s);
	s = server_answering("+OK\r\n" NOPERM NOPERM NOPERM, 0);
	eio_buf_clear(&s->in);
	RUN_UNTIL(s, has_received(s, SUBSCRIBE_A));
	drop_client(s);
	s->answer = "+OK\r\n" CONFIRMED;
	RUN_UNTIL(s, s->ready == 1);
	server_free(s);
}

/* Last words */

/* Its log, once the server has hung up a few times. */
static const char *
log_of_hangups(const char *userinfo, const char *last_words)
{
	struct server *s = server_new(userinfo, "");
	struct redis_subscriber_options o = server_options(s);

	catch_log();
	s->last_words = last_words;
	s->subscriber = redis_subscriber_open(&s->loop, &o);
	RUN_UNTIL(s, count(s, REDIS_METRIC_LOST) == 3);
	server_free(s);
	return caught_log();
}

static void
last_words_are_logged(void **state)
{
	(void)state;
	assert_int_equal(times(log_of_hangups("", "-ERR max number of clients reached\r\n"),
				 "; it said: ERR max number of clients reached\""),
		3);
	assert_int_equal(
		times(log_of_hangups("", "-DENIED Redis is running in protected mode because protected mode is "
					 "enabled and no password is set for the default user.\r\n"),
			"; it said: DENIED Redis is running in protected mode because"),
		3);
	assert_int_equal(times(log_of_hangups(":pw@", "-DENIED Redis is running in protected mode because\r\n"),
				 "reason=\"AUTH refused: DENIED Redis is running in protected mode\""),
		3);
	assert_int_equal(times(log_of_hangups("", "-DENIED Redis"), "it said"), 0); /* it did not come to the end */
}

/* What it said once is not what it says in the end. */
static void
last_words_are_the_last(void **state)
{
	struct server *s;
	const char *log;

	(void)state;
	catch_log();
	s = server_answering("-ERR unknown command\r\n" CONFIRMED, 0);
	say(s, A_MESSAGE);
	RUN_UNTIL(s, s->messages == 1);
	drop_client(s);
	RUN_UNTIL(s, s->not_ready == 1);
	server_free(s);
	log = caught_log();
	log_holds(log, "event=lost reason=\"closed by the server\" ");
}

/* Secrets */

static void
no_secret_is_logged(void **state)
{
	static const struct {
		const char *answer, *reason;
	} answers[] = {
		{ "-ERR unknown command 'AUTH', with args beginning with: 'hunter2' \r\n+OK\r\n+OK\r\n" CONFIRMED,
			"reason=\"AUTH refused: ERR unknown command\"" },
		{ "-WRONGPASS invalid username-password pair or user is disabled.\r\n-NOAUTH x\r\n-NOAUTH x\r\n",
			"reason=\"AUTH refused: WRONGPASS invalid username-password pair\"" },
		{ "+OK\r\n-ERR DB index is out of range\r\n+OK\r\n",
			"reason=\"SELECT refused: ERR DB index is out of range\"" },
		{ "+OK\r\n-hunter2 AUTH hunter2\r\n+OK\r\n", "reason=\"SELECT refused: an error\"" },
		{ "+OK\r\n+OK\r\n-NOAUTH hunter2\r\n", "reason=\"CLIENT SETNAME refused: NOAUTH\"" },
		{ "+OK\r\n+OK\r\n+OK\r\n" CONFIRMED "-ERR hunter2 is wrong\r\n", "reason=\"ERR\"" },
		{ "+OK\r\n+OK\r\n+OK\r\n-ERR unknown hunter2\r\n" CONFIRMED_B CONFIRMED_P "-ERR x\r\n",
			"event=subscription-refused channel=\"a\" reason=\"ERR\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
		struct server *s = server_new("me:hunter2@", "/1");
		struct redis_subscriber_options o = server_options(s);
		const char *log;

		catch_log();
		s->wait_for = "PSUBSCRIBE";
		s->answer = answers[i].answer;
		s->subscriber = redis_subscriber_open(&s->loop, &o);
		RUN_UNTIL(s, count(s, REDIS_METRIC_LOST) == 1);
		server_free(s);
		log = caught_log();
		log_holds(log, answers[i].reason);
		assert_null(strstr(log, "hunter2"));
	}
}

/* Backoff */

/* It confirms everything and hangs up at once. The waits grow: 50 ms at least, then 100, 200 and 400. */
static void
hanging_up_at_once_is_a_failure(void **state)
{
	struct server *s = server_new("", "");
	struct redis_subscriber_options o = server_options(s);
	uint64_t start = uv_hrtime();

	(void)state;
	s->wait_for = "PSUBSCRIBE";
	s->answer = "+OK\r\n" CONFIRMED;
	s->drop = s->always = true;
	s->stop_at_connections = 5;
	s->subscriber = redis_subscriber_open(&s->loop, &o);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	assert_int_equal(s->ready, 4);
	assert_true(uv_hrtime() - start >= 750 * 1000000ULL);
	server_free(s);
}

/* Long messages */

static void
long_messages_are_left_out(void **state)
{
	struct server *s = server_answering("+OK\r\n" CONFIRMED, 0);

	(void)state;
	say(s, A_MESSAGE "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1001\r\n");
	for (int i = 0; i < 1001; i++) {
		say(s, "x");
		if (i % 100 == 0) uv_run(&s->loop, UV_RUN_NOWAIT);
	}
	say(s, "\r\n" A_MESSAGE);
	RUN_UNTIL(s, s->messages == 2);
	assert_string_equal(seen, "m(a,a,{\"x\":1})long 1001:m(a,a,)m(a,a,{\"x\":1})");
	assert_int_equal(count(s, REDIS_METRIC_TOO_LONG), 1);
	assert_int_equal(s->not_ready, 0);
	server_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_answer_to_ping_is_life),
		cmocka_unit_test(unasked_error_ends_it),
		cmocka_unit_test(ping_behind_a_publish),
		cmocka_unit_test(one_refused_channel_stops_nothing_else),
		cmocka_unit_test(all_are_refused),
		cmocka_unit_test(refused_again_after_reconnecting),
		cmocka_unit_test(closed_while_refused),
		cmocka_unit_test(last_words_are_logged),
		cmocka_unit_test(last_words_are_the_last),
		cmocka_unit_test(no_secret_is_logged),
		cmocka_unit_test(hanging_up_at_once_is_a_failure),
		cmocka_unit_test(long_messages_are_left_out),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
