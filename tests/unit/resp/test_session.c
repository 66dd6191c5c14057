/* SPDX-License-Identifier: MIT */
/* Conversations with the intake: what is answered, and what is published. tests/e2e/intake-redis compares the answers
 * with those of a Redis. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "eio/check.h"
#include "src/resp/session.h"
#include "tests/unit/failmalloc.h"

#define WORKS ":3\r\n"

static struct resp_spec spec = { .user = "default", .message_bytes = 100 };
static struct resp_tally tally;
static struct eio_buf published, answers;

/* What comes of it is in `published`, as channel=payload; and in `answers`. */
static enum resp_event
say(struct resp_session *s, struct eio_bytes in)
{
	struct resp_publication p;
	enum resp_event event;

	eio_buf_clear(&published);
	eio_buf_clear(&answers);
	resp_reader_feed(&s->reader, in);
	do {
		event = resp_session_next(s, &p);
		if (event == RESP_EVENT_PUBLISH) {
			eio_buf_add(&published, p.channel);
			eio_buf_addc(&published, '=');
			eio_buf_add(&published, p.payload);
			eio_buf_addc(&published, ';');
			resp_session_published(s, 3);
			continue;
		}
		eio_buf_add(&answers, eio_buf_bytes(&s->out));
		eio_buf_clear(&s->out);
	} while (event == RESP_EVENT_PUBLISH || event == RESP_EVENT_FULL);
	return event;
}

static void
begin_session(struct resp_session *s, const char *password)
{
	spec.password = password;
	memset(&tally, 0, sizeof tally);
	resp_session_init(s, &spec, &tally, "1.2", 7);
	s->reader.room = 10000;
}

static void
check_answer(struct resp_session *s, const char *line, const char *wanted)
{
	enum resp_event event = say(s, eio_cstr(line));

	if (!eio_bytes_eq(eio_buf_bytes(&answers), eio_cstr(wanted)))
		fail_msg("%s: %.*s\nwanted: %s", line, (int)answers.n, answers.p, wanted);
	assert_int_equal(event, RESP_EVENT_NONE);
}

