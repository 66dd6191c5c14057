/* SPDX-License-Identifier: MIT */
/* Addresses of peers, networks of them, and who came by way of proxies. */
#include "eio/net/forwarded.h"
#include "eio/net/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cmocka.h>

static const char *
text_of(const struct eio_peer *p)
{
	static char out[EIO_PEER_TEXT];
	const char *text = eio_peer_text(p, out);

	return text ? text : "none";
}

static void
test_system(void **state)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(80) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(80) };
	struct sockaddr_un local = { .sun_family = AF_UNIX };
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	struct eio_peer p;

	(void)state;
	assert_int_equal(inet_pton(AF_INET, "192.0.2.7", &v4.sin_addr), 1);
	p = eio_peer_of((struct sockaddr *)&v4);
	assert_string_equal(text_of(&p), "192.0.2.7");
	assert_int_equal(inet_pton(AF_INET6, "2001:DB8:0::1", &v6.sin6_addr), 1);
	p = eio_peer_of((struct sockaddr *)&v6);
	assert_string_equal(text_of(&p), "2001:db8::1");
	assert_int_equal(inet_pton(AF_INET6, "::ffff:192.0.2.7", &v6.sin6_addr), 1);
	p = eio_peer_of((struct sockaddr *)&v6);
	assert_string_equal(text_of(&p), "192.0.2.7");
	p = eio_peer_of((struct sockaddr *)&local);
	assert_int_equal(p.kind, EIO_PEER_UNIX);
	assert_string_equal(text_of(&p), "none");
	p = eio_peer_of(&none);
	assert_int_equal(p.kind, EIO_PEER_NONE);
	assert_string_equal(text_of(&p), "none");
}

