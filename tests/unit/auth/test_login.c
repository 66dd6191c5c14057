/* SPDX-License-Identifier: MIT */
/* Passwords and sessions. The hashes were made by bcryptjs 2.4.3. Run under TSan, too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/auth/login.h"
#include "tests/unit/failmalloc.h"

#include <stdlib.h>
#include <string.h>

static const char hash[] = "$2a$04$yzCcZYjutC3pnympeNiV0.MaAKSAndvD3UkRfPoCrnjUxrawGVPXK";
static const char other_hash[] = "$2a$04$hts.C0K3ywtziYFVodC3Ku9cvyMXlgf3XFCzdmOiorD1mfbcQlnW2";
static const struct auth_login_spec spec = { .username = "admin", .hash = hash };

enum { NOW = 1700000000 };

static void
hashes(void **state)
{
	static const struct {
		int line;
		const char *hash, *error; /* a part of it; NULL: there is none */
	} v[] = {
		{ __LINE__, hash, NULL },
		{ __LINE__, "$2b$16$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy", NULL },
		{ __LINE__, "$2y$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy", NULL },
		{ __LINE__, "", "begins with" },
		{ __LINE__, "$2x$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy", "begins with" },
		{ __LINE__, "$6$salt$hash", "begins with" },
		{ __LINE__, "$2b$", "60 characters" },
		{ __LINE__, "$2b$1x$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy", "60 characters" },
		{ __LINE__, "$2b$100N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy", "60 characters" },
		{ __LINE__, "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lh-y", "60 characters" },
		{ __LINE__, "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy ", "60 characters" },
		{ __LINE__, "$2b$03$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy", "below 4" },
		{ __LINE__, "$2b$17$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy", "above 16" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
		const char *error = auth_login_hash_error(v[i].hash);

		if (!error != !v[i].error || (error && !strstr(error, v[i].error)))
			fail_msg("line %d: %s", v[i].line, error ? error : "nothing");
	}
}

static enum auth_login_answer
look(struct auth_login *l, const char *auth)
{
	return auth_login_look(l, auth ? eio_cstr(auth) : eio_bytes(NULL, 0), NOW);
}

/* What is said before anything is checked. */
static void
said(void **state)
{
	static const struct {
		int line;
		const char *auth;
		enum auth_login_answer answer;
	} v[] = {
		{ __LINE__, "{\"username\":\"admin\",\"password\":\"x\"}", AUTH_LOGIN_PASSWORD_SAID },
		{ __LINE__, "{\"username\":\"\\u0061dmin\",\"password\":\"\\u00e9\"}", AUTH_LOGIN_PASSWORD_SAID },
		{ __LINE__, "{\"username\":\"admin\",\"password\":\"x\",\"sessionId\":null}",
			AUTH_LOGIN_PASSWORD_SAID },
		{ __LINE__, "{\"username\":\"admin\",\"password\":\"\"}", AUTH_LOGIN_WRONG },
		{ __LINE__, "{\"username\":\"admin\",\"password\":\"a\\u0000b\"}", AUTH_LOGIN_WRONG },
		{ __LINE__, "{\"username\":\"admin\",\"password\":[\"x\"]}", AUTH_LOGIN_WRONG },
		{ __LINE__, "{\"username\":\"admin\"}", AUTH_LOGIN_WRONG },
		{ __LINE__, "{\"username\":\"admin\\u0000\",\"password\":\"x\"}", AUTH_LOGIN_WRONG },
		{ __LINE__, "{\"username\":\"Admin\",\"password\":\"x\"}", AUTH_LOGIN_WRONG },
		{ __LINE__, "{\"username\":\"admi\",\"password\":\"x\"}", AUTH_LOGIN_WRONG },
		{ __LINE__, "{\"password\":\"x\"}", AUTH_LOGIN_WRONG },
		{ __LINE__, "{\"sessionId\":\"0123456789abcdef0123456789abcdef0123456789abcdef01234567\"}",
			AUTH_LOGIN_WRONG },
		{ __LINE__, "{}", AUTH_LOGIN_WRONG },
		{ __LINE__, NULL, AUTH_LOGIN_WRONG },
	};
	struct auth_login *l = auth_login_new(&spec);
	struct eio_buf long_one = { 0 };

	(void)state;
	assert_non_null(l);
	for (size_t i = 0; i < sizeof v / sizeof v[0]; i++)
		if (look(l, v[i].auth) != v[i].answer) fail_msg("line %d", v[i].line);
	EIO_BUF_ADD_LIT(&long_one, "{\"username\":\"admin\",\"password\":\"");
	for (int i = 0; i < AUTH_LOGIN_PASSWORD; i++) eio_buf_addc(&long_one, 'x');
	EIO_BUF_ADD_LIT(&long_one, "\"}");
	assert_int_equal(auth_login_look(l, eio_buf_bytes(&long_one), NOW), AUTH_LOGIN_PASSWORD_SAID);
	long_one.n -= 2;
	EIO_BUF_ADD_LIT(&long_one, "x\"}");
	assert_int_equal(auth_login_look(l, eio_buf_bytes(&long_one), NOW), AUTH_LOGIN_WRONG);
	eio_buf_deinit(&long_one);
	assert_int_equal(auth_login_set(l, &(struct auth_login_spec){ .username = NULL }), 1);
	assert_int_equal(look(l, "{}"), AUTH_LOGIN_OPEN);
	assert_int_equal(look(l, NULL), AUTH_LOGIN_OPEN);
	auth_login_free(l);
}

