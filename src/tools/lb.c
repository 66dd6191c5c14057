/* SPDX-License-Identifier: MIT */
/* siocast lb: what a proxy in front needs to be told. */
#include "src/tools/lb_nodes.h"
#include "src/tools/tool.h"

#include <string.h>

static const struct argument no_options[] = { { .name = NULL } };

static const char nginx_text[] =
	"# nginx in front of siocast, for its http block. TLS, and the rest of the site, go where the comments are.\n"
	"upstream siocast {\n"
	"\tserver @UPSTREAM@;\n"
	"\tkeepalive 64;\n"
	"\t# Shorter than limits.keepAliveSeconds of siocast.\n"
	"\tkeepalive_timeout @KEEP@s;\n"
	"}\n\n"
	"map $http_upgrade $siocast_connection {\n"
	"\tdefault upgrade;\n"
	"\t\"\"      \"\";\n"
	"}\n\n"
	"server {\n"
	"\tlisten 80;\n"
	"\t# listen 443 ssl http2; ssl_certificate ...; ssl_certificate_key ...;\n\n"
	"\tlocation @PATH@ {\n"
	"\t\tproxy_pass http://siocast;\n"
	"\t\tproxy_http_version 1.1;\n"
	"\t\tproxy_set_header Upgrade $http_upgrade;\n"
	"\t\tproxy_set_header Connection $siocast_connection;\n"
	"\t\tproxy_set_header Host $host;\n"
	"\t\t# Counts where \"trustedProxies\" names this proxy.\n"
	"\t\tproxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n"
	"\t\t# Longer than engine.pingInterval and pingTimeout together.\n"
	"\t\tproxy_read_timeout @IDLE@s;\n"
	"\t\tproxy_send_timeout @IDLE@s;\n"
	"\t\tproxy_buffering off;\n"
	"\t\t# Not below engine.maxHttpBufferSize.\n"
	"\t\tclient_max_body_size @BODY@;\n"
	"\t}\n"
	"}\n";

static const char haproxy_text[] = "# HAProxy in front of siocast.\n"
				   "defaults\n"
				   "\tmode http\n"
				   "\ttimeout connect 5s\n"
				   "\ttimeout http-request 10s\n"
				   "\t# Longer than engine.pingInterval and pingTimeout together.\n"
				   "\ttimeout client @IDLE@s\n"
				   "\ttimeout server @IDLE@s\n"
				   "\ttimeout tunnel @TUNNEL@s\n"
				   "\t# Shorter than limits.keepAliveSeconds of siocast.\n"
				   "\ttimeout http-keep-alive @KEEP@s\n\n"
				   "frontend web\n"
				   "\tbind :80\n"
				   "\t# bind :443 ssl crt /etc/haproxy/example.pem alpn h2,http/1.1\n"
				   "\tuse_backend siocast if { path_beg @PATH@ }\n\n"
				   "backend siocast\n"
				   "\t# Counts where \"trustedProxies\" names this proxy.\n"
				   "\toption forwardfor\n"
				   "\thttp-reuse safe\n";

static const char haproxy_checked[] = "\toption httpchk\n"
				      "\thttp-check send meth GET uri /readyz\n"
				      "\tserver siocast1 @UPSTREAM@ check port @ADMIN@ inter 5s\n";

static const char haproxy_plain[] = "\tserver siocast1 @UPSTREAM@ check\n";

static const char caddy_text[] =
	"# Caddy in front of siocast: put the name of the site in the place of :80, and Caddy fetches a certificate for it.\n"
	":80 {\n"
	"\thandle @PATH@* {\n"
	"\t\trequest_body {\n"
	"\t\t\tmax_size @BODY@\n"
	"\t\t}\n"
	"\t\treverse_proxy @UPSTREAM@ {\n"
	"\t\t\tflush_interval -1\n"
	"\t\t\ttransport http {\n"
	"\t\t\t\t# Shorter than limits.keepAliveSeconds of siocast.\n"
	"\t\t\t\tkeepalive @KEEP@s\n"
	"\t\t\t\t# Longer than engine.pingInterval and pingTimeout together.\n"
	"\t\t\t\tresponse_header_timeout @IDLE@s\n"
	"\t\t\t}\n"
	"\t\t}\n"
	"\t}\n"
	"}\n";

