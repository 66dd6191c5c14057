/* SPDX-License-Identifier: MIT */
/* From facts to findings: each rule on both of its sides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/tools/findings.h"

#include <stdio.h>
#include <string.h>

static char said[4096], cures[4096];

/* "+" for what is well, "?" for a warning, "!" for a failure, with their text. */
static void
on_finding(void *user, const struct finding *f)
{
	size_t n = strlen(said), k = strlen(cures);

	(void)user;
	assert_true((f->mark == FINDING_OK) == (f->cure == NULL));
	snprintf(said + n, sizeof said - n, "%c%s: %s\n", "+?!"[f->mark], f -> topic, f -> text);
	if (f->cure) snprintf(cures + k, sizeof cures - k, "%s\n", f->cure);
}

#define HAS(text) \
	do { \
		if (!strstr(said, text)) fail_msg("line %d: no \"%s\" in\n%s", __LINE__, text, said); \
	} while (0)
#define HAS_NOT(text) assert_null(strstr(said, text))
#define CURE(text) \
	do { \
		if (!strstr(cures, text)) fail_msg("line %d: no \"%s\" in\n%s", __LINE__, text, cures); \
	} while (0)

static const struct doctor_wants usual = { .message_bytes = 16 << 20, .ping_interval_ms = 25000, .io_uring = true };

static void
judge_kernel(struct kernel_facts f, struct doctor_wants w)
{
	*said = *cures = '\0';
	kernel_findings(&f, &w, on_finding, NULL);
}

static void
kernel(void **state)
{
	const struct kernel_facts good = { .io_uring = true,
		.files_soft = 1024,
		.files_hard = 65536,
		.somaxconn = 4096,
		.backlog = 4096,
		.tcp_bytes = (uint64_t)2 << 30 };
	struct kernel_facts f = good;
	struct doctor_wants w = usual;

	(void)state;
	judge_kernel(good, usual);
	HAS_NOT("?kernel");
	HAS_NOT("!kernel");
	f.io_uring = false;
	f.somaxconn = 128;
	f.tcp_bytes = 16 << 20;
	f.files_hard = 1024;
	judge_kernel(f, usual);
	HAS("?kernel: io_uring is not to be had");
	HAS("?kernel: net.core.somaxconn is 128");
	HAS("?kernel: no more than 1024 files may be open here");
	CURE("LimitNOFILE=");
	HAS("+kernel: TCP may hold 16 MB");
	f.files_hard = 100000;
	judge_kernel(f, usual);
	HAS("?kernel: TCP may hold 16 MB in all (net.ipv4.tcp_mem): enough for 1024 busy clients of 65536");
	w.io_uring = false;
	w.connections = 200000;
	f.somaxconn = f.tcp_bytes = 0;
	judge_kernel(f, w);
	HAS("+kernel: io_uring is not wanted");
	HAS("!kernel: limits.maxConnections is 200000, and 100000 files may be open here: enough for 98976 connections");
	HAS_NOT("somaxconn");
	HAS_NOT("TCP");
	/* What runs counts, and not what would be started from here: either may have the lower limit. */
	f.files_running = 300000;
	judge_kernel(f, w);
	HAS("+kernel: 300000 files may be open in the siocast that runs");
	f.files_hard = 1 << 20;
	f.files_running = 4096;
	judge_kernel(f, w);
	HAS("!kernel: limits.maxConnections is 200000, and 4096 files may be open in the siocast that runs: enough for 3584");
	/* Some are needed for other things; the least is what siocast keeps at the least. */
	w.connections = 4096;
	judge_kernel(f, w);
	HAS("!kernel: limits.maxConnections is 4096");
	w.connections = 4096 - 32;
	judge_kernel(f, w);
	HAS("+kernel: 4096 files");
}

static void
judge_redis(struct redis_facts f, struct doctor_wants w)
{
	*said = *cures = '\0';
	redis_findings(&f, &w, on_finding, NULL);
}