/* {"sessionId":"…"} of a new session; static. */
static char *
session_of(struct auth_login *l)
{
	static char text[2][AUTH_LOGIN_SESSION + 32];
	static int turn;
	struct eio_buf b = { 0 };

	turn = !turn;
	auth_login_session(l, NOW, &b);
	assert_false(eio_buf_failed(&b));
	assert_int_equal(b.n, AUTH_LOGIN_SESSION);
	snprintf(text[turn], sizeof text[turn], "{\"sessionId\":\"%.*s\"}", (int)b.n, b.p);
	eio_buf_deinit(&b);
	return text[turn];
}

static void
sessions(void **state)
{
	struct auth_login *l = auth_login_new(&spec), *other = auth_login_new(&spec);
	const struct auth_login_spec renamed = { .username = "root", .hash = hash };
	const struct auth_login_spec rehashed = { .username = "admin", .hash = other_hash };
	size_t from = sizeof "{\"sessionId\":\"" - 1;
	char *one = session_of(l), *two = session_of(l), kept[AUTH_LOGIN_SESSION + 32];

	(void)state;
	assert_string_not_equal(one, two);
	assert_int_equal(look(l, one), AUTH_LOGIN_KNOWN);
	assert_int_equal(look(l, two), AUTH_LOGIN_KNOWN);
	assert_int_equal(look(other, one), AUTH_LOGIN_WRONG);
	assert_int_equal(auth_login_look(l, eio_cstr(one), NOW + AUTH_LOGIN_SESSION_S - 1), AUTH_LOGIN_KNOWN);
	assert_int_equal(auth_login_look(l, eio_cstr(one), NOW + AUTH_LOGIN_SESSION_S), AUTH_LOGIN_WRONG);
	/* No character of it may be another one. */
	for (size_t i = from; i < from + AUTH_LOGIN_SESSION; i++) {
		strcpy(kept, one);
		kept[i] = kept[i] == '0' ? '1' : '0';
		assert_int_equal(look(l, kept), AUTH_LOGIN_WRONG);
	}
	strcpy(kept, one);
	assert_int_equal(auth_login_set(l, &spec), 0);
	assert_int_equal(look(l, kept), AUTH_LOGIN_KNOWN);
	assert_int_equal(auth_login_set(l, &renamed), 1);
	assert_int_equal(look(l, kept), AUTH_LOGIN_WRONG);
	assert_int_equal(auth_login_set(l, &rehashed), 1);
	assert_int_equal(look(l, kept), AUTH_LOGIN_WRONG);
	assert_int_equal(auth_login_set(l, &spec), 1);
	assert_int_equal(look(l, kept), AUTH_LOGIN_KNOWN);
	auth_login_free(l);
	auth_login_free(other);
}

/* Who shares a secret shares sessions, of the same name and hash. */
static void
shared_sessions(void **state)
{
	struct auth_login_spec shared = spec;
	struct auth_login *a, *b;

	(void)state;
	shared.secret = EIO_LIT("a secret of several servers");
	a = auth_login_new(&shared);
	b = auth_login_new(&shared);
	assert_int_equal(look(b, session_of(a)), AUTH_LOGIN_KNOWN);
	shared.hash = other_hash;
	auth_login_set(b, &shared);
	assert_int_equal(look(b, session_of(a)), AUTH_LOGIN_WRONG);
	auth_login_free(a);
	auth_login_free(b);
}

/* Checks, on a loop that stands for a worker's. */

struct asking {
	struct mailbox mailbox;
	struct mail_port port;
	uv_loop_t loop;
	struct auth_login *login;
	int told, good, forgotten, wanted;
};

static void
take_told(void *user, struct mail *run)
{
	struct asking *a = user;
	struct mail *next;

	for (struct mail *m = run; m; m = next) {
		struct auth_check *c = EIO_CONTAINER(m, struct auth_check, mail);

		next = m->next;
		a->told++;
		if (!c->asker)
			a->forgotten++;
		else
			a->good += c->good;
		auth_check_free(c);
	}
	if (a->told == a->wanted) uv_stop(&a->loop);
}

static void
open_asking(struct asking *a)
{
	*a = (struct asking){ .told = 0 };
	assert_int_equal(uv_loop_init(&a->loop), 0);
	assert_int_equal(mailbox_open(&a->mailbox, &a->loop), 0);
	a->port = (struct mail_port){ &a->mailbox, take_told, a };
	a->login = auth_login_new(&spec);
	assert_non_null(a->login);
}

static void
close_asking(struct asking *a)
{
	auth_login_stop(a->login);
	mailbox_close(&a->mailbox);
	uv_run(&a->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&a->loop), 0);
	auth_login_free(a->login);
}

