/* SPDX-License-Identifier: MIT */
/* Out of memory at every single place while the configuration is read: an error each time, and nothing is left
 * behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/config/cli.h"
#include "src/config/describe.h"
#include "src/config/options.h"
#include "src/config/schema.h"
#include "tests/unit/failmalloc.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Every key that there is: every_key_is_there() looks for those of the main table. */
static const char text[] =
	"{\"compat\": \"2.x\", \"listen\": [\"127.0.0.1:1\", \"unix:/s\"], \"admin\": \"[::1]:2\", \"adminHosts\": [\"a.example\"], \"trustedProxies\": [\"::1\", \"unix\"], \"publish\": {\"tokenFile\": \"t\", \"maxBytes\": 5, \"idempotencySeconds\": 5}, \"jsonp\": true, \"path\": \"/p\", \"workers\": 2,"
	"\"stateFile\": \"/state\", \"drain\": {\"seconds\": 5}, \"user\": \"u\", \"group\": \"g\","
	"\"adminUI\": {\"username\": null, \"passwordFile\": null, \"auth\": false, \"mode\": \"production\", \"readonly\": true, \"serverId\": \"s\","
	"  \"namespaceName\": \"/ui\", \"page\": \"/ui\"},"
	"\"node\": \"a\", \"peers\": {\"a\": \"10.0.0.1:1\", \"b\": \"b.example:1\"}, \"peerKeyFile\": \"${PASSWORD}\","
	"\"relay\": {\"edges\": true, \"queueBytes\": 65536, \"resumeSeconds\": 1, \"lingerSeconds\": 1},"
	"\"adapter\": {\"mode\": \"member\", \"dialects\": [\"classic\", \"streams\"], \"key\": \"a\", \"subscriptionMode\": \"static\","
	"  \"streamCount\": 2, \"streamMaxLen\": 5, \"serverSideEmit\": \"node:\"},"
	"\"intake\": {\"address\": \"10.0.0.1:3\", \"username\": \"i\", \"passwordFile\": \"${PASSWORD}\", \"protectedMode\": true, \"maxClients\": 5, \"timeout\": 5,"
	"  \"tcpKeepAlive\": 5},"
	"\"redis\": [\"redis://u:p@h:1/3\", \"unix:///r\", {\"url\": \"redis://u@h:2\", \"passwordFile\": \"${PASSWORD}\"}, {\"url\": \"redis://m\", \"sentinels\": [\"s\", \"redis://u:p@t:1\"], \"sentinelPasswordFile\": null, \"cluster\": null}],"
	"\"engine\": {\"pingInterval\": 100, \"pingTimeout\": 100, \"upgradeTimeout\": 100, \"connectTimeout\": 100,"
	"  \"maxHttpBufferSize\": 1000, \"transports\": \"polling\", \"allowUpgrades\": true, \"allowEIO3\": true,"
	"  \"addTrailingSlash\": true, \"ioUring\": false,"
	"  \"cookie\": {\"name\": \"n\", \"path\": \"/c\", \"domain\": \"x\", \"httpOnly\": true, \"secure\": true, \"sameSite\": \"none\","
	"    \"maxAge\": 5},"
	"  \"perMessageDeflate\": {\"threshold\": 1, \"zlibDeflateOptions\": {\"level\": 2}, \"serverMaxWindowBits\": 10,"
	"    \"serverNoContextTakeover\": true, \"clientNoContextTakeover\": true},"
	"  \"httpCompression\": {\"threshold\": 1, \"level\": 2}},"
	"\"cors\": {\"origin\": [\"http://a\", \"http://b\"], \"credentials\": true, \"methods\": [\"GET\", \"POST\"],"
	"  \"allowedHeaders\": \"X-A\", \"exposedHeaders\": [\"X-B\", \"X-C\"], \"maxAge\": 5},"
	"\"serveClient\": true, \"client\": {\"version\": \"4.8\", \"dir\": null}, \"www\": \"/w\","
	"\"feeds\": [{\"pattern\": \"n.*\", \"namespace\": \"/n\", \"event\": \"e {1}\", \"room\": [\"{/a}\", \"b\"], \"encode\": \"text\","
	" \"except\": \"{/c}\", \"payload\": {\"a\": [\"{/a}\", \"{/b?}\"]}, \"payloadDefault\": null, \"omit\": [\"/x\"],"
	"    \"batch\": {\"interval\": 5, \"maxMessages\": 6, \"maxBytes\": 7, \"format\": \"lines\"},"
	"    \"where\": {\"/a\": [\"s\", 2, true, null], \"/b\": \"t\", \"/c\": {\"exists\": true, \"not\": {\">\": \"x\"}}}, \"slow\": \"latest\"},"
	"  {\"channel\": [\"c\", \"${D:-d}\"], \"slow\": {\"latestPer\": \"/a\", \"max\": 5}},"
	"  {\"pattern\": [\"p:*\", \"?*\"], \"room\": [\"{1}\", \"c:{channel}\"], \"subscribe\": {\"mode\": \"always\", \"linger\": 5}},"
	"  {\"pattern\": [\"p:*\", \"q*\"], \"room\": [\"{1}\", \"c:{channel}\"], \"subscribe\": \"on-demand\"},"
	"  {\"pattern\": \"p.*\", \"retain\": {\"key\": \"/a\"}, \"prime\": [{\"hash\": \"h\", \"channel\": \"p.{field}\"}, {\"scan\": \"p.*\"},"
	"    {\"stream\": \"s\", \"field\": \"f\", \"count\": 5, \"channel\": \"p.s\"}]},"
	"  {\"channel\": \"q\", \"retain\": 5, \"prime\": {\"list\": \"l\"}}], \"feedDefaults\": {\"room\": \"r\", \"where\": {\"/z\": {\"<\": 1}}},"
	"\"auth\": {\"jwt\": {\"keys\": [{\"alg\": \"HS256\", \"secretFile\": \"/k\"}, {\"jwksFile\": \"/j\"}],"
	"  \"from\": [\"auth.a.b\", \"header.X\"], \"audience\": \"a\", \"issuer\": [\"i\"], \"leeway\": 5, \"renew\": \"auth\"},"
	"  \"hook\": {\"url\": \"http+unix://%2Fs/a\", \"on\": [\"connect\", \"join\"], \"rooms\": [\"a\", \"b*\"], \"format\": \"json\", \"headers\": [\"X\"], \"timeout\": 50, \"cache\": 5,"
	"    \"concurrent\": 5, \"queue\": 5}},"
	"\"namespaces\": {\"/off\": {\"auth\": false}, \"/own\": {\"auth\": {\"hook\": {\"url\": \"http://h/\"}}}, \"/\": {\"on\": {\"x\": [{\"ack\": [1]}, {\"call\": \"http://h/\"}, {\"call\": {\"url\": \"http://h/\", \"timeout\": 50, \"headers\": [\"X\"], \"concurrent\": 5, \"queue\": 5}}]}}, \"/n\": {\"presence\": [{\"rooms\": [\"a\", \"b*\"],"
	"    \"member\": \"{auth.a}\", \"info\": {\"a\": \"{sid}\"}, \"events\": {\"here\": \"h\", \"joining\": [\"j\", \"{info}\"], \"leaving\": \"l\"},"
	"    \"linger\": 5, \"shared\": false, \"maxMembers\": 5, \"maxBytes\": 50}],"
	"  \"count\": {\"rooms\": \"c\", \"event\": \"n\", \"interval\": 50, \"shared\": false}}},"
	"\"presence\": {\"prefix\": \"p\", \"expiry\": 5000},"
	"\"connectionStateRecovery\": {\"maxDisconnectionDuration\": 5000, \"skipMiddlewares\": false, \"sessionBytes\": 70000,"
	"  \"history\": {\"seconds\": 5, \"messages\": 5, \"bytes\": 70000}},"
	"\"limits\": {\"maxSessions\": 5, \"requestSeconds\": 5, \"namespacesPerClient\": 5, \"authBytes\": 5,"
	"  \"heldEvents\": 5, \"heldBytes\": 5, \"clientQueueBytes\": 5000, \"clientReplyBytes\": 5000, \"clientQueueSeconds\": 5, \"roomsPerSocket\": 5, \"roomNameLength\": 5,"
	"  \"workerQueueBytes\": 70000, \"messageBytes\": 5000, \"publishQueueBytes\": 5, \"maxConnections\": 5, \"headerBytes\": 5000,"
	"  \"headerSeconds\": 5, \"keepAliveSeconds\": 5},"
	"\"log\": {\"level\": \"warn\", \"format\": \"text\", \"target\": \"l\"}, \"accessLog\": \"a\", \"forwardedHeader\": \"forwarded\"}";

