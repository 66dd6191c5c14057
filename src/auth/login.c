/* SPDX-License-Identifier: MIT */
/* Passwords on their thread, and sessions. */
#include "src/auth/login.h"

#include "eio/check.h"
#include "sio/json.h"
#include "src/auth/crypto.h"

#include <crypt.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	LOGIN_MAGIC = 0x10910a5d,
	HASH_BYTES = 60, /* "$2b$10$", 22 characters of salt, 31 of the hash */
	TIME_BYTES = 4, /* of a session: when it ends, in seconds since 1970 */
	RANDOM_BYTES = 8,
	MAC_BYTES = 16,
	SECRET_BYTES = 32,
};

_Static_assert(2 * (TIME_BYTES + RANDOM_BYTES + MAC_BYTES) == AUTH_LOGIN_SESSION, "a session is hexadecimal");

struct auth_login {
	unsigned magic;
	uv_mutex_t lock;
	uv_cond_t more; /* there is something in the queue, or the end */
	uv_thread_t thread;
	bool running; /* of whoever starts and stops it */
	bool stops; /* {lock}, as all that follows */
	struct eio_list queue; /* of struct auth_check */
	size_t n;
	char *username, *hash; /* owned; NULL: anybody may come in */
	unsigned char secret[SECRET_BYTES]; /* of the process */
	unsigned char key[AUTH_MAC]; /* of sessions */
	struct crypt_data work; /* the thread's */
};

/* Hashes */

const char *
auth_login_hash_error(const char *hash)
{
	static const char digits[] = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	int cost;

	if (strncmp(hash, "$2a$", 4) != 0 && strncmp(hash, "$2b$", 4) != 0 && strncmp(hash, "$2y$", 4) != 0)
		return "no bcrypt hash, which begins with $2a$, $2b$ or $2y$";
	if (strlen(hash) != HASH_BYTES || hash[4] < '0' || hash[4] > '9' || hash[5] < '0' || hash[5] > '9' ||
		hash[6] != '$' || strspn(hash + 7, digits) != HASH_BYTES - 7)
		return "no whole bcrypt hash, which has 60 characters";
	cost = 10 * (hash[4] - '0') + hash[5] - '0';
	if (cost < AUTH_LOGIN_COST_MIN) return "a bcrypt hash with a cost below 4";
	return cost > AUTH_LOGIN_COST_MAX ? "a bcrypt hash with a cost above 16: each login would take seconds" : NULL;
}

static bool
is_password(struct crypt_data *work, const char *password, const char *hash)
{
	const char *made = crypt_r(password, hash, work);
	bool good = made && strlen(made) == HASH_BYTES && auth_same(made, hash, HASH_BYTES);

	explicit_bzero(work, sizeof *work);
	return good;
}

/* The thread */

/* Waits for the next; NULL: it ends. */
static struct auth_check *
next_check(struct auth_login *l)
{
	struct auth_check *c = NULL;

	uv_mutex_lock(&l->lock);
	while (!l->stops && eio_list_empty(&l->queue)) uv_cond_wait(&l->more, &l->lock);
	if (!l->stops) {
		c = EIO_CONTAINER(l->queue.next, struct auth_check, link);
		eio_list_remove(&c->link);
		l->n--;
	}
	uv_mutex_unlock(&l->lock);
	return c;
}

/* Until so long has passed, or the end. */
static void
rest_after(struct auth_login *l, uint64_t ns)
{
	uint64_t until = uv_hrtime() + ns, now;

	uv_mutex_lock(&l->lock);
	while (!l->stops && (now = uv_hrtime()) < until) (void)uv_cond_timedwait(&l->more, &l->lock, until - now);
	uv_mutex_unlock(&l->lock);
}