static const struct {
	const char *line, *answer;
} vectors[] = {
	{ "PING\n", "+PONG\r\n" },
	{ "ping 'a b'\n", "$3\r\na b\r\n" },
	{ "PING a b\n", "-ERR wrong number of arguments for 'ping' command\r\n" },
	{ "ECHO x\n", "$1\r\nx\r\n" },
	{ "ECHO\n", "-ERR wrong number of arguments for 'echo' command\r\n" },
	{ "PUBLISH a\n", "-ERR wrong number of arguments for 'publish' command\r\n" },
	{ "PUBLISH a b\n", WORKS },
	{ "sPublish a b\n", WORKS },
	{ "SELECT 15\n", "+OK\r\n" },
	{ "SELECT 16\n", "-ERR DB index is out of range\r\n" },
	{ "SELECT -1\n", "-ERR DB index is out of range\r\n" },
	{ "SELECT a\n", "-ERR value is not an integer or out of range\r\n" },
	{ "SELECT 1a\n", "-ERR value is not an integer or out of range\r\n" },
	{ "SELECT 01\n", "-ERR value is not an integer or out of range\r\n" },
	{ "SELECT 99999999999\n", "-ERR value is out of range, value must between -2147483648 and 2147483647\r\n" },
	{ "SELECT 99999999999999999999\n", "-ERR value is not an integer or out of range\r\n" },
	{ "GET a\n", "-ERR unknown command 'GET', with args beginning with: 'a' \r\n" },
	{ "SUBSCRIBE a 'b c'\n", "-ERR unknown command 'SUBSCRIBE', with args beginning with: 'a' 'b c' \r\n" },
	{ "'a\\nb' \"\\r\\n\"\n", "-ERR unknown command 'a\\nb', with args beginning with: '  ' \r\n" },
	{ "\"\" x\n", "-ERR unknown command '', with args beginning with: 'x' \r\n" },
	{ "AUTH x\n",
		"-ERR AUTH <password> called without any password configured for the default user. Are you sure your "
		"configuration is correct?\r\n" },
	{ "AUTH default x\n", "+OK\r\n" },
	{ "AUTH a b c\n", "-ERR syntax error\r\n" },
	{ "AUTH other x\n", "-WRONGPASS invalid username-password pair or user is disabled.\r\n" },
	{ "CLIENT\n", "-ERR wrong number of arguments for 'client' command\r\n" },
	{ "CLIENT ID\n", ":7\r\n" },
	{ "CLIENT ID x\n", "-ERR wrong number of arguments for 'client|id' command\r\n" },
	{ "CLIENT GETNAME\n", "$-1\r\n" },
	{ "CLIENT SETNAME 'a b'\n", "-ERR Client names cannot contain spaces, newlines or special characters.\r\n" },
	{ "CLIENT SETNAME me\n", "+OK\r\n" },
	{ "CLIENT getname\n", "$2\r\nme\r\n" },
	{ "CLIENT NONE\n", "-ERR unknown subcommand 'NONE'. Try CLIENT HELP.\r\n" },
	{ "CLIENT SETINFO lib-name test\n", "+OK\r\n" },
	{ "CLIENT SETINFO lib-ver 1.0\n", "+OK\r\n" },
	{ "CLIENT SETINFO other 1.0\n", "-ERR Unrecognized option 'other'\r\n" },
	{ "CLIENT SETINFO lib-ver '1 0'\n", "-ERR lib-ver cannot contain spaces, newlines or special characters.\r\n" },
	{ "CLIENT INFO\n", "$65\r\nid=7 name=me db=15 resp=2 user=default lib-name=test lib-ver=1.0\n\r\n" },
	{ "CLIENT NO-EVICT on\n", "+OK\r\n" },
	{ "CLIENT NO-EVICT x\n", "-ERR syntax error\r\n" },
	{ "CLIENT REPLY x\n", "-ERR syntax error\r\n" },
	{ "COMMAND COUNT\n", ":12\r\n" },
	{ "COMMAND DOCS\n", "*0\r\n" },
	{ "COMMAND INFO quit nothing\n",
		"*2\r\n*10\r\n$4\r\nquit\r\n:-1\r\n*1\r\n+fast\r\n:0\r\n:0\r\n:0\r\n*0\r\n*0\r\n*0\r\n*0\r\n*-1\r\n" },
	{ "COMMAND NONE\n", "-ERR unknown subcommand 'NONE'. Try COMMAND HELP.\r\n" },
	{ "HELLO x\n", "-ERR Protocol version is not an integer or out of range\r\n" },
	{ "HELLO 1\n", "-NOPROTO unsupported protocol version\r\n" },
	{ "HELLO 4\n", "-NOPROTO unsupported protocol version\r\n" },
	{ "HELLO 3 AUTH x\n", "-ERR Syntax error in HELLO option 'AUTH'\r\n" },
	{ "HELLO 3 SETNAME\n", "-ERR Syntax error in HELLO option 'SETNAME'\r\n" },
	{ "HELLO 3 setname 'a b'\n", "-ERR Client names cannot contain spaces, newlines or special characters.\r\n" },
	{ "HELLO\n",
		"*14\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.0.0\r\n$5\r\nproto\r\n:2\r\n$2\r\nid\r\n:7\r\n"
		"$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n" },
	{ "HELLO 3 AUTH default any SETNAME you\n",
		"%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.0.0\r\n$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:7\r\n"
		"$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n" },
	{ "CLIENT GETNAME\n", "$3\r\nyou\r\n" },
	{ "COMMAND INFO x\n", "*1\r\n_\r\n" },
	{ "COMMAND DOCS x\n", "%0\r\n" },
	{ "RESET\n", "+RESET\r\n" },
	{ "CLIENT GETNAME\n", "$-1\r\n" },
	{ "ECHO 01234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890\n",
		"-ERR 101 bytes are more than limits.messageBytes, 100\r\n" },
};

static void
conversation(void **state)
{
	struct resp_session s;

	(void)state;
	begin_session(&s, NULL);
	for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++)
		check_answer(&s, vectors[i].line, vectors[i].answer);
	assert_int_equal(tally.commands[RESP_COMMAND_SELECT], 8);
	assert_int_equal(tally.errors[RESP_ERROR_PASSWORD], 1);
	assert_int_equal(tally.errors[RESP_ERROR_TOO_LONG], 1);
	assert_int_equal(tally.errors[RESP_ERROR_UNKNOWN], 6);
	assert_int_equal(tally.commands[RESP_COMMAND_OTHER], 4);
	resp_session_deinit(&s);
}

/* In their order, with what is asked between. */
static void
publishing(void **state)
{
	struct resp_session s;

	(void)state;
	begin_session(&s, NULL);
	assert_int_equal(
		say(&s, EIO_LIT("PUBLISH a 1\nPING\n*3\r\n$7\r\npublish\r\n$1\r\nb\r\n$2\r\n2\n\r\nSPUBLISH c 3\nGET")),
		RESP_EVENT_NONE);
	assert_true(eio_bytes_eq(eio_buf_bytes(&published), EIO_LIT("a=1;b=2\n;c=3;")));
	assert_true(eio_bytes_eq(eio_buf_bytes(&answers), EIO_LIT(WORKS "+PONG\r\n" WORKS WORKS)));
	resp_session_deinit(&s);
}

