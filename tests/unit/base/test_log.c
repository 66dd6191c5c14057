/* SPDX-License-Identifier: MIT */
/* The log: one line per event, whatever a peer's bytes are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* stderr goes into a pipe while a line is written. */
static int saved, ends[2];

static void
begin(void)
{
	assert_int_equal(pipe(ends), 0);
	saved = dup(STDERR_FILENO);
	assert_true(saved >= 0 && dup2(ends[1], STDERR_FILENO) >= 0);
}

static const char *
end(void)
{
	static char text[8192];
	ssize_t n;

	dup2(saved, STDERR_FILENO);
	close(saved);
	close(ends[1]);
	n = read(ends[0], text, sizeof text - 1);
	close(ends[0]);
	assert_true(n >= 0);
	text[n] = '\0';
	return text;
}

static void
a_line(void **state)
{
	const char *text;
	int year, used = 0;

	(void)state;
	begin();
	log_info("conn=%d event=%s", 7, "open\nforged");
	text = end();
	assert_int_equal(sscanf(text, "%4d-%*2d-%*2dT%*2d:%*2d:%*2d.%*3dZ info  %n", &year, &used), 1);
	assert_true(year >= 2024 && used == 31);
	assert_string_equal(text + used, "conn=7 event=open forged\n");
}

/* For a line that is not written: its arguments are not evaluated. */
static struct log_limit *
no_limit(void)
{
	fail();
	return NULL;
}

static void
levels(void **state)
{
	(void)state;
	begin();
	LOG_DEBUG_LIMITED(no_limit(), 0, "not this");
	log_set_level(LOG_LEVEL_ERROR);
	log_info("nor this");
	log_warn("nor this");
	assert_string_equal(end(), "");
	begin();
	log_error_errno(ENOENT, "event=x");
	assert_string_equal(end() + 25, "error event=x error=\"no such file or directory\"\n");
	log_set_level(LOG_LEVEL_INFO);
	assert_true(log_enabled(LOG_LEVEL_INFO) && !log_enabled(LOG_LEVEL_DEBUG));
}

static void
long_lines_are_cut(void **state)
{
	char big[6000];
	const char *text;

	(void)state;
	memset(big, 'x', sizeof big - 1);
	big[sizeof big - 1] = '\0';
	begin();
	log_error_errno(-EPIPE, "%s", big);
	text = end();
	assert_int_equal(strlen(text), 4096);
	assert_int_equal(text[4095], '\n');
}

static void
escaping(void **state)
{
	char out[12], four[4];

	(void)state;
	assert_string_equal(log_escape(EIO_LIT("a b"), out, sizeof out), "a b");
	assert_string_equal(log_escape(EIO_LIT("\"\\\n"), out, sizeof out), "\\x22\\x5c...");
	assert_string_equal(LOG_ESCAPE(EIO_LIT("\"\\\n\xff")), "\\x22\\x5c\\x0a\\xff");
	assert_string_equal(log_escape(EIO_LIT("12345678901"), out, sizeof out), "12345678901");
	assert_string_equal(log_escape(EIO_LIT("123456789012"), out, sizeof out), "12345678...");
	assert_string_equal(log_escape(EIO_LIT("abcd"), four, sizeof four), "...");
	assert_string_equal(log_escape(EIO_LIT("abc"), four, sizeof four), "abc");
	assert_string_equal(log_escape(EIO_LIT(""), four, sizeof four), "");
	/* No length overflows, wherever the cut falls. */
	for (size_t size = 4; size < 40; size++) {
		char s[40];

		log_escape(EIO_LIT("ab\x01\x02gh\x03ijk\x04mno\x05"), s, size);
		assert_true(strlen(s) < size);
	}
}

static void
limits(void **state)
{
	struct log_limit l = { 0 };
	uint64_t left_out = 99;

	(void)state;
	for (int i = 0; i < LOG_LIMIT_BURST; i++) assert_true(log_limit_pass(&l, 1000, &left_out));
	assert_int_equal(left_out, 0);
	for (int i = 0; i < 7; i++) assert_false(log_limit_pass(&l, 1000 + LOG_LIMIT_MS - 1, &left_out));
	assert_true(log_limit_pass(&l, 1000 + LOG_LIMIT_MS, &left_out));
	assert_int_equal(left_out, 7);
	assert_true(log_limit_pass(&l, 1000 + LOG_LIMIT_MS, &left_out));
	assert_int_equal(left_out, 0);
}

/* Four more lines of the burst, then one that says what was left out; none has the limit of what was not written. */
static void
check_lines(const char *text)
{
	static const char *const expected[] = { "n=1 suppressed=0\n", "n=2 suppressed=0\n", "n=3 suppressed=0\n",
		"n=4 suppressed=0\n", "n=last suppressed=3\n" };

	for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
		assert_memory_equal(text + 25, "debug ", 6);
		text += 31;
		assert_memory_equal(text, expected[i], strlen(expected[i]));
		text += strlen(expected[i]);
	}
	assert_string_equal(text, "");
}

