/* SPDX-License-Identifier: MIT */
/*
 * The keys of session tickets (RFC 5077): one seals for an hour, then the next does,
 * and each opens what it sealed as long as sessions live. Who has a key can read
 * what was said under its tickets, so none is kept longer, and none is written down.
 *
 * No I/O, no clock: random bytes come by a function, time is an argument. Threads:
 * none of its own; the caller sees to it that one at a time is in here.
 */
#ifndef EIO_NET_TICKETS_H
#define EIO_NET_TICKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	EIO__TICKET_NAME = 16,
	EIO__TICKET_SECRET = 32,
	EIO__TICKET_TURN_S = 3600, /* how long one key seals */
	EIO__TICKET_LIFE_S = 4 * 3600, /* how long a session may be taken up again */
	EIO__TICKET_KEYS = EIO__TICKET_LIFE_S / EIO__TICKET_TURN_S + 1, /* that can open something */
};

struct eio__ticket_key {
	unsigned char name[EIO__TICKET_NAME]; /* stands in the ticket */
	unsigned char cipher[EIO__TICKET_SECRET];
	unsigned char mac[EIO__TICKET_SECRET];
};

/* Fills n bytes that nobody can guess; false when there are none. */
typedef bool eio__tickets_random(void *out, size_t n);

/* The fields are private. */
struct eio__tickets {
	struct {
		struct eio__ticket_key key;
		uint64_t since_s; /* it began to seal */
		bool on;
	} v[EIO__TICKET_KEYS];
	unsigned newest;
	eio__tickets_random *random;
};

void eio__tickets_init(struct eio__tickets *t, eio__tickets_random *random);

/* Forgets all keys. */
void eio__tickets_deinit(struct eio__tickets *t);

/* The key to seal with, a new one when it is time. Valid until the next call of any of these. NULL without random
 * bytes. now_s: of a clock that only goes forward. */
const struct eio__ticket_key *eio__tickets_seal(struct eio__tickets *t, uint64_t now_s);

/* The key of that name, if its time is not over; NULL without one. *renew: the client should get a ticket by the key
 * that seals now. Valid as above. */
const struct eio__ticket_key *eio__tickets_open(
	struct eio__tickets *t, uint64_t now_s, const unsigned char *name, bool *renew);

#endif