/* What this thread has had of a processor: on a busy machine that is less than the time that passes. */
static uint64_t
worked_ns(void)
{
	struct timespec t = { 0 };

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void
login_main(void *arg)
{
	struct auth_login *l = arg;
	struct auth_check *c;

	CHECK_MAGIC(l, LOGIN_MAGIC);
	pthread_setname_np(pthread_self(), "siocast-login");
	while ((c = next_check(l))) {
		uint64_t before = worked_ns();
		bool good = is_password(&l->work, c->password, c->hash);

		c->good = good;
		explicit_bzero(c->password, c->n);
		mail_post(c->port, &c->mail); /* it is not ours any more */
		if (!good) rest_after(l, worked_ns() - before);
	}
}

/* From beginning to end */

/* What sessions of that name and hash are known by. False when out of memory. */
static bool
make_key(const struct auth_login *l, const struct auth_login_spec *s, unsigned char key[AUTH_MAC])
{
	struct eio_bytes secret = s->secret.n ? s->secret : eio_bytes((const char *)l->secret, SECRET_BYTES);
	struct eio_buf text = { 0 };
	bool made;

	EIO_BUF_ADD_LIT(&text, "siocast login");
	eio_buf_addc(&text, '\0');
	eio_buf_add(&text, eio_cstr(s->username ? s->username : ""));
	eio_buf_addc(&text, '\0');
	eio_buf_add(&text, eio_cstr(s->username ? s->hash : ""));
	made = !eio_buf_failed(&text) && auth_mac(secret, eio_buf_bytes(&text), key);
	eio_buf_deinit(&text);
	return made;
}

static bool
is_same_login(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

int
auth_login_set(struct auth_login *l, const struct auth_login_spec *s)
{
	char *username = s->username ? strdup(s->username) : NULL, *hash = s->username ? strdup(s->hash) : NULL,
	     *before;
	unsigned char key[AUTH_MAC];
	bool same;

	CHECK_MAGIC(l, LOGIN_MAGIC);
	if ((s->username && (!username || !hash)) || !make_key(l, s, key)) {
		free(username);
		free(hash);
		return -1;
	}
	uv_mutex_lock(&l->lock);
	same = is_same_login(l->username, username) && is_same_login(l->hash, hash);
	before = l->username;
	l->username = username;
	username = before;
	before = l->hash;
	l->hash = hash;
	hash = before;
	memcpy(l->key, key, sizeof key);
	uv_mutex_unlock(&l->lock);
	free(username);
	free(hash);
	return same ? 0 : 1;
}

struct auth_login *
auth_login_new(const struct auth_login_spec *spec)
{
	struct auth_login *l = calloc(1, sizeof *l);

	if (!l) return NULL;
	l->magic = LOGIN_MAGIC;
	eio_list_init(&l->queue);
	if (uv_random(NULL, NULL, l->secret, sizeof l->secret, 0, NULL) || uv_mutex_init(&l->lock)) goto fail;
	if (uv_cond_init(&l->more)) goto fail_mutex;
	if (auth_login_set(l, spec) >= 0) return l;
	uv_cond_destroy(&l->more);
fail_mutex:
	uv_mutex_destroy(&l->lock);
fail:
	free(l);
	return NULL;
}

int
auth_login_start(struct auth_login *l)
{
	int err = uv_thread_create(&l->thread, login_main, l);

	CHECK_MAGIC(l, LOGIN_MAGIC);
	l->running = !err;
	return err;
}

void
auth_login_stop(struct auth_login *l)
{
	CHECK_MAGIC(l, LOGIN_MAGIC);
	uv_mutex_lock(&l->lock);
	l->stops = true;
	uv_cond_broadcast(&l->more);
	uv_mutex_unlock(&l->lock);
	if (l->running) uv_thread_join(&l->thread);
	l->running = false;
}

void
auth_login_free(struct auth_login *l)
{
	if (!l) return;
	CHECK_MAGIC(l, LOGIN_MAGIC);
	CHECK(!l->running && eio_list_empty(&l->queue));
	uv_cond_destroy(&l->more);
	uv_mutex_destroy(&l->lock);
	free(l->username);
	free(l->hash);
	explicit_bzero(l->secret, sizeof l->secret);
	explicit_bzero(l->key, sizeof l->key);
	l->magic = 0;
	free(l);
}

/* Sessions */

static void
write_hex(const unsigned char *p, size_t n, struct eio_buf *out)
{
	for (size_t i = 0; i < n; i++) eio_buf_printf(out, "%02x", p[i]);
}

/* What a session's MAC is made of: the characters before it. */
static bool
session_mac(struct auth_login *l, struct eio_bytes text, unsigned char out[AUTH_MAC])
{
	unsigned char key[AUTH_MAC];

	uv_mutex_lock(&l->lock);
	memcpy(key, l->key, sizeof key);
	uv_mutex_unlock(&l->lock);
	return auth_mac(eio_bytes((const char *)key, sizeof key), text, out);
}

void
auth_login_session(struct auth_login *l, uint64_t now_s, struct eio_buf *out)
{
	uint64_t until = now_s + AUTH_LOGIN_SESSION_S;
	unsigned char random[RANDOM_BYTES], mac[AUTH_MAC];
	size_t at = out->n;

	eio_buf_printf(out, "%08x", (unsigned)(until & 0xffffffffu));
	if (uv_random(NULL, NULL, random, sizeof random, 0, NULL)) out->failed = true;
	write_hex(random, sizeof random, out);
	if (eio_buf_failed(out) || !session_mac(l, eio_bytes(out->p + at, out->n - at), mac))
		out->failed = true;
	else
		write_hex(mac, MAC_BYTES, out);
}

static bool
is_session(struct auth_login *l, struct eio_bytes text, uint64_t now_s)
{
	size_t head = 2 * (TIME_BYTES + RANDOM_BYTES);
	unsigned char mac[AUTH_MAC];
	struct eio_buf hex = { 0 };
	char until[2 * TIME_BYTES + 1];
	bool good;

	if (text.n != AUTH_LOGIN_SESSION || !session_mac(l, eio_bytes(text.p, head), mac)) return false;
	write_hex(mac, MAC_BYTES, &hex);
	good = !eio_buf_failed(&hex) && auth_same(hex.p, text.p + head, hex.n);
	eio_buf_deinit(&hex);
	memcpy(until, text.p, sizeof until - 1);
	until[sizeof until - 1] = '\0';
	return good && now_s < strtoul(until, NULL, 16);
}

/* What clients say */

/* A string of the object, in bytes that the caller frees; empty where there is none. */
static struct eio_buf
said_string(struct eio_bytes auth, struct eio_bytes pointer)
{
	struct eio_buf out = { 0 };
	struct eio_bytes json;

	if (auth.p && sio_json_find(auth, pointer, &json) && sio_json_kind(json) == SIO_JSON_STRING)
		sio_json_unescape(&out, json);
	return out;
}

static void
wipe(struct eio_buf *b)
{
	if (b->p) explicit_bzero(b->p, b->n);
	eio_buf_deinit(b);
}

/* Whether it is the name; *open: there is none. */
static bool
is_username(struct auth_login *l, struct eio_bytes said, bool *open)
{
	bool good;

	uv_mutex_lock(&l->lock);
	*open = !l->username;
	good = l->username && said.n == strlen(l->username) && auth_same(said.p, l->username, said.n);
	uv_mutex_unlock(&l->lock);
	return good;
}

/* Whether a password is said that could be one: a C string, and not an empty one. */
static bool
is_password_said(struct eio_bytes auth)
{
	struct eio_buf password = said_string(auth, EIO_LIT("/password"));
	bool good = !eio_buf_failed(&password) && password.n && password.n <= AUTH_LOGIN_PASSWORD &&
		    !memchr(password.p, '\0', password.n);

	wipe(&password);
	return good;
}

enum auth_login_answer
auth_login_look(struct auth_login *l, struct eio_bytes auth, uint64_t now_s)
{
	struct eio_buf session = said_string(auth, EIO_LIT("/sessionId"));
	struct eio_buf username = said_string(auth, EIO_LIT("/username"));
	enum auth_login_answer answer = AUTH_LOGIN_WRONG;
	bool open, named;

	CHECK_MAGIC(l, LOGIN_MAGIC);
	named = is_username(l, eio_buf_failed(&username) ? eio_bytes("", 0) : eio_buf_bytes(&username), &open);
	if (open)
		answer = AUTH_LOGIN_OPEN;
	else if (!eio_buf_failed(&session) && is_session(l, eio_buf_bytes(&session), now_s))
		answer = AUTH_LOGIN_KNOWN;
	else if (named && is_password_said(auth))
		answer = AUTH_LOGIN_PASSWORD_SAID;
	eio_buf_deinit(&session);
	eio_buf_deinit(&username);
	return answer;
}

/* Checks */

static struct auth_check *
check_new(struct eio_bytes password)
{
	struct auth_check *c = calloc(1, sizeof *c + password.n + 1);

	if (!c) return NULL;
	eio_list_init(&c->link);
	c->n = password.n;
	memcpy(c->password, password.p, password.n);
	return c;
}

void
auth_check_free(struct auth_check *c)
{
	explicit_bzero(c->password, c->n);
	free(c->hash);
	free(c);
}

/* False: too many wait, or memory is out. */
static bool
queue_check(struct auth_login *l, struct auth_check *c)
{
	bool room;

	uv_mutex_lock(&l->lock);
	c->hash = l->hash ? strdup(l->hash) : NULL;
	room = c->hash && l->n < AUTH_LOGIN_QUEUE && !l->stops;
	if (room) {
		eio_list_add_tail(&l->queue, &c->link);
		l->n++;
		uv_cond_signal(&l->more);
	}
	uv_mutex_unlock(&l->lock);
	return room;
}

struct auth_check *
auth_login_check(struct auth_login *l, struct eio_bytes auth, const struct mail_port *port, void *asker)
{
	struct eio_buf password = said_string(auth, EIO_LIT("/password"));
	struct auth_check *c = eio_buf_failed(&password) ? NULL : check_new(eio_buf_bytes(&password));

	CHECK_MAGIC(l, LOGIN_MAGIC);
	wipe(&password);
	if (!c) return NULL;
	c->port = port;
	c->asker = asker;
	if (queue_check(l, c)) return c;
	auth_check_free(c);
	return NULL;
}

void
auth_check_forget(struct auth_login *l, struct auth_check *c)
{
	bool waits;

	CHECK_MAGIC(l, LOGIN_MAGIC);
	c->asker = NULL;
	uv_mutex_lock(&l->lock);
	waits = !eio_list_empty(&c->link);
	if (waits) {
		eio_list_remove(&c->link);
		l->n--;
	}
	uv_mutex_unlock(&l->lock);
	if (waits) auth_check_free(c);
}