static void
redis(void **state)
{
	const struct redis_facts good = { .name = "r:1",
		.major = 7,
		.limits_known = true,
		.hard_bytes = 32 << 20,
		.soft_bytes = 8 << 20,
		.soft_seconds = 60 };
	struct redis_facts f = good;
	struct doctor_wants w = usual;

	(void)state;
	judge_redis(good, usual);
	HAS_NOT("?redis");
	HAS_NOT("!redis");
	f.away = "connection refused";
	judge_redis(f, usual);
	assert_string_equal(said, "!redis: r:1: connection refused\n");
	f = good;
	f.major = 4;
	judge_redis(f, usual);
	HAS("?redis: r:1 is Redis 4.0");
	w.streams = w.psync = w.publishes = true;
	judge_redis(f, w);
	HAS("!redis: r:1 is Redis 4.0, which has no streams");
	f = good;
	f.cluster = f.replica = true;
	f.refused = "c";
	f.refusal = f.publish_refusal = "NOPERM x";
	f.refused_right = "+subscribe &";
	f.user = "caster";
	judge_redis(f, w);
	HAS("!redis: r:1 is part of a cluster, where \"psync\"");
	HAS("?redis: r:1 is a replica");
	HAS("!redis: r:1 refuses \"c\" of the feeds: NOPERM x");
	HAS("?redis: r:1 refuses to publish on siocast:doctor: NOPERM x");
	CURE("ACL SETUSER caster +subscribe &c, and ACL SAVE");
	CURE("ACL SETUSER caster +publish, ");
	judge_redis(f, usual);
	HAS_NOT("cluster");
	HAS_NOT("publish");
	w.psync = false;
	judge_redis(f, w);
	HAS("?redis: r:1 is part of a cluster: streams");
	f = good;
	f.refused = "s";
	f.refusal = "WRONGTYPE Operation against a key holding the wrong kind of value";
	judge_redis(f, usual);
	HAS("!redis: r:1 refuses \"s\" of the feeds: WRONGTYPE");
	CURE("another \"stream\"");
	f.refusal = "ERR something";
	judge_redis(f, usual);
	CURE("redis-cli");
	/* Of a replica nothing was asked. */
	f = good;
	f.replicates = true;
	judge_redis(f, usual);
	HAS("+redis: r:1 lets a replica be behind by 32 MB");
	HAS_NOT("channels");
	f = (struct redis_facts){ .name = "r:1" };
	judge_redis(f, usual);
	HAS("?redis: r:1 does not say which version");
	HAS("?redis: r:1 does not say how far behind");
}

/* A connection that ends while it is asked: nothing is said of what was not answered, least that it is well. */
static void
lost(void **state)
{
	struct redis_facts f = { .name = "r:1", .lost = "closed by the server" };

	(void)state;
	judge_redis(f, usual);
	assert_string_equal(
		said, "?redis: r:1 did not answer to the end, so not all of it is known: closed by the server\n");
	CURE("ask again");
	f.major = 7;
	judge_redis(f, usual);
	HAS("?redis: r:1 did not answer to the end");
	HAS("+redis: r:1 answers: version 7.0");
	HAS_NOT("behind");
	HAS_NOT("allows");
	f.limits_known = true;
	f.refused = "c";
	f.refusal = "NOPERM x";
	f.refused_right = "+subscribe &";
	judge_redis(f, usual);
	HAS("?redis: r:1 did not answer to the end");
	HAS("+redis: r:1 lets a subscriber be behind");
	HAS("!redis: r:1 refuses \"c\" of the feeds: NOPERM x");
	f = (struct redis_facts){ .name = "r:1", .major = 7, .limits_known = true };
	judge_redis(f, usual);
	HAS("+redis: r:1 allows the channels of the feeds");
	HAS_NOT("?");
}

