/* SPDX-License-Identifier: MIT */
/* Reading the command line with getopt_long. */
#include "src/config/cli.h"

#include "src/base/version.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OPT_REDIS = 256, OPT_LISTEN, OPT_FEED, OPT_WWW, OPT_WORKERS, OPT_ADMIN, OPT_PATH, OPT_LOG_LEVEL, OPT_STRICT };

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "test", no_argument, NULL, 't' },
	{ "strict", no_argument, NULL, OPT_STRICT },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ "redis", required_argument, NULL, OPT_REDIS },
	{ "listen", required_argument, NULL, OPT_LISTEN },
	{ "feed", required_argument, NULL, OPT_FEED },
	{ "www", required_argument, NULL, OPT_WWW },
	{ "workers", required_argument, NULL, OPT_WORKERS },
	{ "admin", required_argument, NULL, OPT_ADMIN },
	{ "path", required_argument, NULL, OPT_PATH },
	{ "log-level", required_argument, NULL, OPT_LOG_LEVEL },
	{ NULL, 0, NULL, 0 },
};

static const char help[] =
	"Usage: siocast [-c FILE] [-t] [OPTION]...\n"
	"       siocast reload [-c FILE]\n"
	"Deliver messages published on Redis channels to browsers over Socket.IO.\n"
	"\n"
	"  -c, --config FILE         read the configuration from FILE (see siocast.conf(5))\n"
	"  -t, --test                check the configuration, warn of what is seldom meant, and exit\n"
	"      --strict              what would be a warning is a mistake\n"
	"      --redis URL           Redis server, such as redis://127.0.0.1:6379/0 (may be repeated)\n"
	"      --listen ADDR         HOST:PORT, [IPV6]:PORT or unix:/PATH (may be repeated)\n"
	"      --feed CHANNEL=EVENT  forward a Redis channel as an event; with * ? or [ it is a pattern\n"
	"                            (may be repeated; added to the feeds of FILE)\n"
	"      --www DIR             serve the files of DIR\n"
	"      --workers N           number of worker threads, 0 for one per processor\n"
	"      --admin ADDR          serve metrics and health checks there\n"
	"      --path PATH           path of the Socket.IO endpoint, /socket.io/ by default\n"
	"      --log-level LEVEL     error, warn, info or debug\n"
	"  -h, --help                print this help and exit\n"
	"  -V, --version             print the version and exit\n"
	"\n"
	"reload has the siocast that runs with FILE read it anew. Clients stay.\n"
	"\n"
	"Options override what FILE says; so do variables such as SIOCAST_ENGINE_PING_INTERVAL. Exit status: 0 when all is well, 1 when the\n"
	"configuration or an option is wrong.\n";

static void
cli_fail(struct cli *cli, const char *why)
{
	fprintf(stderr, "siocast: %s\n", why);
	cli->action = CLI_ERROR;
}

static void
cli_add(struct cli *cli, struct config_strings *list, const char *value)
{
	const char **v = realloc(list->v, (list->n + 1) * sizeof *v);

	if (!v) {
		cli_fail(cli, "out of memory");
		return;
	}
	v[list->n++] = value;
	list->v = v;
}

static void
cli_take(struct cli *cli, int option)
{
	struct config_flags *f = &cli->flags;

	switch (option) {
	case 'c': f->file = optarg; break;
	case 't':
		if (cli->action == CLI_RUN) cli->action = CLI_TEST;
		break;
	case 'h':
		fputs(help, stdout);
		cli->action = CLI_EXIT;
		break;
	case 'V':
		puts("siocast " PACKAGE_VERSION);
		cli->action = CLI_EXIT;
		break;
	case OPT_STRICT: f->strict = true; break;
	case OPT_REDIS: cli_add(cli, &f->redis, optarg); break;
	case OPT_LISTEN: cli_add(cli, &f->listen, optarg); break;
	case OPT_FEED: cli_add(cli, &f->feeds, optarg); break;
	case OPT_WWW: f->www = optarg; break;
	case OPT_WORKERS: f->workers = optarg; break;
	case OPT_ADMIN: f->admin = optarg; break;
	case OPT_PATH: f->path = optarg; break;
	case OPT_LOG_LEVEL: f->log_level = optarg; break;
	default: /* getopt has said what is wrong */ cli_fail(cli, "try --help"); break;
	}
}

void
cli_parse(struct cli *cli, int argc, char **argv)
{
	int option;

	*cli = (struct cli){ .action = CLI_RUN, .flags = { .environment = environ, .look = true } };
	optind = 1;
	while (cli->action != CLI_ERROR && cli->action != CLI_EXIT &&
		(option = getopt_long(argc, argv, "c:thV", options, NULL)) != -1)
		cli_take(cli, option);
	if (cli->action == CLI_RUN && optind < argc && strcmp(argv[optind], "reload") == 0) {
		cli->action = CLI_RELOAD;
		optind++;
	}
	if (cli->action <= CLI_TEST && optind < argc) {
		fprintf(stderr, "siocast: unexpected argument \"%s\"\n", argv[optind]);
		cli_fail(cli, "try --help");
	}
}

void
cli_deinit(struct cli *cli)
{
	free(cli->flags.listen.v);
	free(cli->flags.redis.v);
	free(cli->flags.feeds.v);
	*cli = (struct cli){ 0 };
}
