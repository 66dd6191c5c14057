/* SPDX-License-Identifier: MIT */
/* What several commands do. */
#include "src/tools/tool.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const struct argument tool_help_arguments[] = {
	{ "help", 'h', NULL, "print this help and exit" },
	{ .name = NULL },
};

void
tool_print_usage(FILE *out, const struct tool *tool)
{
	fprintf(out, "Usage: siocast %s [OPTION]...%s%s\n", tool->name, *tool->operands ? " " : "", tool->operands);
}

int
tool_usage(const struct tool *tool, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "siocast %s: ", tool->name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	tool_print_usage(stderr, tool);
	return TOOL_USAGE;
}

int
tool_fail(const struct tool_call *call, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "siocast %s: ", call->tool->name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return TOOL_FAILED;
}

void
tool_print_report(void *user, const struct config_report *r)
{
	const bool *warnings = user;

	if (r->warning && !(warnings && *warnings)) return;
	fprintf(stderr, "%s\n", r->text);
	if (r->line) fprintf(stderr, "    %s\n    %s\n", r->line, r->caret);
}

struct config *
tool_config(const struct tool_call *call, bool warnings)
{
	return config_load(&call->flags, tool_print_report, &warnings);
}

bool
tool_number(const struct tool_call *call, size_t option, double min, double max, double *out)
{
	const char *text = call->values[option];
	char *end;
	double n;

	if (!text) return true;
	n = strtod(text, &end);
	if (*text && !*end && isfinite(n) && n >= min && n <= max) {
		*out = n;
		return true;
	}
	tool_usage(call->tool, "--%s: \"%s\" is no number from %g to %g", call->tool->options[option].name, text, min,
		max);
	return false;
}

void
tool_write(struct eio_bytes text)
{
	errno = 0;
	if (text.n) fwrite(text.p, 1, text.n, stdout);
	if (fflush(stdout) == 0 && !ferror(stdout)) return;
	if (errno == EPIPE) _Exit(TOOL_OK);
	fprintf(stderr, "siocast: standard output: %s\n", strerror(errno));
	_Exit(TOOL_FAILED);
}

void
tool_flush(struct eio_buf *b)
{
	if (eio_buf_failed(b)) {
		fprintf(stderr, "siocast: out of memory\n");
		_Exit(TOOL_FAILED);
	}
	tool_write(eio_buf_bytes(b));
	eio_buf_clear(b);
}
