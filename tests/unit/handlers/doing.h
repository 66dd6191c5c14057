/* SPDX-License-Identifier: MIT */
/* Handlers out of a text, run on an event: what is done is written down as words. */
#ifndef TESTS_UNIT_HANDLERS_DOING_H
#define TESTS_UNIT_HANDLERS_DOING_H

#include "sio/event.h"
#include "sio/json.h"
#include "src/handlers/handlers.h"
#include "src/handlers/request.h"
#include "src/template/template.h"
#include "src/where/where.h"
#include "tests/unit/canon.h"
#include "tests/unit/failmalloc.h"

#include <cjson/cJSON.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

extern struct eio_buf heard; /* one line per effect */
extern bool deaf; /* writes nothing, to test what happens without memory */
extern const struct handlers_ops ops;

struct fixture {
	struct handlers *h;
	struct sio_client client;
	struct handlers_call call;
	struct sio_event ev;
};

/* The first mistake goes into a struct that is all zero. */
void keep_error(void *user, const struct handlers_error *e);

/* Tells that memory is out. */
bool read_where(void *user, const cJSON *item, struct where *out);
void setup(struct fixture *f, const char *on, const char *nsp);
void teardown(struct fixture *f);
void expect_heard(const char *want);

/* The client sends a packet, with attachments "one" and "two" if it asks for them. */
enum handlers_result event(struct fixture *f, const char *packet);
void run(const char *on, const char *packet, enum handlers_result result, const char *want);

#define SID "AAAAAAAAAAAAAAAAAAAA"

#define PH(num) "{\"_placeholder\":true,\"num\":" #num "}"

/* What is kept of a request: only what is named, or all where it is named as a whole. */
static const char request[] =
	"GET /socket.io/?EIO=4 HTTP/1.1\r\nHost: h\r\nX-User: ann\r\nCookie: a=1; b=%41+b%zz; a=2\r\n"
	"x-user: bob \r\nCookie: \"; c = \"q\\\"\"; connect.sid=s%3A1;d; \xe9=\xfc%20%C3%A9\r\nX-Raw: \xff\"\xc3\xa9\r\n\r\n";
int free_heard(void **state);

#endif