/* Of a kind of line, at any level, and with what was left out. */
static void
limited_lines(void **state)
{
	struct log_limit l = { 0 };

	(void)state;
	begin();
	for (int i = 0; i < LOG_LIMIT_BURST; i++) log_limited(LOG_LEVEL_DEBUG, &l, 1000, "event=off");
	assert_string_equal(end(), "");
	begin();
	log_limited(LOG_LEVEL_WARN, &l, 1000, "event=%s", "x");
	assert_string_equal(end() + 25, "warn  event=x suppressed=0\n");
	log_set_level(LOG_LEVEL_DEBUG);
	begin();
	for (int i = 1; i < LOG_LIMIT_BURST + 3; i++) LOG_DEBUG_LIMITED(&l, 1000, "n=%d", i);
	LOG_DEBUG_LIMITED(&l, 1000 + LOG_LIMIT_MS, "n=last");
	log_set_level(LOG_LEVEL_INFO);
	check_lines(end());
}

/* Writes lines until one is dropped, and gives how many were written before. */
static unsigned
fill(const char *text)
{
	uint64_t before = log_dropped();

	for (unsigned n = 0; n < 10000000; n++) {
		log_info("%s", text);
		if (log_dropped() > before) return n;
	}
	fail_msg("nothing is ever dropped");
	return 0;
}

/* Counts whole lines that end in a text, and gives the number in the line about what was dropped, which there is
 * once. */
static unsigned
read_all(int fd, const char *text, unsigned long *told)
{
	static char buf[1 << 22];
	size_t n = 0;
	unsigned lines = 0;
	ssize_t k;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	while ((k = read(fd, buf + n, sizeof buf - 1 - n)) > 0) n += (size_t)k;
	buf[n] = '\0';
	*told = 0;
	for (char *line = buf, *end; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		if (strstr(line, "event=log-lines-dropped")) {
			assert_int_equal(*told, 0);
			assert_int_equal(sscanf(strstr(line, "lines="), "lines=%lu", told), 1);
		} else {
			assert_true(end - line >= 32);
			assert_string_equal(line + 31, text);
			lines++;
		}
	}
	return lines;
}

/* Nobody reads a pipe or a socket, and it is full: nothing waits, what is dropped is counted, and told when there is
 * room again. Lines that are too long for the room that is left are no half ones. */
static void
check_unread(bool socket, bool opened, size_t size)
{
	static char text[4000];
	unsigned long told;
	unsigned n;
	int fds[2];

	memset(text, 'x', size);
	text[size] = '\0';
	if (socket)
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	else
		assert_int_equal(pipe(fds), 0);
	saved = dup(STDERR_FILENO);
	assert_true(saved >= 0);
	dup2(fds[1], STDERR_FILENO);
	if (opened) log_open();
	alarm(60);
	n = fill(text);
	for (int i = 0; i < 9; i++) log_info("%s", text);
	alarm(0);
	assert_in_range(read_all(fds[0], text, &told), n - 1, n);
	assert_int_equal(told, 0);
	log_info("%s", text);
	/* The one that was cut, if any, goes before what is told. */
	assert_in_range(read_all(fds[0], text, &told), 1, 2);
	assert_int_equal(told, 10);
	log_info("%s", text);
	assert_int_equal(read_all(fds[0], text, &told), 1);
	assert_int_equal(told, 0);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(fds[0]);
	close(fds[1]);
}

/* In processes of their own: what stderr is is looked at once. */
static void
unread(void **state)
{
	static const size_t sizes[] = { 1, 100, 3000 };

	(void)state;
	for (int way = 0; way < 4; way++) {
		for (size_t i = 0; i < 3; i++) {
			int status;
			pid_t child;

			/* A socket can only be told when it was looked at. */
			if (way == 2) continue;
			child = fork();
			if (child == 0) {
				check_unread(way & 2, way & 1, sizes[i]);
				_exit(0);
			}
			assert_int_equal(waitpid(child, &status, 0), child);
			assert_int_equal(status, 0);
		}
	}
}

/* Runs a check in a process of its own: where the log goes is said once. */
static void
apart(void (*check)(void))
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		check();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void
name_journal(int fd, uintmax_t inode_more)
{
	char text[64];
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	snprintf(text, sizeof text, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino + inode_more);
	setenv("JOURNAL_STREAM", text, 1);
}

/* Every way to write a line, in one form: each with its priority and none with a time. */
static void
write_all_ways(void)
{
	struct log_limit limit = { 0 };

	log_info("n=1");
	log_warn("n=2");
	log_error("n=3");
	log_error_errno(EPERM, "n=4");
	log_limited(LOG_LEVEL_WARN, &limit, 1000, "n=5");
	LOG_DEBUG_LIMITED(&limit, 1000, "n=6");
	log_access("n=7");
}