static unsigned reported;

static void
on_nomem_error(void *user, const struct config_report *r)
{
	(void)user;
	if (r->warning) return;
	if (!strstr(r->text, "memory")) fail_msg("%s", r->text);
	reported++;
}

/* Without memory there is no configuration, and never one that lacks a part. */
static int
judge(struct config *c)
{
	if (!c) {
		assert_true(reported > 0);
		return -1;
	}
	assert_int_equal(reported, 0);
	config_free(c);
	return 0;
}

static char password[] = "PASSWORD=/tmp/test_config_nomem.XXXXXX";

static int
read_everything(void)
{
	const char *feeds[] = { "a=b", "p*=b" }, *listen[] = { "localhost:5" }, *redis[] = { "h" };
	char *const environment[] = { (char *)"SIOCAST_ENGINE_COOKIE_PATH=/e", (char *)"SIOCAST_WORKERS=4",
		(char *)"SIOCAST_CORS_ORIGIN=[\"http://c\"]", (char *)"SIOCAST_WROKERS=1", password, NULL };
	const struct config_flags flags = { .environment = environment,
		.admin = "127.0.0.1:9",
		.path = "/q",
		.www = "v",
		.log_level = "error",
		.workers = "3",
		.listen = { listen, 1 },
		.redis = { redis, 1 },
		.feeds = { feeds, 2 } };

	reported = 0;
	return judge(config_load_text("t", eio_cstr(text), &flags, on_nomem_error, NULL));
}

