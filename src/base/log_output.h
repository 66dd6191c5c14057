/* SPDX-License-Identifier: MIT */
/*
 * Where the lines of the log go, to stderr or a file, and those of the access log, to a file of their own; and nobody
 * waits for whoever reads them. What it does not take is
 * dropped, a line as a whole, and counted. Of the log only.
 *
 * Threads: any.
 */
#ifndef SRC_BASE_LOG_OUTPUT_H
#define SRC_BASE_LOG_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Lines up to PIPE_BUF (4096 on Linux) are atomic also on a pipe shared with other processes. */
enum { LOG_OUTPUT_MAX = 4096 };

/* The one of the access log is there once it has a file. */
enum log_output { LOG_OUTPUT_LOG, LOG_OUTPUT_ACCESS, LOG_OUTPUTS };

/* Looks at what stderr is. Before that, and where it cannot be had without waiting, a line is written if the system
 * says that it would be taken. Call it before there are threads. */
void log_output_open(void);

/* Whether stderr is systemd's journal. */
bool log_output_is_journal(void);

/* A file in the place of stderr, or for the access log; see log_set_file() and what is beside it. */
int log_output_file(enum log_output which, const char *path);
int log_output_give(enum log_output which, uid_t uid, gid_t gid);
int log_output_reopen(enum log_output which);

/* Of its file, or NULL. */
const char *log_output_path(enum log_output which);

/* Around the others. */
void log_output_lock(enum log_output which);
void log_output_unlock(enum log_output which);

/* How many lines were dropped and not told of, if a line can be written now; else 0. */
uint64_t log_output_untold(enum log_output which);

/* They have been told of. */
void log_output_told(enum log_output which);

/* Writes a line of at most LOG_OUTPUT_MAX bytes, or counts it as dropped and returns false. */
bool log_output_write(enum log_output which, const char *line, size_t n);

/* How many were dropped since the start, of both. */
uint64_t log_output_dropped(void);

#endif