/* Nothing but the right password lets anybody in; before it there is AUTH, HELLO and an end. */
static void
passwords(void **state)
{
	static const char no[] = "-NOAUTH Authentication required.\r\n",
			  wrong[] = "-WRONGPASS invalid username-password pair or user is disabled.\r\n";
	struct resp_session s;

	(void)state;
	begin_session(&s, "secret");
	check_answer(&s, "PUBLISH a b\n", no);
	check_answer(&s, "CLIENT ID\n", no);
	check_answer(&s, "PING\n", no);
	check_answer(&s, "NONE\n", "-ERR unknown command 'NONE', with args beginning with: \r\n");
	check_answer(&s, "PUBLISH\n", "-ERR wrong number of arguments for 'publish' command\r\n");
	check_answer(&s, "AUTH secre\n", wrong);
	check_answer(&s, "AUTH secrets\n", wrong);
	check_answer(&s, "AUTH ''\n", wrong);
	check_answer(&s, "AUTH other secret\n", wrong);
	check_answer(&s, "HELLO 3\n",
		"-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> "
		"<pass> option can be used to authenticate the client and select the RESP protocol version at the same "
		"time\r\n");
	check_answer(&s, "HELLO 3 AUTH default x\n", wrong);
	check_answer(&s, "PUBLISH a b\n", no);
	assert_int_equal(published.n, 0);
	check_answer(&s, "AUTH secret\n", "+OK\r\n");
	check_answer(&s, "PUBLISH a b\n", WORKS);
	check_answer(&s, "RESET\n", "+RESET\r\n");
	check_answer(&s, "PUBLISH a b\n", no);
	check_answer(&s, "AUTH default secret\n", "+OK\r\n");
	check_answer(&s, "PING\n", "+PONG\r\n");
	resp_session_deinit(&s);
}

static void
replies(void **state)
{
	struct resp_session s;

	(void)state;
	begin_session(&s, NULL);
	check_answer(&s, "CLIENT REPLY OFF\nPING\nPUBLISH a b\nNONE\n", "");
	assert_true(eio_bytes_eq(eio_buf_bytes(&published), EIO_LIT("a=b;")));
	check_answer(&s, "CLIENT REPLY SKIP\nCLIENT REPLY ON\nPING\n", "+OK\r\n+PONG\r\n");
	check_answer(&s, "CLIENT REPLY SKIP\nPUBLISH a b\nPING\n", "+PONG\r\n");
	resp_session_deinit(&s);
}

static void
endings(void **state)
{
	struct resp_session s;

	(void)state;
	begin_session(&s, "secret");
	assert_int_equal(say(&s, EIO_LIT("QUIT now\nPUBLISH a b\n")), RESP_EVENT_END);
	assert_true(eio_bytes_eq(eio_buf_bytes(&answers), EIO_LIT("+OK\r\n")));
	resp_session_deinit(&s);
	begin_session(&s, NULL);
	assert_int_equal(say(&s, EIO_LIT("PING\n*x\r\nPUBLISH a b\n")), RESP_EVENT_END);
	assert_true(eio_bytes_eq(
		eio_buf_bytes(&answers), EIO_LIT("+PONG\r\n-ERR Protocol error: invalid multibulk length\r\n")));
	assert_int_equal(published.n, 0);
	assert_int_equal(tally.errors[RESP_ERROR_PROTOCOL], 1);
	resp_session_deinit(&s);
}

/* With enough answers that wait nothing more is looked at. */
static void
full(void **state)
{
	struct resp_publication p;
	struct resp_session s;
	size_t commands = 40;
	char text[41 * 8] = "";

	(void)state;
	begin_session(&s, NULL);
	for (size_t i = 0; i < commands; i++) strcat(text, "COMMAND\n");
	resp_reader_feed(&s.reader, eio_cstr(text));
	eio_buf_reserve(&s.out, RESP_OUT_BYTES);
	s.out.n = RESP_OUT_BYTES - 1;
	assert_int_equal(resp_session_next(&s, &p), RESP_EVENT_FULL);
	assert_int_equal(resp_reader_rest(&s.reader).n, strlen(text) - 8);
	eio_buf_clear(&s.out);
	assert_int_equal(resp_session_next(&s, &p), RESP_EVENT_NONE);
	resp_session_deinit(&s);
}

/* Without memory for an answer the connection ends. */
static void
no_memory(void **state)
{
	struct resp_publication p;
	struct resp_session s;

	(void)state;
	begin_session(&s, NULL);
	resp_reader_feed(&s.reader, EIO_LIT("INFO\nPING\n"));
	failmalloc_arm(0);
	resp_session_next(&s, &p);
	assert_true(failmalloc_disarm());
	resp_session_deinit(&s);
	begin_session(&s, NULL);
	resp_reader_feed(&s.reader, EIO_LIT("*1\r\n$4\r\nPING\r\n"));
	failmalloc_arm(0);
	assert_int_equal(resp_session_next(&s, &p), RESP_EVENT_END);
	assert_true(failmalloc_disarm());
	resp_session_deinit(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conversation),
		cmocka_unit_test(publishing),
		cmocka_unit_test(passwords),
		cmocka_unit_test(replies),
		cmocka_unit_test(endings),
		cmocka_unit_test(full),
		cmocka_unit_test(no_memory),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	eio_buf_deinit(&published);
	eio_buf_deinit(&answers);
	return failed;
}