/* Each reason for which there is no connection has its own cure. */
static void
away(void **state)
{
	static const struct {
		int line;
		const char *away, *cure;
	} cases[] = {
		{ __LINE__, "connection refused", "start Redis" },
		{ __LINE__, "AUTH refused: WRONGPASS invalid username-password pair or user is disabled.", "ACL LIST" },
		{ __LINE__, "AUTH refused: ERR invalid password", "requirepass there" },
		{ __LINE__,
			"AUTH refused: ERR AUTH <password> called without any password configured for the default user",
			"leave user and password out" },
		{ __LINE__, "CLIENT SETNAME refused: NOAUTH Authentication required.", "wants a password" },
		{ __LINE__, "closed by the server; it said: DENIED Redis is running in protected mode",
			"protected-mode" },
		{ __LINE__, "closed by the server; it said: ERR max number of clients reached", "maxclients" },
		{ __LINE__, "closed by the server", "rediss://" },
		{ __LINE__, "connection reset by peer", "rediss://" },
		{ __LINE__, "TLS: the server does not speak it on this port", "without TLS: redis://" },
		{ __LINE__, "no answer to the TLS handshake; does it speak TLS on this port?",
			"without TLS: redis://" },
		{ __LINE__, "TLS: the server's certificate is refused: self-signed certificate, of 'CN=x'", "\"ca\"" },
		{ __LINE__, "TLS: the server's certificate is not for a, but for b", "serverName" },
		{ __LINE__, "TLS: the server asks for a certificate", "\"cert\"" },
		{ __LINE__, "TLS: the server does not trust our certificate's authority", "tls-ca-cert-file" },
		{ __LINE__, "no such file or directory", "unixsocket " },
		{ __LINE__, "permission denied", "unixsocketperm" },
		{ __LINE__, "unknown node or service", "has no address" },
		{ __LINE__, "no answer to the handshake", "redis-cli ping" },
		{ __LINE__, "", "redis-cli ping" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		judge_redis((struct redis_facts){ .name = "r:1", .away = cases[i].away }, usual);
		if (!strstr(cures, cases[i].cure)) fail_msg("line %d: %s", cases[i].line, cures);
	}
}

static void
output_limits(void **state)
{
	static const struct {
		int line;
		uint64_t hard, soft, seconds, rate;
		const char *text;
	} cases[] = {
		{ __LINE__, 32 << 20, 8 << 20, 60, 0, "+redis: r:1 lets a subscriber be behind by 32 MB" },
		{ __LINE__, 0, 0, 0, (uint64_t)1 << 40, "+redis: r:1 lets a subscriber be behind as far as it likes" },
		{ __LINE__, 1 << 20, 0, 0, 0, "?redis: r:1 cuts a subscriber off at 1048576 bytes" },
		{ __LINE__, 32 << 20, 0, 0, 3 << 20, "+redis: r:1 lets" },
		{ __LINE__, 32 << 20, 0, 0, 4 << 20,
			"?redis: r:1 sends 4096 KB/s and cuts a subscriber off at 32 MB: after 8 s" },
		{ __LINE__, 256 << 20, 8 << 20, 5, 1 << 20,
			"?redis: r:1 cuts a subscriber off that is behind by 8 MB for 5 s" },
		{ __LINE__, 256 << 20, 8 << 20, 60, 1 << 20, "+redis: r:1 lets" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		judge_redis((struct redis_facts){ .name = "r:1",
				    .major = 7,
				    .limits_known = true,
				    .hard_bytes = cases[i].hard,
				    .soft_bytes = cases[i].soft,
				    .soft_seconds = cases[i].seconds,
				    .output_bytes_s = cases[i].rate },
			usual);
		if (!strstr(said, cases[i].text)) fail_msg("line %d: %s", cases[i].line, said);
	}
}

static void
judge_running(struct running_facts f)
{
	*said = *cures = '\0';
	running_findings(&f, on_finding, NULL);
}

static void
running(void **state)
{
	struct running_feed feeds[] = { { .index = 0, .batches = 3, .filtered = 5, .unheard = 1 }, { .index = 1 } };
	struct running_facts f = { .name = "a:1", .clients = 2, .messages = 9, .feeds = feeds, .n = 2 };

	(void)state;
	judge_running((struct running_facts){ .name = "a:1", .away = "nobody" });
	assert_string_equal(said, "?siocast: a:1, \"admin\": nobody\n");
	CURE("start it");
	judge_running(f);
	assert_string_equal(said,
		"+siocast: one runs, and answers at a:1\n+feeds: 9 messages have come, and each feed that had some has sent\n");
	feeds[0].batches = feeds[0].unheard = 0;
	judge_running(f);
	HAS("?feeds: feeds[0] has sent nothing: \"where\" was against all of its 5 messages");
	CURE("siocast explain");
	HAS_NOT("+feeds");
	/* Some would have been sent, if somebody had been there. */
	feeds[0].unheard = 2;
	judge_running(f);
	HAS("?feeds: feeds[0] has sent nothing: nobody was there for any of its 2 messages; 2 clients are connected");
	HAS_NOT("where");
	CURE("let a page connect");
	feeds[0].rooms = true;
	judge_running(f);
	CURE("handler with \"join\"");
	f.clients = 0;
	judge_running(f);
	CURE("let a page connect");
	feeds[0].batches = 1;
	feeds[1].dropped = 4;
	feeds[1].reason = "json";
	judge_running(f);
	HAS("?feeds: feeds[1] could not send 4 messages (reason json)");
	HAS_NOT("feeds[0]");
	f.messages = f.n = 0;
	judge_running(f);
	HAS("+feeds: no message has come since it was started");
}

/* Clients of a hub may be at its edges, and an edge has no feeds. */
static void
running_relay(void **state)
{
	struct running_feed feed = { .index = 3, .rooms = true, .unheard = 2 };
	struct running_facts f = { .name = "a:1", .messages = 2, .feeds = &feed, .n = 1, .edges = 2 };

	(void)state;
	judge_running(f);
	HAS("?feeds: feeds[3] has sent nothing: nobody was there for any of its 2 messages; "
	    "0 clients are connected here, and 2 edges\n");
	CURE("handler with \"join\"");
	/* For everyone nobody has to ask. */
	feed.rooms = false;
	judge_running(f);
	CURE("let a page connect");
	f = (struct running_facts){ .name = "a:1", .edge = true };
	judge_running(f);
	assert_string_equal(said,
		"+siocast: one runs, and answers at a:1\n+siocast: no batch has come from its hub since it was started\n");
	f.messages = 7;
	judge_running(f);
	assert_string_equal(said,
		"+siocast: one runs, and answers at a:1\n+siocast: 7 batches have come from its hub since it was started\n");
}

static void
hub(void **state)
{
	static const struct {
		struct hub_facts facts;
		const char *text;
	} cases[] = {
		{ { .node = "" }, "+hub: h:1 takes edges, and has the key\n" },
		{ { .node = "top" }, "+hub: h:1 takes edges, and has the key: it is node top\n" },
		{ { .away = "refused" }, "!hub: h:1: refused\n" },
		{ { .odd = "it hangs up" }, "!hub: h:1 takes no edges: it hangs up\n" },
		{ { .other_version = true }, "!hub: h:1 is of another version, which speaks another protocol\n" },
		{ { .refusal = "full" }, "!hub: h:1 refuses: full\n" },
		{ { .other_key = true, .node = "top" }, "!hub: h:1 has another key\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct hub_facts f = cases[i].facts;

		f.name = "h:1";
		*said = '\0';
		hub_findings(&f, on_finding, NULL);
		assert_string_equal(said, cases[i].text);
	}
}

static void
judge_proxy(struct proxy_facts f)
{
	*said = *cures = '\0';
	proxy_findings(&f, &usual, on_finding, NULL);
}

static void
proxy(void **state)
{
	const struct proxy_facts good = {
		.url = "u", .status = 200, .is_siocast = true, .ping_interval_ms = 25000, .answer_ms = 3
	};
	struct proxy_facts f = good;

	(void)state;
	judge_proxy(good);
	assert_string_equal(said,
		"+proxy: u leads to siocast\n+proxy: a poll is answered after 3 ms\n+proxy: WebSockets go through\n");
	judge_proxy((struct proxy_facts){ .url = "u", .away = "no route" });
	assert_string_equal(said, "!proxy: u: no route\n");
	judge_proxy((struct proxy_facts){ .url = "u", .status = 404 });
	assert_string_equal(said, "!proxy: u answers with 404, and not as siocast\n");
	f.ping_interval_ms = 5;
	f.cached = f.waited = true;
	f.no_websocket = "426";
	f.cut_ms = 7;
	judge_proxy(f);
	HAS("?proxy: pingInterval is 5 there and 25000");
	HAS("!proxy: two handshakes at u gave one session");
	HAS("!proxy: no WebSocket through u: 426");
	CURE("siocast lb prints");
	HAS("!proxy: an idle WebSocket was closed after 7 ms");
	f = good;
	f.answer_ms = 2001;
	f.waited = true;
	judge_proxy(f);
	HAS("?proxy: a poll was answered after 2001 ms");
	HAS("+proxy: an idle WebSocket lasts");
	f.answer_ms = UINT64_MAX;
	judge_proxy(f);
	HAS("!proxy: a poll at u was not answered");
}

static void
certificates(void **state)
{
	static const struct {
		int line;
		int64_t days;
		const char *text;
	} cases[] = {
		{ __LINE__, 90, "+certificate: the certificate is good for 90 days" },
		{ __LINE__, 13, "?certificate: the certificate expires in 13 days" },
		{ __LINE__, 0, "!certificate: the certificate has expired" },
		{ __LINE__, -400, "!certificate: the certificate has expired" },
	};
	struct proxy_facts f = { .url = "u", .is_tls = true, .now_s = 1000000000 };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		f.expires_s = f.now_s + cases[i].days * 86400;
		judge_proxy(f);
		if (!strstr(said, cases[i].text)) fail_msg("line %d: %s", cases[i].line, said);
	}
	f.expires_s = 0;
	judge_proxy(f);
	HAS_NOT("certificate:");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernel),
		cmocka_unit_test(redis),
		cmocka_unit_test(lost),
		cmocka_unit_test(away),
		cmocka_unit_test(output_limits),
		cmocka_unit_test(running),
		cmocka_unit_test(running_relay),
		cmocka_unit_test(hub),
		cmocka_unit_test(proxy),
		cmocka_unit_test(certificates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
