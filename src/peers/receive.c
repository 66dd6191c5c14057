/* SPDX-License-Identifier: MIT */
/* What comes from other nodes, on the addresses where clients come. A connection has a pass once it has been answered;
 * what it carries from then on has to prove itself, so a proxy between that shares connections gives nothing away. */
#include "eio/check.h"
#include "src/peers/peers_int.h"

#include <stdlib.h>
#include <string.h>

static void
refuse_peer(struct peers *p, struct eio_exchange *ex)
{
	metrics_inc(p->metrics, PEERS_METRIC_REFUSED);
	eio_exchange_respond(ex, (struct eio_response){ .status = 403, .close = true });
}

static void
answer_hello(struct peers *p, struct eio_exchange *ex, const struct peers_hello *ask)
{
	struct peers_hello own = { .idle_s = p->o.idle_s };
	struct peers_pass *pass = malloc(sizeof *pass);
	void **slot = eio_httpd_pass(ex);
	struct eio_buf head = { 0 };

	memcpy(own.node, p->o.own, strlen(p->o.own) + 1);
	memcpy(own.nonce, eio_random_take(p->o.random, PEERS_NONCE), PEERS_NONCE);
	EIO_BUF_ADD_LIT(&head, "Siocast-Peer: ");
	if (!pass || !peers_answer_write(p->o.spec->secret, ask, &own, pass, &head)) {
		free(pass);
		eio_buf_deinit(&head);
		eio_exchange_respond(ex, (struct eio_response){ .status = 503, .close = true });
		return;
	}
	EIO_BUF_ADD_LIT(&head, "\r\n");
	free(*slot);
	*slot = pass;
	eio_exchange_respond(ex, (struct eio_response){ .status = 200, .headers = eio_block_of_buf(&head) });
}

bool
peers_receive(struct peers *p, struct eio_exchange *ex, enum eio_stage *stage)
{
	struct eio_bytes value = eio_request_header(ex->req, EIO_LIT(PEERS_HEADER));
	struct peers_hello ask;
	struct eio_peer from;
	void **slot;
	bool too_large;

	CHECK_MAGIC(p, PEERS_MAGIC);
	if (ex->answered) return value.n == 0;
	slot = eio_httpd_pass(ex);
	if (value.n == 0 && !*slot) return true;
	if (*stage == EIO_STAGE_BEGIN && *slot) return false; /* without its body it proves nothing */
	if (*stage == EIO_STAGE_COMPLETE && peers_hello_read(value, &ask)) {
		answer_hello(p, ex, &ask);
		return false;
	}
	if (*stage != EIO_STAGE_COMPLETE || !*slot || !peers_request_check(*slot, ex->req, &from, &too_large)) {
		refuse_peer(p, ex);
		return false;
	}
	metrics_inc(p->metrics, PEERS_METRIC_IN);
	ex->req->relayed = true;
	ex->req->peer = from;
	if (too_large) *stage = EIO_STAGE_TOO_LARGE;
	return true;
}

bool
peers_receive_upgrade(struct peers *p, struct eio_upgrade *up)
{
	bool too_large, good;

	CHECK_MAGIC(p, PEERS_MAGIC);
	if (!up->pass && eio_request_header(up->req, EIO_LIT(PEERS_HEADER)).n == 0) return true;
	good = up->pass && peers_request_check(up->pass, up->req, &up->req->peer, &too_large);
	if (good) {
		metrics_inc(p->metrics, PEERS_METRIC_IN);
		up->req->relayed = true;
		free(up->pass);
		up->pass = NULL;
		return true;
	}
	metrics_inc(p->metrics, PEERS_METRIC_REFUSED);
	eio_upgrade_free(up);
	return false;
}
