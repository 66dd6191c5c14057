/* SPDX-License-Identifier: MIT */
/* Static files in temporary folders, and questions for them. It reads back what zlib and libbrotlienc made. */
#ifndef TESTS_UNIT_WEB_SITE_H
#define TESTS_UNIT_WEB_SITE_H

#include "src/web/compress.h"
#include "src/web/files.h"
#include "src/web/files_http.h"

#include <brotli/decode.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

extern char root[64], path_buf[4][256];

/* The path of something below the temporary folder; the last four results stay valid. */
const char *at(const char *name);
void write_text(const char *name, const char *text);

/* Text that compresses well, different for each seed. */
void write_script(const char *name, size_t lines, unsigned seed);
int setup(void **state);
int teardown(void **state);

struct site {
	struct files *f;
	struct files_cache *c;
	struct files_answer a; /* of the last request */
};

void site_open(struct site *s);
void site_close(struct site *s);
int ask(struct site *s, const char *method, const char *path, const char *if_none_match, const char *accept_encoding);
int get(struct site *s, const char *path);

/* The value of a header of the last answer, or NULL. */
const char *header(struct site *s, const char *name);
void expect_body(struct site *s, const void *p, size_t n);
void expect_text(struct site *s, const char *text);
size_t slurp(const char *name, char *out, size_t cap);
size_t unpack(const struct eio_block *b, const char *coding, char *out, size_t cap);

#endif
