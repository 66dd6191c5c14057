/* SPDX-License-Identifier: MIT */
/* Archives in memory and in files: they come back as they were, or it is known that they do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/base/archive_file.h"
#include "tests/unit/failmalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LARGE = 3 << 20 };

static const uint64_t key[2] = { 3, 4 };
static const uint64_t numbers[] = { 0, 1, 127, 128, 16383, 16384, UINT32_MAX, UINT64_MAX - 1, UINT64_MAX };
enum { NUMBERS = sizeof numbers / sizeof numbers[0] };
static char *large;

static bool
put_in_test_buffer(void *user, struct eio_bytes bytes)
{
	eio_buf_add(user, bytes);
	return !eio_buf_failed(user);
}

/* Numbers, a text, and one that is longer than a block, so many times. */
static void
write_records(struct archive_out *out, unsigned times)
{
	for (; times > 0; times--) {
		for (size_t i = 0; i < NUMBERS; i++) archive_number(out, numbers[i]);
		archive_end_record(out);
		archive_text(out, EIO_LIT("some text"));
		archive_text(out, eio_bytes(NULL, 0));
		archive_end_record(out);
		archive_text(out, eio_bytes(large, LARGE));
		archive_end_record(out);
	}
}

static void
check_records(struct archive_in *in, unsigned times)
{
	struct eio_bytes text;

	for (; times > 0; times--) {
		assert_true(archive_next(in));
		for (size_t i = 0; i < NUMBERS; i++) assert_true(archive_take_number(in) == numbers[i]);
		assert_true(archive_next(in));
		text = archive_take_text(in);
		assert_true(eio_bytes_eq(text, EIO_LIT("some text")));
		assert_int_equal(archive_take_text(in).n, 0);
		assert_true(archive_next(in));
		assert_int_equal(archive_take_text(in).n, LARGE);
	}
	assert_false(archive_next(in));
	assert_false(in->bad);
}

static void
make(struct eio_buf *b, unsigned times)
{
	struct archive_out out;

	archive_begin(&out, key, put_in_test_buffer, b);
	write_records(&out, times);
	assert_true(archive_end(&out));
	assert_int_equal(out.bytes, b->n);
}

static void
there_and_back(void **state)
{
	(void)state;
	for (unsigned times = 0; times < 4; times++) {
		struct eio_buf b = { 0 };
		struct archive_in in;

		make(&b, times);
		assert_int_equal(archive_check(eio_buf_bytes(&b)), ARCHIVE_GOOD);
		in = archive_open(eio_buf_bytes(&b));
		check_records(&in, times);
		eio_buf_deinit(&b);
	}
}

/* Each bit of a small one, each length of it, and blocks that changed places. */
static void
damage(void **state)
{
	struct eio_buf b = { 0 };
	struct archive_out out;
	char *two;

	(void)state;
	archive_begin(&out, key, put_in_test_buffer, &b);
	archive_text(&out, EIO_LIT("some text"));
	archive_end_record(&out);
	assert_true(archive_end(&out));
	for (size_t i = 0; i < b.n * 8; i++) {
		b.p[i / 8] ^= (char)(1 << i % 8);
		assert_int_not_equal(archive_check(eio_buf_bytes(&b)), ARCHIVE_GOOD);
		b.p[i / 8] ^= (char)(1 << i % 8);
	}
	for (size_t n = 0; n < b.n; n++) {
		enum archive_fault fault = archive_check(eio_bytes(b.p, n));

		assert_int_equal(fault, n < 8 ? ARCHIVE_FOREIGN : ARCHIVE_CUT);
		assert_string_not_equal(archive_fault_text(fault), archive_fault_text(ARCHIVE_DAMAGED));
	}
	eio_buf_addc(&b, 'x');
	assert_int_equal(archive_check(eio_buf_bytes(&b)), ARCHIVE_DAMAGED);
	b.p[8] = 99;
	assert_int_equal(archive_check(eio_buf_bytes(&b)), ARCHIVE_VERSION_DIFFERS);
	eio_buf_deinit(&b);
	/* Blocks of one length: head, block, block. */
	archive_begin(&out, key, put_in_test_buffer, &b);
	for (char c = 'a'; c < 'c'; c++) {
		memset(large, c, LARGE);
		archive_text(&out, eio_bytes(large, LARGE));
		archive_end_record(&out);
	}
	assert_true(archive_end(&out));
	two = malloc(b.n);
	memcpy(two, b.p, b.n);
	memcpy(two + 28, b.p + 28 + 16 + 4 + LARGE, 16 + 4 + LARGE);
	memcpy(two + 28 + 16 + 4 + LARGE, b.p + 28, 16 + 4 + LARGE);
	assert_int_equal(archive_check(eio_buf_bytes(&b)), ARCHIVE_GOOD);
	assert_int_equal(archive_check(eio_bytes(two, b.n)), ARCHIVE_DAMAGED);
	free(two);
	eio_buf_deinit(&b);
}