static int
write_proxy(const char *name, struct front *f, struct eio_buf *out)
{
	if (strcmp(name, "nginx") == 0) {
		front_write(f, nginx_text, out);
	} else if (strcmp(name, "haproxy") == 0) {
		front_write(f, haproxy_text, out);
		front_write(f, f->admin_port && !f->path ? haproxy_checked : haproxy_plain, out);
	} else if (strcmp(name, "caddy") == 0) {
		if (f->path) snprintf(f->upstream, sizeof f->upstream, "unix/%s", f->path);
		front_write(f, caddy_text, out);
	} else {
		return -1;
	}
	return 0;
}

/* "a=10.0.0.1:3000": the text is cut. */
static bool
read_lb_node(char *text, struct lb_node *out)
{
	char *mark = strchr(text, '='), *colon = mark ? strrchr(mark, ':') : NULL;

	if (!colon || colon == mark + 1 || strpbrk(mark + 1, " \t\"\\;{}") || strspn(colon + 1, "0123456789") == 0 ||
		colon[1 + strspn(colon + 1, "0123456789")] != '\0' ||
		!eio_node_valid(eio_bytes(text, (size_t)(mark - text))))
		return false;
	*mark = '\0';
	*out = (struct lb_node){ text, mark + 1 };
	return true;
}

/* Those of the configuration, where it names them. */
static void
nodes_of_peers(const struct peers_spec *peers, struct lb_node nodes[LB_MAX_NODES], size_t *n)
{
	for (size_t i = 0; i < peers->n; i++)
		if (peers->v[i].name) nodes[(*n)++] = (struct lb_node){ peers->v[i].name, peers->v[i].text };
}

/* The nodes of a call, or of the configuration, or the one there is. 0, or the exit status. */
static int
read_lb_nodes(const struct tool_call *call, const struct front *f, struct lb_node nodes[LB_MAX_NODES], size_t *n)
{
	*n = (size_t)call->n - 1;
	for (size_t i = 0; i < *n; i++) {
		if (!read_lb_node(call->operands[i + 1], &nodes[i]))
			return tool_usage(call->tool,
				"\"%s\": expected a node and where it is, such as a=10.0.0.1:3000",
				call->operands[i + 1]);
		for (size_t k = 0; k < i; k++)
			if (strcmp(nodes[k].name, nodes[i].name) == 0)
				return tool_usage(call->tool, "node \"%s\" stands twice", nodes[i].name);
	}
	if (*n == 0) nodes_of_peers(config_peers(f->config), nodes, n);
	if (*n) return TOOL_OK;
	*n = 1;
	nodes[0] = (struct lb_node){ NULL, f->upstream };
	return TOOL_OK;
}

static int
write_lb(const struct tool_call *call, struct front *f, struct eio_buf *out)
{
	const char *name = call->operands[0];
	struct lb_node nodes[LB_MAX_NODES];
	size_t n;
	int status = read_lb_nodes(call, f, nodes, &n);

	if (status) return status;
	if (f->path && (strcmp(name, "envoy") == 0 || strcmp(name, "traefik") == 0) && !nodes[0].name)
		return tool_fail(call, "%s needs an address that is no Unix socket", name);
	if (lb_nodes_write(name, f, nodes, n, out)) return TOOL_OK;
	if (!nodes[0].name && write_proxy(name, f, out) == 0) return TOOL_OK;
	if (strcmp(name, "caddy") == 0) return tool_usage(call->tool, "caddy: for one node only");
	return tool_usage(call->tool, "\"%s\" is none of nginx, haproxy, envoy, traefik, caddy", name);
}

static int
run_lb(const struct tool_call *call)
{
	struct config *config = tool_config(call, false);
	struct eio_buf out = { 0 };
	struct front f;
	int status;

	if (!config) return TOOL_FAILED;
	front_of(config, &f);
	status = write_lb(call, &f, &out);
	if (status == TOOL_OK) tool_flush(&out);
	eio_buf_deinit(&out);
	config_free(config);
	return status;
}

const struct tool tool_lb = {
	.name = "lb",
	.operands = "nginx|haproxy|envoy|traefik|caddy [NODE=ADDRESS]...",
	.min = 1,
	.max = 1 + LB_MAX_NODES,
	.about = "print what a proxy in front needs for this configuration",
	.configured = true,
	.options = no_options,
	.run = run_lb,
};
