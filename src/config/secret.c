/* SPDX-License-Identifier: MIT */
/* Secrets, each of which has a file of its own. */
#include "src/config/secret.h"

#include "src/config/file.h"
#include "src/config/values.h"

#include <string.h>
#include <uv.h>

enum { MAX_SECRET = CONFIG_SECRET_BYTES - 3 };

/* A file with a secret ends with a line feed, as editors leave it, or without. Returns the length without it, 0 when
 * this is none. */
static size_t
secret_length(const char *p, size_t n)
{
	if (n && p[n - 1] == '\n') n--;
	if (n && p[n - 1] == '\r') n--;
	return n <= MAX_SECRET && !memchr(p, '\0', n) && !memchr(p, '\n', n) ? n : 0;
}

void
config__secret(struct config_loader *l, const cJSON *item, void *target)
{
	char *secret = target;
	const char *path;
	ssize_t n;

	if (cJSON_IsNull(item)) return;
	if (!cJSON_IsString(item) || !*item->valuestring) {
		config__error(l, item, "expected the path of a file, not %s",
			cJSON_IsString(item) ? "an empty string" : config__type_name(item));
		return;
	}
	path = config__resolve(l, item, item->valuestring);
	n = path ? config__read_file(path, secret, CONFIG_SECRET_BYTES) : 0;
	if (n < 0) {
		config__error(l, item, "%s: %s", path, uv_strerror((int)n));
		n = 0;
	} else if (path) {
		n = (ssize_t)secret_length(secret, (size_t)n);
		if (!n) config__error(l, item, "%s: expected one line of 1 to %d bytes", path, MAX_SECRET);
	}
	secret[n] = '\0';
}
