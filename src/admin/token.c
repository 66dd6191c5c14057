/* SPDX-License-Identifier: MIT */
/* The tokens of those who may publish. */
#include "src/admin/token.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <uv.h>

/* The next line of a file, without blanks around it and without its end. False behind the last. */
static bool
next_token(struct eio_bytes *rest, struct eio_bytes *token)
{
	const char *end;

	if (!rest->n) return false;
	end = memchr(rest->p, '\n', rest->n);
	*token = (struct eio_bytes){ rest->p, end ? (size_t)(end - rest->p) : rest->n };
	rest->n -= token->n + (end ? 1 : 0);
	rest->p += token->n + (end ? 1 : 0);
	while (token->n && (token->p[token->n - 1] == '\r' || token->p[token->n - 1] == ' ')) token->n--;
	return true;
}

/* Looks at every byte of what was said, whatever it is. Its length is no secret, but where it differs is. */
static bool
token_equals(struct eio_bytes token, struct eio_bytes said)
{
	volatile unsigned char differs = token.n != said.n;

	for (size_t i = 0; i < said.n; i++) differs |= (unsigned char)(said.p[i] ^ token.p[i < token.n ? i : 0]);
	return !differs;
}

static struct eio_bytes
bearer_of(struct eio_bytes authorization)
{
	static const char scheme[] = "bearer ";
	size_t n = sizeof scheme - 1;

	if (authorization.n <= n || strncasecmp(authorization.p, scheme, n) != 0) return (struct eio_bytes){ 0 };
	while (n < authorization.n && authorization.p[n] == ' ') n++;
	return (struct eio_bytes){ authorization.p + n, authorization.n - n };
}

bool
admin_token_matches(struct eio_bytes file, struct eio_bytes authorization)
{
	struct eio_bytes said = bearer_of(authorization), token;
	bool good = false;

	while (next_token(&file, &token))
		if (token.n >= ADMIN_TOKEN_LEAST) good |= token_equals(token, said);
	return good;
}

/* Whether the text of a file has a token, and nothing that is too short for one. */
static const char *
tokens_mistake(struct eio_bytes file)
{
	struct eio_bytes token;
	bool found = false;

	while (next_token(&file, &token)) {
		if (token.n && token.n < ADMIN_TOKEN_LEAST) return "a token has less than 16 bytes";
		found |= token.n > 0;
	}
	return found ? NULL : "the file holds no token";
}

enum admin_token_result
admin_token_ask(const char *file, struct eio_bytes authorization, const char **why)
{
	char text[ADMIN_TOKEN_FILE_BYTES + 1];
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);
	int err = errno;
	bool good;

	if (fd >= 0) close(fd);
	*why = n < 0 ? uv_strerror(-err) : n > ADMIN_TOKEN_FILE_BYTES ? "the file is longer than 4096 bytes" : NULL;
	if (!*why) *why = tokens_mistake((struct eio_bytes){ text, (size_t)n });
	good = !*why && admin_token_matches((struct eio_bytes){ text, (size_t)n }, authorization);
	explicit_bzero(text, sizeof text);
	return *why ? ADMIN_TOKEN_NONE : good ? ADMIN_TOKEN_GOOD : ADMIN_TOKEN_WRONG;
}