static void
check_journal(void)
{
	begin();
	name_journal(STDERR_FILENO, 0);
	log_open();
	log_set_level(LOG_LEVEL_DEBUG);
	write_all_ways();
	log_set_format(LOG_FORMAT_JSON);
	write_all_ways();
	assert_string_equal(end(),
		"<6>info  n=1\n<4>warn  n=2\n<3>error n=3\n<3>error n=4 error=\"operation not permitted\"\n"
		"<4>warn  n=5 suppressed=0\n<7>debug n=6 suppressed=0\n<6>info  n=7\n"
		"<6>{\"level\":\"info\",\"n\":\"1\"}\n<4>{\"level\":\"warn\",\"n\":\"2\"}\n"
		"<3>{\"level\":\"error\",\"n\":\"3\"}\n"
		"<3>{\"level\":\"error\",\"n\":\"4\",\"error\":\"operation not permitted\"}\n"
		"<4>{\"level\":\"warn\",\"n\":\"5\",\"suppressed\":\"0\"}\n"
		"<7>{\"level\":\"debug\",\"n\":\"6\",\"suppressed\":\"0\"}\n<6>{\"level\":\"info\",\"n\":\"7\"}\n");
}

/* Another stream of the journal's, such as that of the shell where it was started. */
static void
check_other_journal(void)
{
	begin();
	name_journal(STDERR_FILENO, 1);
	log_open();
	log_info("n=1");
	assert_string_equal(end() + 25, "info  n=1\n");
}

static void
journal(void **state)
{
	(void)state;
	apart(check_journal);
	apart(check_other_journal);
}

static void
expect_file(const char *path, const char *text)
{
	char got[1000];
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	n = fread(got, 1, sizeof got - 1, f);
	got[n] = '\0';
	fclose(f);
	assert_true(n > 25);
	assert_string_equal(got + 25, text);
}

static void
expect_end_of_file(const char *path, const char *text)
{
	char got[512];
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	n = fread(got, 1, sizeof got - 1, f);
	got[n] = '\0';
	fclose(f);
	assert_true(n >= strlen(text));
	assert_string_equal(got + n - strlen(text), text);
}

static void
check_file(void)
{
	const char *failed = NULL;
	char folder[] = "/tmp/siocast-test-XXXXXX", path[64], old[64];
	struct stat st;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/log", folder);
	snprintf(old, sizeof old, "%s/log.1", folder);
	umask(0);
	begin();
	name_journal(STDERR_FILENO, 0);
	log_open();
	assert_int_equal(log_reopen(&failed), 0);
	assert_int_equal(log_set_file("/nonexistent/log"), ENOENT);
	assert_int_equal(log_set_file(path), 0);
	log_info("n=1");
	expect_file(path, "info  n=1\n");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(log_give_files(getuid(), getgid(), &failed), 0);
	/* Until it is told the one that was moved away is written on. */
	assert_int_equal(rename(path, old), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(log_reopen(&failed), EISDIR);
	assert_string_equal(failed, path);
	log_info("n=2");
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(log_reopen(&failed), 0);
	log_info("n=3");
	expect_file(path, "info  n=3\n");
	assert_int_equal(stat(old, &st), 0);
	assert_int_equal(st.st_size, 2 * 35);
	assert_string_equal(end(), "");
	unlink(path);
	unlink(old);
	rmdir(folder);
}

/* The access log: in the log as long as it has no file, then in that, whatever the level and whatever stderr is. */
static void
check_access(void)
{
	char folder[] = "/tmp/siocast-test-XXXXXX", path[64], old[64];
	const char *failed = NULL;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/access", folder);
	snprintf(old, sizeof old, "%s/access.1", folder);
	begin();
	name_journal(STDERR_FILENO, 0);
	log_open();
	log_access("n=%d", 1);
	log_set_level(LOG_LEVEL_WARN);
	log_access("n=2");
	assert_int_equal(log_set_access_file("/nonexistent/log"), ENOENT);
	assert_int_equal(log_set_access_file(path), 0);
	log_access("n=3 a=\"%s\"", "b\nc");
	log_warn("n=4");
	expect_file(path, "info  n=3 a=\"b c\"\n");
	assert_int_equal(rename(path, old), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(log_reopen(&failed), EISDIR);
	assert_string_equal(failed, path);
	log_access("n=5");
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(log_reopen(&failed), 0);
	log_set_format(LOG_FORMAT_JSON);
	log_access("n=6");
	expect_end_of_file(path, "Z\",\"level\":\"info\",\"n\":\"6\"}\n");
	assert_string_equal(end(), "<6>info  n=1\n<4>warn  n=4\n");
	unlink(path);
	unlink(old);
	rmdir(folder);
}

static void
file(void **state)
{
	(void)state;
	apart(check_file);
	apart(check_access);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line),
		cmocka_unit_test(levels),
		cmocka_unit_test(long_lines_are_cut),
		cmocka_unit_test(escaping),
		cmocka_unit_test(limits),
		cmocka_unit_test(limited_lines),
		cmocka_unit_test(unread),
		cmocka_unit_test(journal),
		cmocka_unit_test(file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
