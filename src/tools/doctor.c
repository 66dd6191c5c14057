/* SPDX-License-Identifier: MIT */
/* siocast doctor: looks at all that siocast stands on, and tells what is wrong with it and what helps. */
#include "src/tools/examine.h"
#include "src/tools/tool.h"
#include "src/tools/visible.h"

#include "sio/json.h"

#include <string.h>

enum { DOCTOR_URL, DOCTOR_WAIT, DOCTOR_CA, DOCTOR_JSON };

static const struct argument doctor_options[] = {
	[DOCTOR_URL] = { "url", 0, "URL", "what browsers ask: looks at the proxy and the certificate there" },
	[DOCTOR_WAIT] = { "wait", 0, NULL,
		"with --url: leave a WebSocket idle until its ping, for timeouts of proxies" },
	[DOCTOR_CA] = { "ca", 0, "FILE", "with --url: certificates to trust instead of the system's" },
	[DOCTOR_JSON] = { "json", 0, NULL, "print an object for each finding, one a line" },
	{ .name = NULL },
};

struct doctor {
	const struct tool_call *call;
	struct eio_buf out;
	enum finding_mark worst;
	struct running_facts running;
	struct examine_running_memory running_memory;
};

static const char *const marks[] = { "ok", "warn", "fail" };

static void
print_finding(void *user, const struct finding *f)
{
	struct doctor *d = user;

	if (f->mark > d->worst) d->worst = f->mark;
	if (d->call->values[DOCTOR_JSON]) {
		eio_buf_printf(&d->out, "{\"mark\":\"%s\",\"topic\":\"%s\",\"text\":", marks[f->mark], f->topic);
		sio_json_escape(&d->out, eio_cstr(f->text));
		if (f->cure) EIO_BUF_ADD_LIT(&d->out, ",\"cure\":");
		if (f->cure) sio_json_escape(&d->out, eio_cstr(f->cure));
		EIO_BUF_ADD_LIT(&d->out, "}\n");
	} else {
		eio_buf_printf(&d->out, "%-4s  %s: ", marks[f->mark], f->topic);
		write_visible(&d->out, eio_cstr(f->text));
		if (f->cure) EIO_BUF_ADD_LIT(&d->out, "\n      cure: ");
		if (f->cure) write_visible(&d->out, eio_cstr(f->cure));
		eio_buf_addc(&d->out, '\n');
	}
	tool_flush(&d->out);
}

static void
examine_all(struct doctor *d, const struct config *config)
{
	const char *const *values = d->call->values;
	struct examine_memory memory;
	struct doctor_wants wants;
	struct kernel_facts kernel;
	struct redis_facts redis;
	struct hub_facts hub;
	struct intake_facts intake;
	struct proxy_facts proxy;
	unsigned wait_ms;

	examine_wants(config, &wants);
	examine_kernel(&kernel);
	if (config->admin) examine_running(config, &d->running, &d->running_memory);
	kernel.files_running = d->running.files;
	kernel_findings(&kernel, &wants, print_finding, d);
	for (size_t i = 0; i < config->n_redis; i++) {
		examine_redis(config, i, &redis, &memory);
		redis_findings(&redis, &wants, print_finding, d);
	}
	if (config->hub) {
		examine_hub(config, &hub, &memory);
		hub_findings(&hub, print_finding, d);
	}
	if (config->intake) {
		examine_intake(config, &intake, &memory);
		intake_findings(&intake, print_finding, d);
	}
	if (config->admin) running_findings(&d->running, print_finding, d);
	if (!values[DOCTOR_URL]) return;
	wait_ms = values[DOCTOR_WAIT] ? (unsigned)wants.ping_interval_ms + 1000 : 0;
	examine_proxy(config, values[DOCTOR_URL], wait_ms, values[DOCTOR_CA], &proxy, &memory);
	proxy_findings(&proxy, &wants, print_finding, d);
}

static int
run_doctor(const struct tool_call *call)
{
	static struct doctor d; /* facts are many */
	const char *url = call->values[DOCTOR_URL];
	struct config *config;

	if (!url && (call->values[DOCTOR_WAIT] || call->values[DOCTOR_CA]))
		return tool_usage(call->tool, "--wait and --ca go with --url");
	if (url && strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
		return tool_usage(call->tool, "a URL begins with http:// or https://");
	config = tool_config(call, true);
	if (!config) return TOOL_FAILED;
	d = (struct doctor){ .call = call, .worst = FINDING_OK };
	examine_all(&d, config);
	eio_buf_deinit(&d.out);
	config_free(config);
	return d.worst == FINDING_FAIL ? TOOL_FAILED : TOOL_OK;
}

const struct tool tool_doctor = {
	.name = "doctor",
	.operands = "",
	.about = "look at kernel, Redis, hub, proxy and what runs, and tell what helps",
	.configured = true,
	.options = doctor_options,
	.run = run_doctor,
};