static void
test_text(void **state)
{
	static const struct {
		const char *text, *is; /* NULL: no address */
	} cases[] = {
		{ "192.0.2.1", "192.0.2.1" },
		{ "192.0.2.1:8080", "192.0.2.1" },
		{ "2001:db8::1", "2001:db8::1" },
		{ "2001:DB8:0:0:0:0:0:1", "2001:db8::1" },
		{ "[2001:db8::1]", "2001:db8::1" },
		{ "[2001:db8::1]:443", "2001:db8::1" },
		{ "::ffff:10.1.2.3", "10.1.2.3" },
		{ "[::ffff:10.1.2.3]:1", "10.1.2.3" },
		{ "::", "::" },
		{ "1111:2222:3333:4444:5555:6666:255.255.255.255", "1111:2222:3333:4444:5555:6666:ffff:ffff" },
		{ "", NULL },
		{ "unknown", NULL },
		{ "_hidden", NULL },
		{ "1.2.3", NULL },
		{ "1.2.3.4.5", NULL },
		{ "1.2.3.256", NULL },
		{ "01.2.3.4", NULL },
		{ "1.2.3.4:", NULL },
		{ "1.2.3.4:x", NULL },
		{ "1.2.3.4:123456", NULL },
		{ "1.2.3.4 ", NULL },
		{ "[1.2.3.4]", NULL },
		{ "[::1", NULL },
		{ "[]", NULL },
		{ "[::1]x", NULL },
		{ "[::1]:", NULL },
		{ "::1]", NULL },
		{ "fe80::1%eth0", NULL },
		{ "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd:eeee", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct eio_peer p = { 0 };
		bool good = eio_peer_parse(eio_cstr(cases[i].text), &p);

		if (good != (cases[i].is != NULL)) fail_msg("\"%s\"", cases[i].text);
		if (good) assert_string_equal(text_of(&p), cases[i].is);
	}
	assert_false(eio_peer_parse(eio_bytes("1.2.3.4\0", 8), &(struct eio_peer){ 0 }));
	assert_false(eio_peer_parse(eio_bytes(NULL, 0), &(struct eio_peer){ 0 }));
}

static bool
has(const char *network, const char *address)
{
	struct eio_network n;
	struct eio_networks all = { &n, 1 };
	struct eio_peer p = { .kind = EIO_PEER_UNIX };
	bool loose;

	assert_null(eio_network_parse(eio_cstr(network), &n, &loose));
	if (*address) assert_true(eio_peer_parse(eio_cstr(address), &p));
	return eio_networks_have(&all, &p);
}

static void
test_networks(void **state)
{
	static const char *const wrong[] = { "", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "10/8",
		"10.0.0.0/0008", "::/129", "::ffff:10.0.0.0/95", "unix:", "Unix", "unix:/run/x", "localhost",
		"10.0.0.0:80", "[::1]", "10.0.0.0/8/8", "*", "/8" };
	static const char *const loose_ones[] = { "10.0.0.1/8", "10.0.0.1/31", "2001:db8::1/32", "1.0.0.0/0" };
	static const char *const tight_ones[] = { "10.0.0.0/8", "10.0.0.1", "10.0.0.1/32", "0.0.0.0/0", "::/0", "unix",
		"2001:db8::/32", "10.0.0.2/31", "::ffff:10.0.0.0/104" };
	struct eio_network n;
	bool loose;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		if (!eio_network_parse(eio_cstr(wrong[i]), &n, &loose)) fail_msg("\"%s\"", wrong[i]);
	for (size_t i = 0; i < sizeof loose_ones / sizeof loose_ones[0]; i++)
		if (eio_network_parse(eio_cstr(loose_ones[i]), &n, &loose) || !loose) fail_msg("\"%s\"", loose_ones[i]);
	for (size_t i = 0; i < sizeof tight_ones / sizeof tight_ones[0]; i++)
		if (eio_network_parse(eio_cstr(tight_ones[i]), &n, &loose) || loose) fail_msg("\"%s\"", tight_ones[i]);
	assert_true(has("10.0.0.0/8", "10.255.1.2"));
	assert_true(has("10.0.0.9/8", "10.255.1.2"));
	assert_false(has("10.0.0.0/8", "11.0.0.0"));
	assert_true(has("172.16.0.0/12", "172.31.255.255"));
	assert_false(has("172.16.0.0/12", "172.32.0.0"));
	assert_true(has("127.0.0.1", "127.0.0.1"));
	assert_false(has("127.0.0.1", "127.0.0.2"));
	assert_true(has("127.0.0.1", "::ffff:127.0.0.1"));
	assert_true(has("::ffff:10.0.0.0/104", "10.9.9.9"));
	assert_false(has("::ffff:10.0.0.0/104", "11.9.9.9"));
	assert_true(has("2001:db8::/33", "2001:db8:7fff::1"));
	assert_false(has("2001:db8::/33", "2001:db8:8000::1"));
	assert_true(has("0.0.0.0/0", "203.0.113.9"));
	assert_false(has("0.0.0.0/0", "::1"));
	assert_true(has("::/0", "::1"));
	assert_false(has("::/0", "127.0.0.1"));
	assert_true(has("unix", ""));
	assert_false(has("unix", "127.0.0.1"));
	assert_false(has("0.0.0.0/0", ""));
}

/* A request with such headers, read. */
static struct eio_request *
request(const char *headers)
{
	struct eio_http *h = eio_http_new(4096, 100);
	struct eio_request *req;
	struct eio_buf text;
	size_t used;

	assert_non_null(h);
	eio_buf_init(&text);
	eio_buf_printf(&text, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", headers);
	assert_int_equal(eio_http_feed(h, text.p, text.n, &used), EIO_HTTP_COMPLETE);
	req = eio_http_take(h);
	eio_buf_deinit(&text);
	eio_http_free(h);
	assert_int_equal(req->peer.kind, EIO_PEER_NONE);
	return req;
}

static void
test_forwarded(void **state)
{
	static const struct {
		const char *peer, *headers, *is; /* peer: "": a Unix socket */
	} cases[] = {
		/* Nobody that is trusted: what it says does not count. */
		{ "203.0.113.5", "", "203.0.113.5" },
		{ "203.0.113.5", "X-Forwarded-For: 192.0.2.1\r\n", "203.0.113.5" },
		{ "127.0.0.1", "", "127.0.0.1" },
		{ "127.0.0.1", "X-Forwarded-For: 192.0.2.1\r\n", "192.0.2.1" },
		{ "", "X-Forwarded-For: 192.0.2.1\r\n", "192.0.2.1" },
		{ "", "", "none" },
		{ "", "X-Forwarded-For: unknown\r\n", "none" },
		/* From the right, past those that are trusted. */
		{ "127.0.0.1", "X-Forwarded-For: 198.51.100.1, 192.0.2.1\r\n", "192.0.2.1" },
		{ "127.0.0.1", "X-Forwarded-For: 198.51.100.1, 192.0.2.1, 10.1.1.1\r\n", "192.0.2.1" },
		{ "127.0.0.1", "X-Forwarded-For: 10.2.2.2, 10.1.1.1\r\n", "10.2.2.2" },
		{ "127.0.0.1", "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-For: 10.1.1.1\r\n", "192.0.2.1" },
		{ "127.0.0.1", "X-Forwarded-For: 192.0.2.1\r\nA: b\r\nx-forwarded-for: 192.0.2.2\r\n", "192.0.2.2" },
		{ "127.0.0.1", "X-Forwarded-For: ::ffff:192.0.2.1\r\n", "192.0.2.1" },
		{ "127.0.0.1", "X-Forwarded-For: [2001:db8::9]:4711\r\n", "2001:db8::9" },
		{ "127.0.0.1", "X-Forwarded-For:\t192.0.2.1:99 \r\n", "192.0.2.1" },
		/* Empty elements are none; what is no address ends the way. */
		{ "127.0.0.1", "X-Forwarded-For: 192.0.2.1, , ,10.1.1.1,\r\n", "192.0.2.1" },
		{ "127.0.0.1", "X-Forwarded-For: ,\r\n", "127.0.0.1" },
		{ "127.0.0.1", "X-Forwarded-For:\r\n", "127.0.0.1" },
		{ "127.0.0.1", "X-Forwarded-For: unix\r\n", "127.0.0.1" },
		{ "127.0.0.1", "X-Forwarded-For: 192.0.2.1, evil\", 10.1.1.1\r\n", "10.1.1.1" },
		{ "127.0.0.1", "X-Real-IP: 192.0.2.1\r\n", "127.0.0.1" },
	};
	struct eio_network v[3];
	const struct eio_forwarding f = { { v, 3 }, EIO_FORWARDED_X }, nobody = { 0 };
	bool loose;

	(void)state;
	assert_null(eio_network_parse(EIO_LIT("127.0.0.1"), &v[0], &loose));
	assert_null(eio_network_parse(EIO_LIT("10.0.0.0/8"), &v[1], &loose));
	assert_null(eio_network_parse(EIO_LIT("unix"), &v[2], &loose));
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct eio_request *req = request(cases[i].headers);
		struct eio_peer p = { .kind = EIO_PEER_UNIX };

		if (*cases[i].peer) assert_true(eio_peer_parse(eio_cstr(cases[i].peer), &p));
		req->peer = p;
		p = eio_forwarded_for(&f, req);
		if (strcmp(text_of(&p), cases[i].is) != 0)
			fail_msg("%s and %s: %s", cases[i].peer, cases[i].headers, text_of(&p));
		p = eio_forwarded_for(&nobody, req);
		assert_memory_equal(&p, &req->peer, sizeof p);
		eio_request_free(req);
	}
}

static void
test_forwarded_rfc7239(void **state)
{
	static const struct {
		const char *value, *is; /* to 127.0.0.1 */
	} cases[] = {
		{ "", "127.0.0.1" },
		{ "for=192.0.2.1", "192.0.2.1" },
		{ "For=\"192.0.2.1:4711\"", "192.0.2.1" },
		{ "for=192.0.2.1:4711", "192.0.2.1" },
		{ "for=\"[2001:db8::9]:4711\"", "2001:db8::9" },
		{ "for=\"[2001:db8::9]\"", "2001:db8::9" },
		{ "proto=https; FOR = 192.0.2.1", "127.0.0.1" }, /* no blanks around '=' */
		{ "proto=https ; FOR=192.0.2.1 ;by=203.0.113.43;host=\"a, b; c\"", "192.0.2.1" },
		{ "for=198.51.100.1, for=192.0.2.1", "192.0.2.1" },
		{ "for=198.51.100.1,for=192.0.2.1,for=10.1.1.1", "192.0.2.1" },
		{ "for=192.0.2.1, , ;, for=10.1.1.1,", "192.0.2.1" },
		{ "for=10.2.2.2, for=10.1.1.1", "10.2.2.2" },
		{ "for=\"1\\92.0.2.1\"", "192.0.2.1" },
		{ "for=\"192.0.2.7, for=192.0.2.8\", for=192.0.2.1", "192.0.2.1" },
		/* Nobody knows more. */
		{ "for=192.0.2.1, for=unknown", "127.0.0.1" },
		{ "for=192.0.2.1, for=_hidden, for=10.1.1.1", "10.1.1.1" },
		{ "for=192.0.2.1, by=10.3.3.3, for=10.1.1.1", "10.1.1.1" },
		{ "for=192.0.2.1, for=\"\", for=10.1.1.1", "10.1.1.1" },
		/* What is not as it should be does not count, whatever else there is. */
		{ "for=192.0.2.1, for=\"10.1.1.1", "127.0.0.1" },
		{ "for=\"192.0.2.1\\", "127.0.0.1" },
		{ "for=192.0.2.1, for=10.1.1.1;for=192.0.2.2", "127.0.0.1" },
		{ "192.0.2.1", "127.0.0.1" },
		{ "for=192.0.2.1, for", "127.0.0.1" },
		{ "for=192.0.2.1, for=10.1.1.1 192.0.2.2", "127.0.0.1" },
		{ "for=192.0.2.1 =", "127.0.0.1" },
		{ "=192.0.2.1", "127.0.0.1" },
		{ "for=", "127.0.0.1" },
	};
	struct eio_network v[2];
	const struct eio_forwarding f = { { v, 2 }, EIO_FORWARDED_RFC7239 };
	struct eio_peer peer, other, p;
	struct eio_request *req;
	struct eio_buf b;
	bool loose;

	(void)state;
	assert_null(eio_network_parse(EIO_LIT("127.0.0.1"), &v[0], &loose));
	assert_null(eio_network_parse(EIO_LIT("10.0.0.0/8"), &v[1], &loose));
	assert_true(eio_peer_parse(EIO_LIT("127.0.0.1"), &peer) && eio_peer_parse(EIO_LIT("203.0.113.5"), &other));
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		p = eio_forwarded_value(&f, peer, eio_cstr(cases[i].value));
		if (strcmp(text_of(&p), cases[i].is) != 0) fail_msg("%s: %s", cases[i].value, text_of(&p));
		p = eio_forwarded_value(&f, other, eio_cstr(cases[i].value));
		assert_memory_equal(&p, &other, sizeof p);
	}
	/* The other header is the client's. */
	req = request("X-Forwarded-For: 192.0.2.1\r\nForwarded: for=192.0.2.2\r\nForwarded: for=10.0.0.1\r\n");
	req->peer = peer;
	p = eio_forwarded_for(&f, req);
	assert_string_equal(text_of(&p), "192.0.2.2");
	eio_request_free(req);
	/* Something long in quotes is no address, and is passed over. */
	eio_buf_init(&b);
	eio_buf_printf(&b, "for=\"%0*d\", for=192.0.2.1, for=10.0.0.1", 1000, 1);
	p = eio_forwarded_value(&f, peer, eio_buf_bytes(&b));
	assert_string_equal(text_of(&p), "192.0.2.1");
	eio_buf_deinit(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_system),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_networks),
		cmocka_unit_test(test_forwarded),
		cmocka_unit_test(test_forwarded_rfc7239),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
