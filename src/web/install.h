/* SPDX-License-Identifier: MIT */
/* Where the client files are: beside the program when it runs from its build tree, or as installed. */
#ifndef SRC_WEB_INSTALL_H
#define SRC_WEB_INSTALL_H

#include "eio/buf.h"
#include "src/web/files.h"

/* What is to be served. Strings are borrowed for the call. */
struct install_options {
	const char *www; /* folder served at "/", or NULL */
	const char *path; /* URL folder of the client files */
	bool serve_client; /* else there are none, and the rest says nothing */
	bool legacy; /* they look like those of servers 1.x and 2.x */
	const char *version; /* of the official client: "4.8.4", or the beginning of one */
	const char *dir; /* a folder whose socket.io.* are served instead, or NULL */
	const char *page; /* URL folder of the Admin UI's page, or NULL */
};

/* Opens the files that are installed. 0 with *out to be closed by files_close; or -1, and the reason was logged. At the
 * start. */
int install_open_files(struct files **out, const struct install_options *o);

/* Whether a version of the official client is installed, or one that begins so. If not, those that are go to *there,
 * with commas. When memory is out, there->failed says so. */
bool install_has_version(const char *version, struct eio_buf *there);

#endif
