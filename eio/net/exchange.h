/* SPDX-License-Identifier: MIT */
/*
 * An exchange: one HTTP request and its answer. It is born on the thread of the
 * connection it came on (its home) and may be answered by another thread, the
 * one that owns the Engine.IO session. Every exchange is answered exactly once,
 * also when its connection is gone: then the answer is thrown away.
 *
 * Threads: the request is immutable after EIO_STAGE_COMPLETE was told (before
 * that only the body changes, at home). `conn` and `respond` belong to home;
 * `owner`, `on_abort` and `answered` to the thread that answers. A thread passes
 * the exchange on with a reference, and the passing orders the memory.
 */
#ifndef EIO_NET_EXCHANGE_H
#define EIO_NET_EXCHANGE_H

#include "eio/bundle.h"
#include "eio/net/http.h"
#include "eio/net/unsent.h"

/* How far a request has come when it is told. */
enum eio_stage {
	/* The headers are there, the body is still arriving; told only when it does not come at once. */
	EIO_STAGE_BEGIN,
	EIO_STAGE_COMPLETE,
	EIO_STAGE_TOO_LARGE, /* the body is larger than allowed and is thrown away */
	EIO_STAGE_ABORT, /* the connection is gone */
};

struct eio_response {
	int status;
	struct eio_block *headers; /* lines ending in CRLF, or NULL; a reference */
	struct eio_block *body; /* or NULL; a reference */
	size_t length; /* of the body, which a HEAD request does not get */
	struct eio_unsent *unsent; /* counts the body until it is written, or NULL; a reference */
	bool no_length; /* leave Content-Length out, as 304 and 204 do */
	bool close; /* close the connection afterwards */
	bool destroy; /* cut the connection without an answer */
};

enum { EIO_EXCHANGE_PASSING = 5 };

struct eio_exchange {
	atomic_uint refs;
	unsigned home; /* the index of the thread it came on */
	struct eio_request *req; /* owned */
	void *conn; /* NULL once the connection is gone */
	/* How ex->response gets home; called by the answering thread. */
	void (*respond)(struct eio_exchange *ex);
	/* How the news of a lost connection gets to the answering thread; called at home. */
	void (*abort)(struct eio_exchange *ex);
	void *thread; /* the answering thread's, for respond and abort when that is not home */
	/* For whoever passes it on: the links of his queues, and what is on its way. Zero when it is new, and never
	 * looked at here. */
	void *passing[EIO_EXCHANGE_PASSING];
	struct eio_response response;
	void *owner; /* what waits in this exchange, such as a session with a held GET */
	void (*on_abort)(struct eio_exchange *ex);
	bool answered;
};

struct eio_exchange *eio_exchange_ref(struct eio_exchange *ex);

/* Whether the caller has the only reference: what others wrote before they let go is then seen here. */
static inline bool
eio_exchange_single(const struct eio_exchange *ex)
{
	return atomic_load_explicit(&ex->refs, memory_order_acquire) == 1;
}

void eio_exchange_unref(struct eio_exchange *ex);

/* The answer is written: lets go of it. Home only. */
void eio_exchange_written(struct eio_exchange *ex);

/* Answers; the references in r go to the exchange. A second answer is ignored and its references dropped.
 * Drops no reference to the exchange itself. */
void eio_exchange_respond(struct eio_exchange *ex, struct eio_response r);

/* Answers with a short text or JSON body. content_type may be NULL for none; extra header lines are appended as they
 * are. */
void eio_exchange_respond_text(struct eio_exchange *ex, int status, const char *content_type, struct eio_bytes body,
	struct eio_bytes extra_headers);

#endif
