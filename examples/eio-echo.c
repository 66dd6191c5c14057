/* SPDX-License-Identifier: MIT */
/*
 * An Engine.IO echo server: every message goes back to its sender. It links
 * eio/ and eio/net/ and nothing else of siocast, which proves that this layer
 * stands alone, and serves as an example of how to use it.
 */
#include "eio/net/server.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_WAITING = 1 << 20 }; /* bytes, for a client that does not read its echoes */

struct echo {
	uv_loop_t loop;
	struct eio_clock clock;
	struct eio_httpd *httpd;
	struct eio_server *server;
	uv_signal_t sigint, sigterm;
};

static void
echo_open(void *user, struct eio_socket *s)
{
	(void)user;
	(void)s;
}

static void
echo_message(void *user, struct eio_socket *s, bool binary, struct eio_bytes data)
{
	struct eio_message m = { .binary = binary, .data = data };
	struct eio_bundle *b = eio_bundle_new(&m, 1);

	(void)user;
	if (!b || eio_socket_replies(s) > MAX_WAITING)
		eio_socket_discard(s);
	else
		eio_socket_send(s, b, NULL);
	eio_bundle_unref(b);
}

static void
on_close(void *user, struct eio_socket *s, enum eio_reason reason)
{
	(void)user;
	(void)s;
	(void)reason;
}

static void
on_request(void *user, struct eio_exchange *ex)
{
	(void)user;
	eio_exchange_respond_text(ex, 404, "text/plain; charset=utf-8", EIO_LIT("Not Found\n"), eio_bytes("", 0));
}

static void
echo_exchange(void *user, struct eio_exchange *ex, enum eio_stage stage)
{
	struct echo *e = user;

	eio_server_exchange(e->server, ex, stage);
}

static void
echo_upgrade(void *user, struct eio_upgrade *up)
{
	struct echo *e = user;

	eio_server_upgrade(e->server, up);
}

static void
on_echo_signal(uv_signal_t *sig, int signum)
{
	struct echo *e = sig->data;

	(void)signum;
	uv_close((uv_handle_t *)&e->sigint, NULL);
	uv_close((uv_handle_t *)&e->sigterm, NULL);
	eio_httpd_stop_accepting(e->httpd);
	eio_server_shutdown(e->server);
	eio_server_close(e->server);
	eio_httpd_close(e->httpd);
	eio_clock_close(&e->clock);
}

static void
echo_usage(int status)
{
	fputs("usage: eio-echo [--port 3000] [--path /engine.io/] [--ping-interval MS] [--ping-timeout MS]\n"
	      "                [--max-payload BYTES] [--cors] [--cookie NAME] [--allow-eio3]\n"
	      "                [--deflate]\n",
		status ? stderr : stdout);
	exit(status);
}

static const char *
echo_parse(int argc, char **argv, struct eio_server_options *o)
{
	static const struct option longs[] = { { "port", 1, NULL, 'p' }, { "path", 1, NULL, 'a' },
		{ "ping-interval", 1, NULL, 'i' }, { "ping-timeout", 1, NULL, 't' }, { "max-payload", 1, NULL, 'm' },
		{ "cors", 0, NULL, 'c' }, { "cookie", 1, NULL, 'k' }, { "allow-eio3", 0, NULL, '3' },
		{ "deflate", 0, NULL, 'd' }, { "help", 0, NULL, 'h' }, { NULL, 0, NULL, 0 } };
	const char *port = "3000";

	for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
		switch (c) {
		case 'p': port = optarg; break;
		case 'a': o->path = optarg; break;
		case 'i': o->ping_interval = strtoull(optarg, NULL, 10); break;
		case 't': o->ping_timeout = strtoull(optarg, NULL, 10); break;
		case 'm': o->max_payload = strtoull(optarg, NULL, 10); break;
		case 'c': o->cors.origin = EIO_CORS_ANY; break;
		case 'k': o->cookie_name = optarg; break;
		case '3': o->allow_eio3 = true; break;
		case 'd': o->ws_deflate.on = true; break;
		default: echo_usage(c == 'h' ? 0 : 2);
		}
	}
	return port;
}

static int
echo_start(struct echo *e, const struct eio_server_options *o, const char *port)
{
	const struct eio_server_handler handler = { .open = echo_open,
		.message = echo_message,
		.close = on_close,
		.request = on_request,
		.user = e,
		.http_user = e };
	const struct eio_httpd_handler http = { .exchange = echo_exchange, .upgrade = echo_upgrade, .user = e };
	const struct eio_httpd_options options = { .max_head = 16384,
		.max_body = o->max_payload,
		.header_timeout_ms = 60000,
		.request_timeout_ms = 300000,
		.keep_alive_timeout_ms = 75000 };
	char address[64];
	int fd;

	snprintf(address, sizeof address, "127.0.0.1:%s", port);
	fd = eio_listen(address);
	if (fd < 0) {
		fprintf(stderr, "eio-echo: cannot listen on %s: %s\n", address, strerror(-fd));
		return -1;
	}
	if (uv_loop_init(&e->loop) || eio_clock_open(&e->clock, &e->loop)) return -1;
	e->server = eio_server_new(&e->loop, &e->clock, o, &handler);
	e->httpd = eio_httpd_new(&e->loop, &e->clock, &options, &http);
	if (!e->server || !e->httpd || eio_httpd_accept(e->httpd, fd)) return -1;
	uv_signal_init(&e->loop, &e->sigint);
	uv_signal_init(&e->loop, &e->sigterm);
	e->sigint.data = e->sigterm.data = e;
	uv_signal_start(&e->sigint, on_echo_signal, SIGINT);
	uv_signal_start(&e->sigterm, on_echo_signal, SIGTERM);
	printf("listening on 127.0.0.1:%u%s\n", eio_listen_port(fd), o->path);
	fflush(stdout);
	return 0;
}

int
main(int argc, char **argv)
{
	static struct echo e;
	struct eio_server_options o = {
		.path = "/engine.io/",
		.ping_interval = 25000,
		.ping_timeout = 20000,
		.upgrade_timeout = 10000,
		.max_payload = 1000000,
		.max_unsent = MAX_WAITING,
		.max_replies = MAX_WAITING,
		.polling = true,
		.websocket = true,
		.allow_upgrades = true,
		.cors = { .max_age = -1 },
		.ws_deflate = { .level = 3, .window_bits = 15, .threshold = 1024 },
		.cookie_attributes = "; Path=/; HttpOnly; SameSite=Lax",
		.count = 1,
	};
	const char *port = echo_parse(argc, argv, &o);

	signal(SIGPIPE, SIG_IGN);
	if (echo_start(&e, &o, port)) return 1;
	uv_run(&e.loop, UV_RUN_DEFAULT);
	eio_server_free(e.server);
	uv_loop_close(&e.loop);
	return 0;
}
