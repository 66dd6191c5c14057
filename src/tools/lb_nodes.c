/* SPDX-License-Identifier: MIT */
/*
 * The second character of a sid is the length of its node's name, which stands behind it (eio/net/sid.c): one regular
 * expression for each node is all that a proxy needs, without a cookie and without a table of its own. Every client
 * has its sid in the query, of whatever version and transport. A node that is gone should be answered for by another
 * one, which says at once that the session is unknown: so the client comes back.
 */
#include "src/tools/lb_nodes.h"

#include <string.h>

struct lb_nodes {
	struct front *front;
	const struct lb_node *v;
	size_t n;
	struct eio_buf *out;
};

/* Appends a text once for each node but one, SIZE_MAX: for all. */
static void
each_node(struct lb_nodes *l, size_t but, const char *text)
{
	for (size_t i = 0; i < l->n; i++) {
		l->front->node = l->v[i].name;
		l->front->address = l->v[i].address;
		if (i != but) front_write(l->front, text, l->out);
	}
}

/* Appends a text for one of them. */
static void
one_node(struct lb_nodes *l, size_t i, const char *text)
{
	l->front->node = l->v[i].name;
	l->front->address = l->v[i].address;
	front_write(l->front, text, l->out);
}

static void
no_node(struct lb_nodes *l, const char *text)
{
	front_write(l->front, text, l->out);
}

static void
nginx_upstreams(struct lb_nodes *l)
{
	no_node(l,
		"# nginx in front of several siocasts, for its http block. TLS, and the rest of the site, go where the comments are.\n"
		"# A request for a session goes to the node that its sid names, everything else to any.\n"
		"map $arg_sid $siocast_node {\n"
		"\tdefault siocast;\n");
	each_node(l, SIZE_MAX, "\t\"~^.@MARK@@NODE@\" siocast_@NODE@;\n");
	no_node(l,
		"}\n\nmap $http_upgrade $siocast_connection {\n"
		"\tdefault upgrade;\n"
		"\t\"\"      \"\";\n"
		"}\n\n"
		"# No node is taken for down: nginx forgets that one failed when a request to it has ended well, and WebSockets do\n"
		"# not end; until then it gets one request in each fail_timeout. Who cannot be reached is passed over at once.\n"
		"upstream siocast {\n");
	each_node(l, SIZE_MAX, "\tserver @ADDRESS@ max_fails=0;\n");
	no_node(l, "\tkeepalive 64;\n"
		   "\t# Shorter than limits.keepAliveSeconds of siocast.\n"
		   "\tkeepalive_timeout @KEEP@s;\n"
		   "}\n\n"
		   "# When a node is gone another one says that the session is unknown, and the client comes back.\n");
	for (size_t i = 0; i < l->n; i++) {
		one_node(l, i, "upstream siocast_@NODE@ {\n\tserver @ADDRESS@ max_fails=0;\n");
		each_node(l, i, "\tserver @ADDRESS@ max_fails=0 backup;\n");
		no_node(l, "\tkeepalive 64;\n\tkeepalive_timeout @KEEP@s;\n}\n\n");
	}
}

static void
nginx_nodes(struct lb_nodes *l)
{
	nginx_upstreams(l);
	no_node(l, "server {\n"
		   "\tlisten 80;\n"
		   "\t# listen 443 ssl http2; ssl_certificate ...; ssl_certificate_key ...;\n\n"
		   "\tlocation @PATH@ {\n"
		   "\t\tproxy_pass http://$siocast_node;\n"
		   "\t\tproxy_http_version 1.1;\n"
		   "\t\tproxy_set_header Upgrade $http_upgrade;\n"
		   "\t\tproxy_set_header Connection $siocast_connection;\n"
		   "\t\tproxy_set_header Host $host;\n"
		   "\t\t# Counts where \"trustedProxies\" names this proxy.\n"
		   "\t\tproxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n"
		   "\t\tproxy_connect_timeout 2s;\n"
		   "\t\t# Longer than engine.pingInterval and pingTimeout together.\n"
		   "\t\tproxy_read_timeout @IDLE@s;\n"
		   "\t\tproxy_send_timeout @IDLE@s;\n"
		   "\t\tproxy_buffering off;\n"
		   "\t\t# Not below engine.maxHttpBufferSize.\n"
		   "\t\tclient_max_body_size @BODY@;\n"
		   "\t}\n"
		   "}\n");
}

static void
haproxy_nodes(struct lb_nodes *l)
{
	no_node(l, "# HAProxy in front of several siocasts.\n"
		   "defaults\n"
		   "\tmode http\n"
		   "\ttimeout connect 2s\n"
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
		   "\tbalance roundrobin\n"
		   "\t# Counts where \"trustedProxies\" names this proxy.\n"
		   "\toption forwardfor\n"
		   "\thttp-reuse safe\n"
		   "\t# When a node is gone another one says that the session is unknown, and the client comes back.\n"
		   "\toption redispatch 1\n"
		   "\t# A request for a session goes to the node that its sid names, everything else to any.\n");
	each_node(l, SIZE_MAX, "\tuse-server siocast_@NODE@ if { url_param(sid) -m reg ^.@MARK@@NODE@ }\n");
	each_node(l, SIZE_MAX, "\tserver siocast_@NODE@ @ADDRESS@ check inter 1s fall 2 rise 2\n");
}

