/* SPDX-License-Identifier: MIT */
/*
 * A name and a password, of which a bcrypt hash is known; and sessions of whoever has given them, so that nobody has to
 * be asked twice. Shared by all workers.
 *
 * To check a password takes a processor some 50 to 100 ms, which is what the hash is for. So it is done on a thread of
 * its own, one after the other, and after a wrong one that thread rests as long as it has worked: whoever guesses
 * gets half of one processor, and no worker waits for it. Few may wait for their turn; others are refused.
 *
 *     worker ── auth_login_check() ──▶ {queue} ──▶ thread: crypt_r() ──▶ mail to the worker's port
 *
 * A session is a text with its end, and a MAC of that under a key of the process, the name and the hash. So nothing has
 * to be remembered, all workers know all sessions, and another password ends them.
 */
#ifndef SRC_AUTH_LOGIN_H
#define SRC_AUTH_LOGIN_H

#include "eio/buf.h"
#include "eio/list.h"
#include "src/base/mailbox.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	AUTH_LOGIN_QUEUE = 16, /* checks that may wait */
	AUTH_LOGIN_PASSWORD = 500, /* bytes of one: longer ones are wrong */
	AUTH_LOGIN_SESSION = 56, /* characters of a session */
	AUTH_LOGIN_SESSION_S = 86400, /* for so long it is good */
	AUTH_LOGIN_COST_MIN = 4, /* of a hash: bcrypt does 2^cost rounds */
	AUTH_LOGIN_COST_MAX = 16, /* some seconds */
};

struct auth_login;

/* Who may come in. */
struct auth_login_spec {
	const char *username; /* NULL: anybody may */
	const char *hash; /* of the password, which auth_login_hash_error() has nothing against */
	struct eio_bytes secret; /* that several servers share, so that they share sessions; empty: there is none */
};

/* What is wrong with a text that is to be a bcrypt hash, as the end of a sentence; NULL: nothing. */
const char *auth_login_hash_error(const char *hash);

/* The strings are copied. NULL when out of memory. */
struct auth_login *auth_login_new(const struct auth_login_spec *spec);

/* Somebody else may come in from now on. Checks that have begun are about whom they were begun for. Any thread. 1: it
 * was another name or hash, 0: it is the same, -1: out of memory, and nothing has changed. */
int auth_login_set(struct auth_login *l, const struct auth_login_spec *spec);

/* Starts its thread, once. 0 or a libuv error. */
int auth_login_start(struct auth_login *l);

/* Ends it, and waits for a check that has begun. No check may be asked for any more, and those who have asked must have
 * forgotten; mail that was posted before may still be there. Also when it was not started. */
void auth_login_stop(struct auth_login *l);

/* After that, and when all mail was taken. NULL is fine. */
void auth_login_free(struct auth_login *l);

enum auth_login_answer {
	AUTH_LOGIN_OPEN, /* anybody may come in */
	AUTH_LOGIN_KNOWN, /* it has a session */
	AUTH_LOGIN_WRONG, /* no session, and not the name; or what is said cannot be a password */
	AUTH_LOGIN_PASSWORD_SAID, /* the name is right: the password is to be checked */
};

/* Looks at what a client says: {"sessionId":…} or {"username":…,"password":…}, an object of checked JSON, or p NULL.
 * now_s: seconds since 1970. Any thread. */
enum auth_login_answer auth_login_look(struct auth_login *l, struct eio_bytes auth, uint64_t now_s);

/* A check, from auth_login_check() to auth_check_free(). */
struct auth_check {
	struct mail mail; /* to whoever asked */
	void *asker; /* the asker's; NULL: it has forgotten. Of the asker's thread only, as is `good` once it is told */
	bool good;
	/* private */
	struct eio_list link; /* {lock} in the queue, or in no list */
	const struct mail_port *port;
	char *hash;
	size_t n;
	char password[];
};

/* Has the password checked that is said where auth_login_look() has seen one: the check comes as `mail` to the port,
 * which owns it then. NULL: too many wait, or memory is out. */
struct auth_check *auth_login_check(
	struct auth_login *l, struct eio_bytes auth, const struct mail_port *port, void *asker);

/* Nobody wants to know any more. On the asker's thread, before the mail was taken. */
void auth_check_forget(struct auth_login *l, struct auth_check *c);

/* By who has taken it. */
void auth_check_free(struct auth_check *c);

/* Appends a new session. Any thread. */
void auth_login_session(struct auth_login *l, uint64_t now_s, struct eio_buf *out);

#endif
