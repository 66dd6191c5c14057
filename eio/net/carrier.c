/* SPDX-License-Identifier: MIT */
/*
 * The only file that includes libwebsockets (and so never llhttp: both define
 * the same enumerators).
 *
 * lws gets each socket as a raw one, though it knows WebSockets: frames without a mask
 * or with reserved bits pass its parser or not, as the version has it, close frames go
 * unchecked, and there is no way to look at a frame before it does. So the bytes come
 * to eio/inbound.c as they are, and leave by send(); lws_write is never called, which
 * would copy what the kernel does not take, for each client again.
 *
 * A callback for a raw socket never returns an error: then lws would close the socket
 * while it is still in use above. It is told by a timeout of its own instead.
 */
#include "eio/net/carrier.h"

#include "eio/check.h"

#include <libwebsockets.h>
#include <stdlib.h>
#include <unistd.h>

enum { CARRIER_MAGIC = 0x63617272 };

static const char vhost_name[] = "engine.io";

struct eio__carrier {
	unsigned magic; /* CARRIER_MAGIC */
	struct lws_context *context;
	struct lws_vhost *vhost;
	struct eio__carrier_handler handler;
	struct lws_protocols protocols[2];
	lws_retry_bo_t retry;
};

static int
on_lws_event(struct lws *socket, enum lws_callback_reasons reason, void *user, void *in, size_t n)
{
	struct eio__carrier *c = lws_context_user(lws_get_context(socket));
	void *owner = lws_get_opaque_user_data(socket);

	(void)user;
	CHECK_MAGIC(c, CARRIER_MAGIC);
	if (!owner) return 0; /* it is being adopted, or is one of lws's own */
	switch (reason) {
	case LWS_CALLBACK_RAW_RX: c->handler.received(owner, in, n); break;
	case LWS_CALLBACK_RAW_WRITEABLE: c->handler.room(owner); break;
	case LWS_CALLBACK_RAW_CLOSE: c->handler.lost(owner); break;
	case LWS_CALLBACK_WSI_DESTROY:
		lws_set_opaque_user_data(socket, NULL);
		c->handler.gone(owner);
		break;
	default: break;
	}
	return 0;
}

/* The application sees no line of lws: what matters comes as a callback. */
static void
drop_log_line(int level, const char *line)
{
	(void)level;
	(void)line;
}

struct eio__carrier *
eio__carrier_new(uv_loop_t *loop, const struct eio__carrier_handler *handler)
{
	struct eio__carrier *c;
	struct lws_context_creation_info info = { 0 };
	void *loops[1] = { loop };

	/* Without it lws crashes while it takes apart what it had begun. */
	if (access("/dev/urandom", R_OK)) return NULL;
	c = calloc(1, sizeof *c);
	if (!c) return NULL;
	c->magic = CARRIER_MAGIC;
	c->handler = *handler;
	c->protocols[0] = (struct lws_protocols){ .name = vhost_name, .callback = on_lws_event };
	/* Engine.IO's heartbeat watches the connection: lws shall not hang up on its own. */
	c->retry = (lws_retry_bo_t){ .secs_since_valid_ping = 0, .secs_since_valid_hangup = 0 };
	lws_set_log_level(0, drop_log_line);
	info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
	info.protocols = c->protocols;
	info.options = LWS_SERVER_OPTION_LIBUV;
	info.vhost_name = vhost_name;
	info.foreign_loops = loops;
	info.retry_and_idle_policy = &c->retry;
	info.gid = (gid_t)-1;
	info.uid = (uid_t)-1;
	info.user = c;
	c->context = lws_create_context(&info);
	c->vhost = c->context ? lws_get_vhost_by_name(c->context, vhost_name) : NULL;
	if (c->vhost) return c;
	/* This happens at start-up only and ends the program, which saves turning a loop to take lws apart. */
	return NULL;
}

void
eio__carrier_close(struct eio__carrier *c)
{
	CHECK_MAGIC(c, CARRIER_MAGIC);
	lws_context_destroy(c->context);
}

void
eio__carrier_free(struct eio__carrier *c)
{
	CHECK_MAGIC(c, CARRIER_MAGIC);
	/* With a loop that is not its own, lws wants to be told twice: the first call closes its handles, which takes
	 * turns of the loop, the second frees the memory. */
	lws_context_destroy(c->context);
	c->magic = 0;
	free(c);
}

struct lws *
eio__carrier_adopt(struct eio__carrier *c, int fd, void *owner)
{
	lws_sock_file_fd_type descriptor = { .sockfd = fd };
	struct lws *socket = lws_adopt_descriptor_vhost(c->vhost, LWS_ADOPT_SOCKET, descriptor, NULL, NULL);

	if (socket) lws_set_opaque_user_data(socket, owner);
	return socket;
}

void
eio__carrier_await_room(struct lws *socket)
{
	lws_callback_on_writable(socket);
}

void
eio__carrier_end_after(struct lws *socket, int seconds)
{
	/* What the timeout is named for is nobody's concern: lws does the same for all. */
	lws_set_timeout(socket, PENDING_TIMEOUT_CLOSE_SEND, seconds ? seconds : LWS_TO_KILL_ASYNC);
}

void
eio__carrier_answer_key(struct eio_bytes key, char answer[EIO__CARRIER_ANSWER_BYTES + 1])
{
	/* What only servers of WebSockets know. */
	static const char name[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	unsigned char text[24 + sizeof name], hash[20];
	char base64[EIO__CARRIER_ANSWER_BYTES + 4]; /* lws wants a little more room than it needs */

	CHECK(key.n == 24);
	memcpy(text, key.p, key.n);
	memcpy(text + key.n, name, sizeof name);
	lws_SHA1(text, sizeof text - 1, hash);
	CHECK(lws_b64_encode_string((const char *)hash, sizeof hash, base64, sizeof base64) ==
		EIO__CARRIER_ANSWER_BYTES);
	memcpy(answer, base64, EIO__CARRIER_ANSWER_BYTES + 1);
}