/* What is asked for is not there. */
static void
too_little(void **state)
{
	static const char endless[] = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
			  big[] = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02";
	struct archive_in in = archive_open_block(EIO_LIT("\x05"
							  "abc"));

	(void)state;
	assert_true(archive_next(&in));
	assert_int_equal(archive_take_text(&in).n, 0);
	assert_true(in.bad && !archive_next(&in));
	assert_int_equal(archive_take_number(&in), 0);
	in = archive_open_block(eio_bytes(endless, 11));
	assert_int_equal(archive_take_number(&in), 0);
	assert_true(in.bad);
	in = archive_open_block(eio_bytes(big, 10));
	archive_take_number(&in);
	assert_true(in.bad);
	in = archive_open_block(eio_bytes(NULL, 0));
	assert_false(archive_next(&in));
	assert_int_equal(archive_take_number(&in), 0);
	assert_true(in.bad);
}

/* Files */

static char folder[] = "/tmp/test-archive-XXXXXX", path[64], beside[64];

static void
fill_file_with_records(void *user, struct archive_out *out)
{
	write_records(out, *(unsigned *)user);
}

static void
fail_to_fill(void *user, struct archive_out *out)
{
	(void)user;
	archive_fail(out);
	write_records(out, 2);
}

static void
files(void **state)
{
	unsigned times = 2;
	uint64_t bytes;
	struct archive_file f;
	struct archive_in in;
	struct stat st;

	(void)state;
	assert_int_equal(archive_file_take(path, &f), -ENOENT);
	/* One that was left behind, and one that is in the place, do not matter. */
	close(open(beside, O_CREAT | O_WRONLY, 0666));
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(archive_file_write(path, 10000, fill_file_with_records, &times, &bytes), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, bytes);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(access(beside, F_OK), -1);
	assert_int_equal(archive_file_take(path, &f), 0);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(archive_check(f.all), ARCHIVE_GOOD);
	in = archive_open(f.all);
	check_records(&in, times);
	archive_file_free(&f);
	archive_file_free(&f);
}

/* What fails leaves nothing, not even what was there. */
static void
files_that_fail(void **state)
{
	unsigned times = 4;
	uint64_t bytes;
	struct archive_file f;

	(void)state;
	assert_int_equal(archive_file_write("/nowhere/x", 10000, fill_file_with_records, &times, &bytes), -ENOENT);
	assert_int_equal(archive_file_write(path, 10000, fill_file_with_records, &times, &bytes), 0);
	assert_int_equal(archive_file_write(path, 10000, fail_to_fill, NULL, &bytes), -ENOMEM);
	assert_int_equal(access(path, F_OK) + access(beside, F_OK), -2);
	assert_int_equal(archive_file_write(path, 0, fill_file_with_records, &times, &bytes), -ETIMEDOUT);
	assert_int_equal(access(path, F_OK) + access(beside, F_OK), -2);
	/* A link, a folder and an empty file are none. */
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(archive_file_take(path, &f), -ELOOP);
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(archive_file_take(path, &f), -EINVAL);
	assert_int_equal(archive_file_write(path, 10000, fill_file_with_records, &times, &bytes), -EISDIR);
	rmdir(path);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(archive_file_take(path, &f), 0);
	assert_int_equal(f.all.n, 0);
	assert_int_equal(archive_check(f.all), ARCHIVE_FOREIGN);
	archive_file_free(&f);
}

/* Nobody changes it on its way. */
static void
in_memory(void **state)
{
	unsigned times = 3;
	uint64_t bytes;
	struct archive_file f;
	struct archive_in in;
	int fd = archive_memory_write(10000, fill_file_with_records, &times, &bytes);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(lseek(fd, 0, SEEK_END), bytes);
	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(archive_memory_take(fd, &f), 0);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(archive_check(f.all), ARCHIVE_GOOD);
	in = archive_open(f.all);
	check_records(&in, times);
	archive_file_free(&f);
	assert_int_equal(archive_memory_write(0, fill_file_with_records, &times, &bytes), -ETIMEDOUT);
	assert_int_equal(archive_memory_write(10000, fail_to_fill, NULL, &bytes), -ENOMEM);
	fd = open("/dev/null", O_RDONLY);
	assert_int_equal(archive_memory_take(fd, &f), -EINVAL);
}

static void
no_memory(void **state)
{
	unsigned times = 2;
	uint64_t bytes;
	int err = -ENOMEM;

	(void)state;
	for (long n = 0; err; n++) {
		failmalloc_arm(n);
		err = archive_file_write(path, 10000, fill_file_with_records, &times, &bytes);
		assert_int_equal(failmalloc_disarm(), err != 0);
		assert_int_equal(err, err ? -ENOMEM : 0);
		assert_int_equal(access(beside, F_OK), -1);
	}
	assert_int_equal(unlink(path), 0);
}

static int
open_folder(void **state)
{
	(void)state;
	large = calloc(1, LARGE);
	if (!large || !mkdtemp(folder)) return -1;
	snprintf(path, sizeof path, "%s/state", folder);
	snprintf(beside, sizeof beside, "%s/state.new", folder);
	return 0;
}

static int
close_folder(void **state)
{
	(void)state;
	free(large);
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(damage),
		cmocka_unit_test(too_little),
		cmocka_unit_test(files),
		cmocka_unit_test(files_that_fail),
		cmocka_unit_test(in_memory),
		cmocka_unit_test(no_memory),
	};

	return cmocka_run_group_tests(tests, open_folder, close_folder);
}
