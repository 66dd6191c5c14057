/* SPDX-License-Identifier: MIT */
/* Replays of the Engine.IO session with fake time and fake transports. What the session says is written down as words,
 * such as "answer 4hello; end", and compared with what the protocol wants. */
#ifndef TESTS_UNIT_EIO_REPLAY_H
#define TESTS_UNIT_EIO_REPLAY_H

#include "eio/buf.h"
#include "eio/collect.h"
#include "eio/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct replay {
	struct eio_settings settings;
	struct eio_session s;
	struct eio_buf log;
	uint64_t now;
	bool writable;
	char input[1024]; /* what was passed in last: sessions read it in place */
	struct eio_output form; /* a form that was asked for last, with its bundle */
};

void say_bundle(struct replay *r, struct eio_bundle *b);
void pump(struct replay *r);

/* Pumps, and checks everything said since the last time. */
#define EXPECT(r, text) \
	do { \
		pump(r); \
		eio_buf_addc(&(r)->log, '\0'); \
		assert_string_equal((r)->log.p, (text)); \
		eio_buf_clear(&(r)->log); \
	} while (0)

void start_kind(struct replay *r, struct eio_session_kind kind);
void start(struct replay *r, enum eio_transport transport);
void finish(struct replay *r);
void get(struct replay *r, enum eio_accept expected);
void post(struct replay *r, const char *body);
void ws(struct replay *r, const char *text);
void send_text(struct replay *r, const char *text);
void pass(struct replay *r, uint64_t ms);
void probe(struct replay *r, const char *text);

/* Pace */

/* Something that may wait, with a tag. ms: the pace it comes with; 0: none. */
void send_paced(struct replay *r, const char *text, unsigned ms);

#endif