static const char envoy_head[] =
	"# Envoy in front of siocast.\n"
	"static_resources:\n"
	"  listeners:\n"
	"    - name: web\n"
	"      address:\n"
	"        socket_address: { address: 0.0.0.0, port_value: 80 }\n"
	"      filter_chains:\n"
	"        - filters:\n"
	"            - name: envoy.filters.network.http_connection_manager\n"
	"              typed_config:\n"
	"                \"@type\": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3."
	"HttpConnectionManager\n"
	"                stat_prefix: siocast\n"
	"                use_remote_address: true\n"
	"                # Longer than engine.pingInterval and pingTimeout together.\n"
	"                stream_idle_timeout: @IDLE@s\n"
	"                upgrade_configs:\n"
	"                  - upgrade_type: websocket\n"
	"                http_filters:\n"
	"                  - name: envoy.filters.http.router\n"
	"                    typed_config:\n"
	"                      \"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router\n"
	"                route_config:\n"
	"                  virtual_hosts:\n"
	"                    - name: siocast\n"
	"                      domains: [\"*\"]\n"
	"                      routes:\n";

static const char envoy_route[] =
	"                        - match:\n"
	"                            prefix: \"@PATH@\"\n"
	"                            query_parameters:\n"
	"                              - name: sid\n"
	"                                string_match: { safe_regex: { regex: \"^.@MARK@@NODE@.*\" } }\n"
	"                          route: { cluster: \"siocast_@NODE@\", timeout: 0s }\n";

static const char envoy_clusters[] = "                        - match: { prefix: \"@PATH@\" }\n"
				     "                          route: { cluster: siocast, timeout: 0s }\n"
				     "  clusters:\n"
				     "    - name: siocast\n"
				     "      type: STRICT_DNS\n"
				     "      connect_timeout: 2s\n"
				     "      load_assignment:\n"
				     "        cluster_name: siocast\n"
				     "        endpoints:\n"
				     "          - lb_endpoints:\n";

static const char envoy_cluster[] = "    - name: \"siocast_@NODE@\"\n"
				    "      type: STRICT_DNS\n"
				    "      connect_timeout: 2s\n"
				    "      load_assignment:\n"
				    "        cluster_name: \"siocast_@NODE@\"\n"
				    "        endpoints:\n"
				    "          - lb_endpoints:\n";

static const char envoy_endpoint[] = "              - endpoint: { address: { socket_address: { address: \"@HOST@\", "
				     "port_value: @HOSTPORT@ } } }\n";

static void
envoy_nodes(struct lb_nodes *l)
{
	bool named = l->v[0].name != NULL;

	no_node(l, envoy_head);
	if (named) {
		no_node(l, "                        # A request for a session goes to the node that its sid names.\n");
		each_node(l, SIZE_MAX, envoy_route);
	}
	no_node(l, envoy_clusters);
	each_node(l, SIZE_MAX, envoy_endpoint);
	for (size_t i = 0; named && i < l->n; i++) {
		one_node(l, i, envoy_cluster);
		one_node(l, i, envoy_endpoint);
	}
}

static void
traefik_nodes(struct lb_nodes *l)
{
	bool named = l->v[0].name != NULL;

	no_node(l, "# Traefik (3.0 or later) in front of siocast: a file of its file provider. The entry point's\n"
		   "# transport.respondingTimeouts.idleTimeout is to be longer than @IDLE@s.\n"
		   "http:\n"
		   "  routers:\n"
		   "    siocast:\n"
		   "      rule: \"PathPrefix(`@PATH@`)\"\n"
		   "      service: siocast\n"
		   "      priority: 1\n");
	if (named) {
		no_node(l, "    # A request for a session goes to the node that its sid names.\n");
		each_node(l, SIZE_MAX,
			"    siocast-@NODE@:\n"
			"      rule: \"PathPrefix(`@PATH@`) && QueryRegexp(`sid`, `^.@MARK@@NODE@`)\"\n"
			"      service: \"siocast-@NODE@\"\n"
			"      priority: 2\n");
	}
	no_node(l, "  services:\n"
		   "    siocast:\n"
		   "      loadBalancer:\n"
		   "        servers:\n");
	each_node(l, SIZE_MAX, "          - url: \"http://@ADDRESS@\"\n");
	if (!named) return;
	each_node(l, SIZE_MAX,
		"    siocast-@NODE@:\n"
		"      loadBalancer:\n"
		"        servers:\n"
		"          - url: \"http://@ADDRESS@\"\n");
}

bool
lb_nodes_write(const char *proxy, struct front *f, const struct lb_node *nodes, size_t n, struct eio_buf *out)
{
	struct lb_nodes l = { f, nodes, n, out };
	bool named = nodes[0].name != NULL;

	if (strcmp(proxy, "nginx") == 0 && named)
		nginx_nodes(&l);
	else if (strcmp(proxy, "haproxy") == 0 && named)
		haproxy_nodes(&l);
	else if (strcmp(proxy, "envoy") == 0)
		envoy_nodes(&l);
	else if (strcmp(proxy, "traefik") == 0)
		traefik_nodes(&l);
	else
		return false;
	return true;
}
