/* SPDX-License-Identifier: MIT */
/*
 * Help for tests that run the recorded vectors of the Socket.IO layer: finding
 * their members, turning their wire side into messages, and lists of vectors
 * that siocast means to treat differently from what was recorded.
 */
#ifndef TESTS_UNIT_VECTOR_H
#define TESTS_UNIT_VECTOR_H

#include "eio/buf.h"
#include "eio/bytes.h"

/* The id of the vector at hand, for failure messages. */
extern char vector_id[100];

#define CHECK(cond) \
	do { \
		if (!(cond)) fail_msg("%s: %s", vector_id, #cond); \
	} while (0)

/* The value a JSON pointer refers to; p is NULL when there is none. */
struct eio_bytes vector_get(struct eio_bytes object, const char *pointer);

/* Whether the value a JSON pointer refers to is true. */
bool vector_is_true(struct eio_bytes object, const char *pointer);

/* Sets out to what a string member means; its p is not NULL then, even when the string is empty. */
void vector_get_string(struct eio_buf *out, struct eio_bytes object, const char *pointer);

struct vector_message {
	bool binary;
	struct eio_buf data;
};

enum { VECTOR_MAX_MESSAGES = 16 };

/* Messages in order; freed with vector_script_free(). */
struct vector_script {
	struct vector_message m[VECTOR_MAX_MESSAGES];
	size_t n;
};

/* Appends the elements of an array: {"text":…} and {"binary":hex}. */
void vector_script_frames(struct vector_script *s, struct eio_bytes frames);

/* What a vector feeds in: its frames, or its wire text and attachments. */
void vector_script_load(struct vector_script *s, struct eio_bytes vector);
void vector_script_free(struct vector_script *s);

/* Calls run for each vector of layer sio, with vector_id set. Returns how many vectors of other layers there are. */
int vector_each(struct eio_bytes file, void (*run)(struct eio_bytes vector, void *arg), void *arg);

/* A group of vectors that siocast treats differently from what was recorded, and why. */
struct vector_difference {
	const char *prefix; /* of all their ids */
	const char *names; /* the rest of each id, separated by blanks */
	const char *reason;
	int used; /* how many of them were looked up */
};

/* Whether the vector at hand is in the group, which is noted. */
bool vector_differs(struct vector_difference *d);

/* Fails the test when one of the names of the group was never looked up. */
void vector_difference_used(const struct vector_difference *d);

#endif
