/* SPDX-License-Identifier: MIT */
/* What the options of the command line are, and what they set. */
#include "src/config/cli.h"

#include "src/base/version.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	ARG_CONFIG,
	ARG_REDIS,
	ARG_INTAKE,
	ARG_LISTEN,
	ARG_FEED,
	ARG_WWW,
	ARG_WORKERS,
	ARG_ADMIN,
	ARG_PATH,
	ARG_LOG_LEVEL,
};

const struct argument cli_config_arguments[] = {
	[ARG_CONFIG] = { "config", 'c', "FILE", "read the configuration from FILE (see siocast.conf(5))" },
	[ARG_REDIS] = { "redis", 0, "URL", "Redis server, such as redis://127.0.0.1:6379/0 (may be repeated)" },
	[ARG_INTAKE] = { "intake", 0, "ADDR", "take what clients of Redis publish there: no Redis is needed" },
	[ARG_LISTEN] = { "listen", 0, "ADDR", "HOST:PORT, [IPV6]:PORT or unix:/PATH (may be repeated)" },
	[ARG_FEED] = { "feed", 0, "CHANNEL=EVENT",
		"forward a Redis channel as an event; with * ? or [ it is a pattern\n"
		"(may be repeated; added to the feeds of FILE)" },
	[ARG_WWW] = { "www", 0, "DIR", "serve the files of DIR" },
	[ARG_WORKERS] = { "workers", 0, "N", "number of worker threads, 0 for one per processor" },
	[ARG_ADMIN] = { "admin", 0, "ADDR", "serve metrics and health checks there" },
	[ARG_PATH] = { "path", 0, "PATH", "path of the Socket.IO endpoint, /socket.io/ by default" },
	[ARG_LOG_LEVEL] = { "log-level", 0, "LEVEL", "error, warn, info or debug" },
	{ .name = NULL },
};

enum { ARG_TEST, ARG_STRICT, ARG_HELP, ARG_VERSION };

const struct argument cli_daemon_arguments[] = {
	[ARG_TEST] = { "test", 't', NULL, "check the configuration, warn of what is seldom meant, and exit" },
	[ARG_STRICT] = { "strict", 0, NULL, "what would be a warning is a mistake" },
	[ARG_HELP] = { "help", 'h', NULL, "print this help and exit" },
	[ARG_VERSION] = { "version", 'V', NULL, "print the version and exit" },
	{ .name = NULL },
};

void
cli_flags_init(struct config_flags *f)
{
	*f = (struct config_flags){ .environment = environ, .look = true };
}

void
cli_flags_deinit(struct config_flags *f)
{
	free(f->listen.v);
	free(f->redis.v);
	free(f->feeds.v);
	*f = (struct config_flags){ 0 };
}

static bool
cli_add(struct config_strings *list, const char *value)
{
	const char **v = realloc(list->v, (list->n + 1) * sizeof *v);

	if (!v) return false;
	v[list->n++] = value;
	list->v = v;
	return true;
}

bool
cli_flags_take(struct config_flags *f, size_t i, const char *value)
{
	switch (i) {
	case ARG_CONFIG: f->file = value; break;
	case ARG_REDIS: return cli_add(&f->redis, value);
	case ARG_INTAKE: f->intake = value; break;
	case ARG_LISTEN: return cli_add(&f->listen, value);
	case ARG_FEED: return cli_add(&f->feeds, value);
	case ARG_WWW: f->www = value; break;
	case ARG_WORKERS: f->workers = value; break;
	case ARG_ADMIN: f->admin = value; break;
	case ARG_PATH: f->path = value; break;
	case ARG_LOG_LEVEL: f->log_level = value; break;
	}
	return true;
}

static bool
cli_fail(struct cli *cli, const char *why)
{
	fprintf(stderr, "siocast: %s\n", why);
	cli->action = CLI_ERROR;
	return false;
}

static void
print_help(void (*more)(FILE *out))
{
	fputs("Usage: siocast [OPTION]...\n"
	      "       siocast COMMAND [OPTION]... [ARGUMENT]...\n"
	      "Deliver messages published on Redis channels to browsers over Socket.IO.\n\n",
		stdout);
	arguments_help(stdout, cli_config_arguments);
	arguments_help(stdout, cli_daemon_arguments);
	fputs("\nOptions override what FILE says; so do variables such as SIOCAST_ENGINE_PING_INTERVAL. Exit status: 0 when all is well, "
	      "1 when the\nconfiguration or an option is wrong.\n",
		stdout);
	if (more) more(stdout);
}

struct cli_reading {
	struct cli *cli;
	void (*more)(FILE *out);
};

static bool
cli_given(void *user, const struct argument *table, size_t i, char *value)
{
	const struct cli_reading *r = user;

	if (table == cli_config_arguments) {
		if (cli_flags_take(&r->cli->flags, i, value)) return true;
		return cli_fail(r->cli, "out of memory");
	}
	switch (i) {
	case ARG_TEST: r->cli->action = CLI_TEST; return true;
	case ARG_STRICT: r->cli->flags.strict = true; return true;
	case ARG_HELP: print_help(r->more); break;
	case ARG_VERSION: puts("siocast " PACKAGE_VERSION); break;
	}
	r->cli->action = CLI_EXIT;
	return false;
}

void
cli_parse(struct cli *cli, int argc, char **argv, void (*more)(FILE *out))
{
	static const struct argument *const tables[] = { cli_config_arguments, cli_daemon_arguments, NULL };
	struct cli_reading r = { cli, more };
	int first;

	cli->action = CLI_RUN;
	cli_flags_init(&cli->flags);
	first = arguments_read(argc, argv, tables, cli_given, &r);
	if (first < 0) {
		/* getopt has said what is wrong */
		cli_fail(cli, "try --help");
	} else if (first > 0 && first < argc) {
		fprintf(stderr, "siocast: unexpected argument \"%s\"\n", argv[first]);
		cli_fail(cli, "try --help");
	}
}

void
cli_deinit(struct cli *cli)
{
	cli_flags_deinit(&cli->flags);
	*cli = (struct cli){ 0 };
}
