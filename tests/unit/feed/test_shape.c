/* SPDX-License-Identifier: MIT */
/* What leaves of a message: payload, payloadDefault, omit, spread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sio/json.h"
#include "src/feed/feed_int.h"
#include "tests/unit/configured.h"

#include <stdio.h>

/* As members of a feed in the configuration; the channel is "c.x", which the pattern "c.*" matches. NULL: the fate. */
struct shape {
	int line;
	const char *keys, *message, *payload;
	enum feed_fate fate;
};

#define GIVES(keys, message, payload) \
	{ \
		__LINE__, keys, message, payload, FEED_FATE_TAKEN \
	}
#define FAILS(keys, message, fate) \
	{ \
		__LINE__, keys, message, NULL, FEED_FATE_##fate \
	}

#define JSON "'encode': 'json', "
#define TEXT "'encode': 'text', 'batch': {'interval': 0}, "
#define LINES "'batch': {'format': 'lines'}, "

static const struct shape shapes[] = {
	/* A member, byte for byte. */
	GIVES("'payload': '{/data}'", "{'data': [ 1 , 1e400 ] }", "[ 1 , 1e400 ]"),
	GIVES("'payload': '{/data}'", "{'data':12345678901234567890}", "12345678901234567890"),
	GIVES("'payload': '{/data}'", "{'data':'a\\u0000\\ud800'}", "'a\\u0000\\ud800'"),
	GIVES("'payload': '{/data}'", "{'data':null}", "null"),
	GIVES("'payload': '{/data}'", "{'data':1,'data':2}", "2"),
	GIVES("'payload': '{/a~1b/1}'", "{'a/b':[0,{'x':1}]}", "{'x':1}"),
	GIVES("'payload': '{message.a.b}'", "{'a':{'b':7}}", "7"),
	FAILS("'payload': '{/data}'", "{'date':1}", PAYLOAD),
	FAILS("'payload': '{/data}'", "[1]", PAYLOAD),
	GIVES("'payload': null", " {'data': 1} ", " {'data': 1} "),
	/* Put together. */
	GIVES("'payload': {'channel': '{channel}', 'star': '{1}', 'data': '{/d}', 'n': 1.5}", "{'d': {'a' : 0}}",
		"{'channel':'c.x','star':'x','data':{'a' : 0},'n':1.5}"),
	GIVES("'payload': ['{message}', '{text}']", " {'a':1} ", "[{'a':1},' {\\'a\\':1} ']"),
	GIVES("'payload': '{/a} is {/b}{/c}{/d}'", "{'a':'\\u00e9\\'','b':[1,'x'],'c':null,'d':0}",
		"'\\u00e9\\' is [1,\\'x\\']0'"),
	GIVES("'payload': ['{/a?}', '{/b?}', '{/c?}']", "{'b':2}", "[2]"),
	GIVES("'payload': {'changed': true}", "anything", "{'changed':true}"),
	FAILS("'payload': {'a': '{/a}', 'b': '{/b}'}", "{'a':1}", PAYLOAD),
	FAILS("'payload': 'x{/b}'", "{'a':1}", PAYLOAD),
	/* In place of what is missing. */
	GIVES("'payload': '{/data}', 'payloadDefault': null", "{}", "null"),
	GIVES("'payload': '{/data}', 'payloadDefault': '{message}'", "{'x':1}", "{'x':1}"),
	GIVES("'payload': '{/data}', 'payloadDefault': {'none': '{/why}'}", "{'why':'y'}", "{'none':'y'}"),
	GIVES("'payload': '{/data}', 'payloadDefault': {'none': '{/why}'}", "{'data':0}", "0"),
	FAILS("'payload': '{/data}', 'payloadDefault': {'none': '{/why}'}", "{}", PAYLOAD),
	/* A string stands for itself, or stays JSON. */
	GIVES(JSON "'payload': '{/s}'", "{'s':'a\\nb'}", "'a\\nb'"),
	GIVES(TEXT "'payload': '{/s}'", "{'s':'a\\nb'}", "a\nb"),
	GIVES(TEXT "'payload': '{/s}'", "{'s':'ab'}", "ab"),
	GIVES(TEXT "'payload': '{/s}'", "{'s':{'a': 'b'}}", "{'a': 'b'}"),
	GIVES(TEXT "'payload': '{channel}: {/s}'", "{'s':'a'}", "c.x: a"),
	GIVES(TEXT "'payload': '{channel}'", "x", "c.x"),
	GIVES(TEXT "'payload': '{text}'", "no 'JSON", "no 'JSON"),
	GIVES(JSON "'payload': '{text}'", "no 'JSON", "'no \\'JSON'"),
	GIVES(LINES "'payload': '{/s}'", "{'s':'ab'}", "ab"),
	GIVES("'batch': {'format': 'frames'}, 'payload': '{/s}'", "{'s':'a\\u0001'}", "a\1"),
	/* Without some members. */
	GIVES("'omit': '/ip'", "{'a':1, 'ip':'::1', 'b':2}", "{'a':1, 'b':2}"),
	GIVES("'omit': ['/ip', '/user/email']", "{'ip':0,'user':{'email':1,'id':2}}", "{'user':{'id':2}}"),
	GIVES("'omit': ['/ip']", " [1] ", " [1] "),
	GIVES("'omit': ['/user/email'], 'payload': '{/user}'", "{'user':{'id':2, 'email':1}}", "{'id':2}"),
	FAILS("'omit': ['/user'], 'payload': '{/user}'", "{'user':{'id':2}}", PAYLOAD),
	GIVES("'omit': ['/a'], 'payload': ['{text}', '{message}']", "{'a':1}", "['{}',{}]"),
	/* As arguments. */
	GIVES(JSON "'batch': {'interval': 0}, 'spread': true, 'payload': ['{channel}', '{/d}']", "{'d':{'a': 1}}",
		"'c.x',{'a': 1}"),
	GIVES(JSON "'batch': {'interval': 0}, 'spread': true", " [ 1 , [2] ] ", "1 , [2]"),
	GIVES(JSON "'batch': {'interval': 0}, 'spread': true, 'payload': '{/l}'", "{'l':[ ]}", ""),
	GIVES(TEXT "'spread': true, 'payload': ['{channel}', '{/d}', 1]", "{'d':{'a': 'b'}}",
		"'c.x','{\\'a\\': \\'b\\'}','1'"),
	GIVES(TEXT "'spread': true, 'payload': ['{channel}', '{text}']", "a'b", "'c.x','a\\'b'"),
	FAILS(JSON "'batch': {'interval': 0}, 'spread': true", "{'a':1}", SPREAD),
	FAILS(TEXT "'spread': true, 'payload': '{/l}'", "{'l':'[]'}", SPREAD),
};