/* What single values may be instead of objects. */
static int
read_short_forms(void)
{
	static const char shorts[] =
		"{\"engine\": {\"cookie\": \"n\", \"perMessageDeflate\": true, \"httpCompression\": true},"
		"\"path\": null, \"cors\": {\"origin\": \"http://a\"}, \"client\": {\"dir\": \"/d\"}}";

	reported = 0;
	return judge(config_load_text("t", eio_cstr(shorts), NULL, on_nomem_error, NULL));
}

/* Nodes, in the place of an address. */
static int
read_nodes(void)
{
	static const char nodes[] =
		"{\"redis\": {\"cluster\": [\"redis://u:p@h:1\", \"redis://u:p@[::1]:2\"], \"source\": \"subscribe\"},"
		"\"feeds\": [{\"shard\": [\"s\", \"t\"], \"event\": \"e\"}]}";

	reported = 0;
	return judge(config_load_text("t", eio_cstr(nodes), NULL, on_nomem_error, NULL));
}

static char file[] = "/tmp/test_config_nomem.XXXXXX";

static int
read_file_of_flags(void)
{
	const struct config_flags flags = { .file = file };

	reported = 0;
	return judge(config_load(&flags, on_nomem_error, NULL));
}

static int
parse_flags(void)
{
	char *argv[] = { (char *)"siocast", (char *)"--feed", (char *)"a=b", (char *)"--listen", (char *)"127.0.0.1:1",
		(char *)"--redis", (char *)"h", NULL };
	struct cli cli;
	enum cli_action action;

	cli_parse(&cli, 7, argv, NULL);
	action = cli.action;
	cli_deinit(&cli);
	return action == CLI_RUN ? 0 : -1;
}

static int
describe_a_file(void)
{
	const struct config_flags flags = { .file = file };
	struct eio_buf out = { 0 };
	int err;

	reported = 0;
	err = config_describe(&flags, CONFIG_DESCRIBE_FILE, &out, on_nomem_error, NULL);
	eio_buf_deinit(&out);
	return err;
}

static int
make_schema(void)
{
	struct eio_buf out = { 0 };
	int err = config_schema(&out);

	eio_buf_deinit(&out);
	return err;
}

static void
every_key_is_there(void **state)
{
	char key[64];

	(void)state;
	for (size_t i = 0; i < config__main_table.n; i++) {
		const char *path = config__main_table.rows[i].path, *dot = strrchr(path, '.');

		if (config__main_table.rows[i].alias) continue;
		snprintf(key, sizeof key, "\"%s\": ", dot ? dot + 1 : path);
		if (!strstr(text, key)) fail_msg("%s is not read by this test", path);
	}
}

static void
everything(void **state)
{
	char *path = strchr(password, '=') + 1;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "a secret of as many characters as a key\n", 40), 40);
	close(fd);
	failmalloc_every(read_everything, -1, 400);
	unlink(path);
}

static void
short_forms(void **state)
{
	(void)state;
	failmalloc_every(read_short_forms, -1, 100);
	failmalloc_every(read_nodes, -1, 100);
}

static void
from_a_file(void **state)
{
	int fd = mkstemp(file);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "{\"workers\":4}", 13), 13);
	close(fd);
	failmalloc_every(read_file_of_flags, -1, 100);
	failmalloc_every(describe_a_file, -1, 500);
	unlink(file);
}

static void
schema(void **state)
{
	(void)state;
	failmalloc_every(make_schema, -1, 1000);
}

static void
command_line(void **state)
{
	(void)state;
	failmalloc_every(parse_flags, -1, 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_is_there),
		cmocka_unit_test(everything),
		cmocka_unit_test(short_forms),
		cmocka_unit_test(from_a_file),
		cmocka_unit_test(schema),
		cmocka_unit_test(command_line),
	};
	/* Otherwise what cJSON allocates would not fail. */
	cJSON_Hooks hooks = { malloc, free };

	cJSON_InitHooks(&hooks);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
