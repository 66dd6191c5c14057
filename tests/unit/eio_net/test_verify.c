/* SPDX-License-Identifier: MIT */
/* What a handshake says about how its client encodes text: one of each generation, as they were recorded. */
#include "eio/net/verify.h"
#include "eio/query.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct eio_request *
request(const char *query, const char *headers)
{
	struct eio_http *h = eio_http_new(4096, 100);
	struct eio_request *req;
	struct eio_buf text;
	size_t used;

	assert_non_null(h);
	eio_buf_init(&text);
	eio_buf_printf(&text, "GET /socket.io/?%s HTTP/1.1\r\nHost: a\r\n%s\r\n", query, headers);
	assert_int_equal(eio_http_feed(h, text.p, text.n, &used), EIO_HTTP_COMPLETE);
	req = eio_http_take(h);
	eio_buf_deinit(&text);
	eio_http_free(h);
	return req;
}

#define POLLING "EIO=3&transport=polling"
#define WEBSOCKET "EIO=3&transport=websocket"
#define PAGE "Origin: http://a.example\r\n"
#define NODE "Origin: 127.0.0.1:3000\r\n" /* of early WebSockets in Node */

static const struct eio_server_options options = { .allow_eio3 = true };

/* A client 1.0.x in Node looks like any other of 1.x there; nobody else encodes twice on WebSockets and says EIO=3. */
static void
test_text(void **state)
{
	static const struct {
		const char *query, *headers;
		enum eio_text polling, websocket;
	} cases[] = {
		/* Polling that may be upgraded: pages of 1.0.x, in Node 1.0 to 1.3, pages of 1.1 to 1.3. */
		{ "EIO=2&transport=polling&t=1795720354433-0", "", EIO_TEXT_TWICE, EIO_TEXT_TWICE },
		{ "EIO=2&transport=polling&stamp=1795720354433-0", "", EIO_TEXT_TWICE, EIO_TEXT_TWICE },
		{ POLLING "&t=1795720354433-0&b64=1", "", EIO_TEXT_TWICE, EIO_TEXT_UNKNOWN },
		{ POLLING "&t=1795720354433-17&b64=1", "", EIO_TEXT_TWICE, EIO_TEXT_UNKNOWN },
		{ POLLING "&t=1795720354433-0", "", EIO_TEXT_TWICE, EIO_TEXT_ONCE },
		{ POLLING "&t=1795720354433-0&b64=1", PAGE, EIO_TEXT_TWICE, EIO_TEXT_ONCE },
		/* Another name for the cache buster, or none: of no page, then, but in Node of any year. */
		{ POLLING "&stamp=1795720354433-0&b64=1", "", EIO_TEXT_UNKNOWN, EIO_TEXT_UNKNOWN },
		{ POLLING "&b64=1", "", EIO_TEXT_UNKNOWN, EIO_TEXT_UNKNOWN },
		{ POLLING "&stamp=1795720354433-0", "", EIO_TEXT_UNKNOWN, EIO_TEXT_ONCE },
		{ POLLING, "", EIO_TEXT_UNKNOWN, EIO_TEXT_ONCE },
		/* Since 1.4. What only looks like a time is none. */
		{ POLLING "&t=Q8PHYm5&b64=1", "", EIO_TEXT_UNKNOWN, EIO_TEXT_ONCE },
		{ POLLING "&t=Q8PHYm5.1", "", EIO_TEXT_UNKNOWN, EIO_TEXT_ONCE },
		{ POLLING "&t=1795720354433-&b64=1", "", EIO_TEXT_UNKNOWN, EIO_TEXT_ONCE },
		{ POLLING "&t=-0&b64=1", "", EIO_TEXT_UNKNOWN, EIO_TEXT_ONCE },
		{ POLLING "&t=&b64=1", "", EIO_TEXT_UNKNOWN, EIO_TEXT_ONCE },
		{ POLLING "&t=1-2-3&b64=1", "", EIO_TEXT_UNKNOWN, EIO_TEXT_ONCE },
		{ POLLING "&t=1-2x&b64=1", "", EIO_TEXT_UNKNOWN, EIO_TEXT_ONCE },
		/* An application's own parameter says nothing about text on polling. */
		{ POLLING "&order=1795720354433-0&t=Q8PHYm5&b64=1", "", EIO_TEXT_UNKNOWN, EIO_TEXT_ONCE },
		/* WebSockets from the start. */
		{ "EIO=2&transport=websocket", PAGE, EIO_TEXT_TWICE, EIO_TEXT_TWICE },
		{ WEBSOCKET, NODE, EIO_TEXT_UNKNOWN, EIO_TEXT_UNKNOWN },
		{ WEBSOCKET "&b64=1", NODE, EIO_TEXT_UNKNOWN, EIO_TEXT_UNKNOWN },
		{ WEBSOCKET "&t=1795720354433", NODE, EIO_TEXT_UNKNOWN, EIO_TEXT_UNKNOWN },
		{ WEBSOCKET, "", EIO_TEXT_UNKNOWN, EIO_TEXT_UNKNOWN },
		{ WEBSOCKET "&t=Q8PHYvq", "", EIO_TEXT_UNKNOWN, EIO_TEXT_ONCE },
		{ WEBSOCKET, PAGE, EIO_TEXT_UNKNOWN, EIO_TEXT_ONCE },
		{ WEBSOCKET "&t=1795720354433", PAGE, EIO_TEXT_UNKNOWN, EIO_TEXT_ONCE },
		{ WEBSOCKET, "Origin: null\r\n", EIO_TEXT_UNKNOWN, EIO_TEXT_ONCE },
		/* Revision 4 has one way. */
		{ "EIO=4&transport=polling&t=1795720354433-0&b64=1", "", EIO_TEXT_ONCE, EIO_TEXT_ONCE },
		{ "EIO=4&transport=websocket", NODE, EIO_TEXT_ONCE, EIO_TEXT_ONCE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct eio_request *req = request(cases[i].query, cases[i].headers);
		bool websocket = eio_query_is(req->query, EIO_LIT("transport"), EIO_LIT("websocket"));
		struct eio_session_kind k = eio__server_kind(
			&options, req, websocket ? EIO_TRANSPORT_WEBSOCKET : EIO_TRANSPORT_POLLING);

		if (k.text != cases[i].polling || k.ws_text != cases[i].websocket)
			fail_msg("%s %s: %d on polling, %d on WebSocket", cases[i].query, cases[i].headers, k.text,
				k.ws_text);
		eio_request_free(req);
	}
}

/* The rest of what it says. */
static void
test_kind(void **state)
{
	static const struct {
		const char *query;
		int revision;
		bool b64;
	} cases[] = {
		{ "EIO=4", 4, false },
		{ "EIO=4&b64=1", 4, true },
		{ "EIO=3", 3, false },
		{ "EIO=2&b64=1", 3, true },
		{ "EIO=3&b64=true", 3, true }, /* of embedded clients */
		{ "EIO=3&b64=0", 3, true },
		{ "EIO=4&b64=x", 4, true },
		{ "EIO=3&b64=", 3, false },
		{ "EIO=3&b64", 3, false },
		{ "EIO=3&b64=1&b64=", 3, false },
		{ "EIO=3&EIO=4", 4, false },
		{ "transport=polling", 3, false },
		{ "EIO=", 3, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct eio_request *req = request(cases[i].query, "");
		struct eio_session_kind k = eio__server_kind(&options, req, EIO_TRANSPORT_POLLING);

		if (k.revision != cases[i].revision || k.b64 != cases[i].b64)
			fail_msg("%s: revision %d, b64 %d", cases[i].query, k.revision, k.b64);
		assert_int_equal(k.transport, EIO_TRANSPORT_POLLING);
		eio_request_free(req);
	}
}

/* Who shows nothing of a browser or an official client is polled in the string form, as Node would; of each sign one is
 * enough. */
static void
test_strings(void **state)
{
	static const struct eio_server_options as_1x = { .allow_eio3 = true, .binary_form = true };
	static const struct {
		const char *query, *headers;
		bool strings;
	} cases[] = {
		{ POLLING, "", true },
		{ "transport=polling", "User-Agent: arduino-WebSocket-Client\r\nOrigin: file://\r\n", true },
		{ "EIO=2&transport=polling&token=x", "User-Agent: ESP8266HTTPClient\r\n", true },
		{ POLLING "&order=17&t2=Q8PHYm5", "User-Agent: Go-http-client/1.1\r\nAccept-Encoding: gzip\r\n", true },
		{ POLLING, "Accept: */*\r\n", false },
		{ POLLING "&t=Q8PHYm5", "", false },
		{ POLLING "&t=1795720354433-0", "", false },
		{ POLLING "&t=", "", false },
		{ POLLING "&stamp=1795720354433-0", "", false },
		{ POLLING, "User-Agent: node-XMLHttpRequest\r\n", false },
		{ POLLING, "User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n", false },
		{ POLLING, "User-Agent: Opera/9.80\r\n", false },
		{ WEBSOCKET, "", false },
		{ "EIO=4&transport=polling", "", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct eio_request *req = request(cases[i].query, cases[i].headers);
		bool websocket = eio_query_is(req->query, EIO_LIT("transport"), EIO_LIT("websocket"));
		enum eio_transport transport = websocket ? EIO_TRANSPORT_WEBSOCKET : EIO_TRANSPORT_POLLING;

		if (eio__server_kind(&options, req, transport).strings != cases[i].strings)
			fail_msg("%s %s", cases[i].query, cases[i].headers);
		assert_false(eio__server_kind(&as_1x, req, transport).strings);
		eio_request_free(req);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_kind),
		cmocka_unit_test(test_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
