/* SPDX-License-Identifier: MIT */
/*
 * Answers for static files: the client files a page loads (the official
 * Socket.IO client and the batch decoder) and, if asked for, a folder of the
 * operator's own. It turns a request into a status, header lines and a body and
 * knows nothing of sockets, of the HTTP parser or of the event loop.
 *
 * It is meant for the few small files a realtime page needs. A file of the
 * folder is read on the calling thread; a big site belongs on a web server.
 *
 *     files_open()  once   ─▶ struct files        shared by all threads
 *     files_cache_new()    ─▶ struct files_cache  one per worker thread
 *     files_get(f, cache, request, &answer) … files_answer_deinit(&answer)
 */
#ifndef SRC_WEB_FILES_H
#define SRC_WEB_FILES_H

#include "eio/bundle.h"
#include "eio/bytes.h"
#include "src/web/files_versions.h"

#include <stdbool.h>
#include <stdint.h>

/* A file of the www folder larger than this is refused with 403: it would block the worker that reads it. */
enum { FILES_SIZE_MAX = 16 * 1024 * 1024 };

/* Where things are. Every string is only read during files_open; NULL leaves that part out. */
struct files_config {
	/* URL folder of the client files, such as "/socket.io/"; the last slash may be left out */
	const char *client_path;
	const struct files_version *versions; /* the official clients that are installed, versions_n of them */
	size_t versions_n;
	/* The one of them whose files are also right below client_path; NULL for none. */
	const struct files_version *version;
	const char *client_dir; /* a folder whose socket.io.* files are there instead */
	bool legacy; /* the installed clients' answers look like those of servers 1.x and 2.x */
	const char *decoder_dir; /* folder of siocast.js and siocast-columns.js, and of their modules */
	const char *page_path,
		*page_dir; /* URL folder of the Admin UI's page, and the folder that has its files; or NULL */
	const char *www_dir; /* folder served at "/" */
};

struct files; /* any thread, after files_open */
struct files_cache; /* the www files one worker has in memory; that worker's thread only */

/* Reads the client files and opens the www folder. That there are no client files is no error (see
 * files_official_count). Returns 0 with *out for the caller to close; or -errno with the reason in err, a
 * NUL-terminated text for the operator. Start-up only: it blocks for the files. */
int files_open(struct files **out, const struct files_config *cfg, char *err, size_t err_size);

/* Frees everything; after the last call that uses it. Answers given out stay valid. NULL is fine. */
void files_close(struct files *f);

/* Whether the www folder can be read by whom this process is by now. 0, also when there is none; or -errno. */
int files_check_rights(const struct files *f);

/* How many official client files lie right below the client path: 8 in a complete package of today. For the start-up
 * log. */
unsigned files_official_count(const struct files *f);

/* Whether the path of a request (query and all) names a client file that is there, or one of a version, there or not;
 * or a file of the Admin UI's page. Lets the caller decide between a file and the Engine.IO endpoint, which live below
 * the same path. Any thread. */
bool files_has_client(const struct files *f, struct eio_bytes path);

/* An empty cache, or NULL when out of memory; and its end. */
struct files_cache *files_cache_new(void);
void files_cache_free(struct files_cache *c); /* NULL is fine */

/* A request as it came from the peer; nothing in it is trusted. p = NULL, n = 0 where a header is missing. */
struct files_request {
	struct eio_bytes method;
	struct eio_bytes path; /* origin form, percent-encoded; a query is allowed */
	struct eio_bytes if_none_match; /* header value; several headers joined by a comma */
	struct eio_bytes accept_encoding; /* likewise */
};

struct files_answer {
	int status; /* 200, 301, 304, 403, 404, 405, or 503 when the machine is short of something */
	struct eio_block *headers; /* "Name: value\r\n" lines, without status line, Date, Content-Length, Connection */
	struct eio_block *body; /* NULL when there is nothing to send: HEAD, 304, an empty file */
	int64_t content_length; /* for the Content-Length line, also of HEAD; -1 when there must be none (304) */
};

/* Answers a request; the first one for a file in a coding blocks while that is made, some 20 ms for the largest client
 * file. f may be shared by threads, c is the caller's own and may be NULL when there is no www folder.
 * Returns 0 with *out filled, whose two blocks are references for the caller to drop with files_answer_deinit; or
 * -ENOMEM with nothing in it. */
int files_get(const struct files *f, struct files_cache *c, const struct files_request *req, struct files_answer *out);

void files_answer_deinit(struct files_answer *a);

#endif
