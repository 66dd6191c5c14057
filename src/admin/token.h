/* SPDX-License-Identifier: MIT */
/*
 * Who may publish: those who say one of the tokens in a file. Each line is one; two of them are what a change of
 * tokens needs. The file is read for each question, so that a change counts at once, and is small.
 */
#ifndef SRC_ADMIN_TOKEN_H
#define SRC_ADMIN_TOKEN_H

#include "eio/bytes.h"

enum {
	ADMIN_TOKEN_LEAST = 16, /* bytes of a token: a shorter one could be guessed */
	ADMIN_TOKEN_FILE_BYTES = 4096, /* of the file */
};

enum admin_token_result { ADMIN_TOKEN_GOOD, ADMIN_TOKEN_WRONG, ADMIN_TOKEN_NONE };

/* Whether what an Authorization header says ("Bearer …", RFC 6750) is one of the tokens in the text of a file. The time it
 * takes does not tell how much of a token was right. Pure. */
bool admin_token_matches(struct eio_bytes file, struct eio_bytes authorization);

/* The same with the file of that name; NONE when it cannot be used, and then *why says so, a constant. With an empty
 * authorization it only finds out whether the file can be used. Blocks for the time that a small file takes. */
enum admin_token_result admin_token_ask(const char *file, struct eio_bytes authorization, const char **why);

#endif
