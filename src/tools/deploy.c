/* SPDX-License-Identifier: MIT */
/* siocast unit, siocast k8s: what starts it. */
#include "src/tools/front.h"
#include "src/tools/tool.h"

#include <string.h>

static const struct argument no_deploy_options[] = { { .name = NULL } };
static const struct argument unit_options[] = {
	{ "socket", 0, NULL, "the unit of its sockets, for systemd to hold them" },
	{ .name = NULL },
};

static const char unit_text[] =
	"# systemd unit for siocast with this configuration. The one that make install puts in place is stricter, and says why.\n"
	"[Unit]\n"
	"Description=Socket.IO broadcast from Redis channels\n"
	"Documentation=man:siocast(8) man:siocast.conf(5)\n"
	"Wants=network-online.target\n"
	"After=network-online.target redis-server.service\n\n"
	"[Service]\n"
	"Type=notify\n"
	"WatchdogSec=30s\n"
	"ExecStartPre=@PROGRAM@ check -c @FILE@\n"
	"ExecStart=@PROGRAM@ -c @FILE@\n"
	"ExecReload=/bin/kill -HUP $MAINPID\n"
	"Restart=on-failure\n"
	"RestartSec=1s\n"
	"LimitNOFILE=65536:524288\n"
	"# systemd keeps the sockets while siocast is started anew.\n"
	"FileDescriptorStoreMax=512\n"
	"Environment=FDSTORE=512\n"
	"# Longer than drain.seconds, and than writing stateFile may take.\n"
	"TimeoutStopSec=@STOP@s\n"
	"DynamicUser=yes\n"
	"RuntimeDirectory=siocast\n"
	"RuntimeDirectoryPreserve=restart\n"
	"StateDirectory=siocast\n"
	"CapabilityBoundingSet=@BOUNDING@\n"
	"NoNewPrivileges=yes\n"
	"ProtectSystem=strict\n"
	"ProtectHome=read-only\n"
	"PrivateTmp=yes\n"
	"PrivateDevices=yes\n"
	"RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK\n"
	"MemoryDenyWriteExecute=yes\n";

static const char socket_text[] =
	"# systemd socket unit for siocast with this configuration, beside its unit: systemd holds the port, also while siocast is started anew.\n"
	"[Unit]\n"
	"Description=Port of siocast\n"
	"Documentation=man:siocast(8) man:siocast.conf(5)\n\n"
	"[Socket]\n"
	"Backlog=4096\n";

static const char k8s_text[] =
	"# Kubernetes: a Deployment and a Service of siocast. The file goes into a ConfigMap:\n"
	"#     kubectl create configmap siocast --from-file=siocast.json=@FILE@\n"
	"apiVersion: apps/v1\n"
	"kind: Deployment\n"
	"metadata:\n"
	"  name: siocast-server\n"
	"spec:\n"
	"  # For more than one pod set \"peers\": they pass the requests of a session to the pod where it began.\n"
	"  replicas: 1\n"
	"  selector:\n"
	"    matchLabels: { app: siocast-server }\n"
	"  template:\n"
	"    metadata:\n"
	"      labels: { app: siocast-server }\n"
	"    spec:\n"
	"      # Longer than drain.seconds.\n"
	"      terminationGracePeriodSeconds: @DRAIN@\n"
	"      containers:\n"
	"        - name: siocast\n"
	"          image: siocast\n"
	"          args: [\"-c\", \"/etc/siocast/siocast.json\"]\n"
	"          ports:\n"
	"            - { name: http, containerPort: @PORT@ }\n"
	"          # So long new clients may still be sent here; what is connected is drained afterwards.\n"
	"          lifecycle: { preStop: { exec: { command: [\"sleep\", \"5\"] } } }\n";

static const char k8s_admin[] =
	"            - { name: admin, containerPort: @ADMIN@ }\n"
	"          readinessProbe:\n"
	"            exec: { command: [\"siocast\", \"health\", \"-c\", \"/etc/siocast/siocast.json\"] }\n"
	"          livenessProbe:\n"
	"            exec: { command: [\"siocast\", \"health\", \"--live\", \"-c\", \"/etc/siocast/siocast.json\"] }\n"
	"            failureThreshold: 6\n";