static struct auth_check *
check(struct asking *a, const char *password)
{
	char auth[128];

	snprintf(auth, sizeof auth, "{\"username\":\"admin\",\"password\":\"%s\"}", password);
	return auth_login_check(a->login, eio_cstr(auth), &a->port, a);
}

static int
good_of(struct asking *a, const char *password)
{
	a->wanted = a->told + 1;
	a->good = 0;
	assert_non_null(check(a, password));
	uv_run(&a->loop, UV_RUN_DEFAULT);
	return a->good;
}

static void
checks(void **state)
{
	static const char renamed[] = "$2y$04$yzCcZYjutC3pnympeNiV0.MaAKSAndvD3UkRfPoCrnjUxrawGVPXK";
	struct asking a;

	(void)state;
	open_asking(&a);
	assert_int_equal(auth_login_start(a.login), 0);
	assert_int_equal(good_of(&a, "p\\u00e4\\\"ss"), 1);
	assert_int_equal(good_of(&a, "p\xc3\xa4\\\"ss"), 1);
	assert_int_equal(good_of(&a, "p\xc3\xa4\\\"s"), 0);
	assert_int_equal(good_of(&a, "p\xc3\xa4\\\"sss"), 0);
	assert_int_equal(auth_login_set(a.login, &(struct auth_login_spec){ .username = "admin", .hash = renamed }), 1);
	assert_int_equal(good_of(&a, "p\xc3\xa4\\\"ss"), 1);
	assert_int_equal(
		auth_login_set(a.login, &(struct auth_login_spec){ .username = "admin", .hash = other_hash }), 1);
	assert_int_equal(good_of(&a, "p\xc3\xa4\\\"ss"), 0);
	assert_int_equal(good_of(&a, "other"), 1);
	close_asking(&a);
}

/* So many may wait, and who leaves makes room. */
static void
full_queue(void **state)
{
	struct auth_check *c[AUTH_LOGIN_QUEUE];
	struct asking a;

	(void)state;
	open_asking(&a);
	for (int i = 0; i < AUTH_LOGIN_QUEUE; i++) assert_non_null(c[i] = check(&a, i % 2 ? "x" : "p\xc3\xa4\\\"ss"));
	assert_null(check(&a, "x"));
	auth_check_forget(a.login, c[3]);
	assert_non_null(c[3] = check(&a, "x"));
	assert_null(check(&a, "x"));
	a.wanted = AUTH_LOGIN_QUEUE;
	assert_int_equal(auth_login_start(a.login), 0);
	uv_run(&a.loop, UV_RUN_DEFAULT);
	assert_int_equal(a.good, AUTH_LOGIN_QUEUE / 2);
	close_asking(&a);
}

/* One that has begun comes back, to nobody. */
static void
left_while_checked(void **state)
{
	struct asking a;

	(void)state;
	open_asking(&a);
	assert_int_equal(auth_login_start(a.login), 0);
	for (int i = 0; i < 20; i++) {
		struct auth_check *c = check(&a, "x");

		assert_non_null(c);
		if (i % 2) uv_sleep(1); /* mostly it has begun by then, which makes no difference to be seen */
		auth_check_forget(a.login, c);
	}
	close_asking(&a);
	assert_int_equal(a.told, a.forgotten);
}

/* Memory */

static int
make_login(void)
{
	struct auth_login *l = auth_login_new(&spec);
	struct eio_buf b = { 0 };
	int rc = -1;

	if (!l) return -1;
	auth_login_session(l, NOW, &b);
	if (!eio_buf_failed(&b)) rc = auth_login_set(l, &(struct auth_login_spec){ "root", other_hash, { "", 0 } });
	eio_buf_deinit(&b);
	auth_login_free(l);
	return rc < 0 ? -1 : 0;
}

static void
no_memory(void **state)
{
	(void)state;
	failmalloc_every(make_login, -1, 5);
}

/* Nobody is let in by a failure. */
static void
no_memory_lets_in_nobody(void **state)
{
	struct asking a;
	char good[AUTH_LOGIN_SESSION + 32];

	(void)state;
	open_asking(&a);
	strcpy(good, session_of(a.login));
	for (long n = 0, failed = 1; failed; n++) {
		enum auth_login_answer answer;

		failmalloc_arm(n);
		answer = look(a.login, good);
		failed = failmalloc_disarm();
		assert_true(answer == AUTH_LOGIN_KNOWN || (failed && answer == AUTH_LOGIN_WRONG));
	}
	for (long n = 0, failed = 1; failed; n++) {
		struct auth_check *c;

		failmalloc_arm(n);
		c = check(&a, "x");
		failed = failmalloc_disarm();
		assert_true(failed ? !c : c != NULL);
		if (c) auth_check_forget(a.login, c);
	}
	close_asking(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes),
		cmocka_unit_test(said),
		cmocka_unit_test(sessions),
		cmocka_unit_test(shared_sessions),
		cmocka_unit_test(checks),
		cmocka_unit_test(full_queue),
		cmocka_unit_test(left_while_checked),
		cmocka_unit_test(no_memory),
		cmocka_unit_test(no_memory_lets_in_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