/* With double quotes for single ones. */
static const char *
quoted(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from);
	for (char *p = to; *p; p++)
		if (*p == '\'') *p = '"';
	return to;
}

static void
payloads(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
		const struct shape *s = &shapes[i];
		char keys[300], text[400], message[200], payload[200];
		struct template_captures captures = { .n = 1, .v = { EIO_LIT("x") } };
		struct feed_shaper shaper = { 0 };
		struct feed_options o = { 0 };
		struct config *config;
		struct message m = { .payload = eio_cstr(quoted(message, sizeof message, s->message)) };
		struct template_input in = { .channel = EIO_LIT("c.x"), .captures = &captures, .message = m.payload };
		enum feed_fate fate;

		snprintf(text, sizeof text, "{\"feeds\": [{\"pattern\": \"c.*\", %s}]}",
			quoted(keys, sizeof keys, s->keys));
		config = configured(text);
		config_fill_feed(config, &o);
		fate = feed_shapes(&o.specs->v[0]) ? feed_shape(&shaper, &o.specs->v[0], &in, &m) : FEED_FATE_TAKEN;
		if (fate != s->fate) fail_msg("line %d: fate %d", s->line, fate);
		if (s->payload && !eio_bytes_eq(m.payload, eio_cstr(quoted(payload, sizeof payload, s->payload))))
			fail_msg("line %d: %.*s", s->line, (int)m.payload.n, m.payload.p);
		feed_shaper_deinit(&shaper);
		config_free(config);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(payloads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