static const char k8s_rest[] = "          securityContext:\n"
			       "            allowPrivilegeEscalation: false\n"
			       "            readOnlyRootFilesystem: true\n"
			       "            runAsNonRoot: true\n"
			       "            capabilities: { drop: [\"ALL\"] }\n"
			       "          volumeMounts:\n"
			       "            - { name: config, mountPath: /etc/siocast, readOnly: true }\n"
			       "      volumes:\n"
			       "        - { name: config, configMap: { name: siocast } }\n"
			       "---\n"
			       "apiVersion: v1\n"
			       "kind: Service\n"
			       "metadata:\n"
			       "  # Not \"siocast\": Kubernetes would set SIOCAST_PORT in every pod.\n"
			       "  name: siocast-server\n"
			       "spec:\n"
			       "  selector: { app: siocast-server }\n"
			       "  sessionAffinity: ClientIP\n"
			       "  ports:\n"
			       "    - { name: http, port: 80, targetPort: http }\n";

static const char k8s_scaler[] =
	"---\n"
	"# More pods when the busiest thread of each has little time left. The metric has to be brought here from /metrics, by\n"
	"# prometheus-adapter for instance; and see \"replicas\" above.\n"
	"apiVersion: autoscaling/v2\n"
	"kind: HorizontalPodAutoscaler\n"
	"metadata:\n"
	"  name: siocast-server\n"
	"spec:\n"
	"  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: siocast-server }\n"
	"  minReplicas: 1\n"
	"  maxReplicas: 10\n"
	"  metrics:\n"
	"    - type: Pods\n"
	"      pods:\n"
	"        metric: { name: siocast_capacity_ratio }\n"
	"        target: { type: AverageValue, averageValue: 700m }\n";

static void
write_unit(const struct front *f, struct eio_buf *out)
{
	front_write(f, unit_text, out);
	if (f->port && f->port < 1024) EIO_BUF_ADD_LIT(out, "AmbientCapabilities=CAP_NET_BIND_SERVICE\n");
	EIO_BUF_ADD_LIT(out, "\n[Install]\nWantedBy=multi-user.target\n");
}

static void
write_stream(const struct config_listen *l, struct eio_buf *out)
{
	if (l->path)
		eio_buf_printf(out, "ListenStream=%s\n", l->path);
	else
		eio_buf_printf(out, strchr(l->host, ':') ? "ListenStream=[%s]:%u\n" : "ListenStream=%s:%u\n", l->host,
			l->port);
}

static void
write_socket(const struct front *f, struct eio_buf *out)
{
	front_write(f, socket_text, out);
	for (size_t i = 0; i < f->config->n_listen; i++) write_stream(&f->config->listen[i], out);
	if (f->config->admin) write_stream(f->config->admin, out);
	EIO_BUF_ADD_LIT(out, "\n[Install]\nWantedBy=sockets.target\n");
}

static void
write_k8s(const struct front *f, struct eio_buf *out)
{
	front_write(f, k8s_text, out);
	if (f->admin_port) front_write(f, k8s_admin, out);
	front_write(f, k8s_rest, out);
	if (f->admin_port) front_write(f, k8s_scaler, out);
}

static int
print_deployment(
	const struct tool_call *call, void (*write)(const struct front *f, struct eio_buf *out), bool needs_port)
{
	struct config *config = tool_config(call, false);
	struct eio_buf out = { 0 };
	struct front f;
	int status = TOOL_OK;

	if (!config) return TOOL_FAILED;
	front_of(config, &f);
	if (needs_port && !f.port) {
		status = tool_fail(call, "\"listen\" begins with no port that others can be told");
	} else {
		write(&f, &out);
		tool_flush(&out);
	}
	eio_buf_deinit(&out);
	config_free(config);
	return status;
}

static int
run_unit(const struct tool_call *call)
{
	return print_deployment(call, call->values[0] ? write_socket : write_unit, false);
}

static int
run_k8s(const struct tool_call *call)
{
	return print_deployment(call, write_k8s, true);
}

const struct tool tool_unit = {
	.name = "unit",
	.operands = "",
	.about = "print a systemd unit for this configuration",
	.configured = true,
	.options = unit_options,
	.run = run_unit,
};

const struct tool tool_k8s = {
	.name = "k8s",
	.operands = "",
	.about = "print Kubernetes manifests for this configuration",
	.configured = true,
	.options = no_deploy_options,
	.run = run_k8s,
};
