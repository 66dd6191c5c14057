/* SPDX-License-Identifier: MIT */
/*
 * Where the lines of the log go: to stderr or a file, and nobody waits for whoever reads it. What it does not take is
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

/* Looks at what stderr is. Before that, and where it cannot be had without waiting, a line is written if the system
 * says that it would be taken. Call it before there are threads. */
void log_output_open(void);

/* Whether stderr is systemd's journal. */
bool log_output_is_journal(void);

/* A file in the place of stderr; see log_set_file() and what is beside it. */
int log_output_file(const char *path);
int log_output_give(uid_t uid, gid_t gid);
int log_output_reopen(void);

/* Around the others. */
void log_output_lock(void);
void log_output_unlock(void);

/* How many lines were dropped and not told of, if a line can be written now; else 0. */
uint64_t log_output_untold(void);

/* They have been told of. */
void log_output_told(void);

/* Writes a line of at most LOG_OUTPUT_MAX bytes, or counts it as dropped and returns false. */
bool log_output_write(const char *line, size_t n);

/* How many were dropped since the start. */
uint64_t log_output_dropped(void);

#endif
