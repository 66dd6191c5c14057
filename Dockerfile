# SPDX-License-Identifier: MIT
# siocast in a container: docker build -t siocast . (or podman, buildah). Configure it by a file at /etc/siocast.json, or by the
# environment: every key has a variable (siocast.conf(5), "The environment"). It writes nothing, so its root may be read-only.
#
# The data of the demo, for compose.yaml, is another target: docker build --target market -t siocast-market .
ARG BASE=debian:trixie-slim

FROM ${BASE} AS build
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates nodejs npm
COPY . /siocast
WORKDIR /siocast
# ./run installs what else is needed, and fetches the official client's files from npm.
RUN ./run package && make examples/market

FROM build AS market
USER 10001:10001
ENTRYPOINT ["/siocast/examples/market"]

FROM ${BASE}
# The package names the libraries that it wants.
COPY --from=build /siocast/build/package/siocast_*.deb /tmp/siocast/
RUN apt-get update && apt-get install -y --no-install-recommends /tmp/siocast/*.deb && rm -rf /tmp/siocast /var/lib/apt/lists/*
ENV SIOCAST_LISTEN=0.0.0.0:3000 SIOCAST_ADMIN=0.0.0.0:9464 SIOCAST_REDIS=redis://redis:6379
EXPOSE 3000 9464
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["siocast", "health"]
ENTRYPOINT ["siocast"]
CMD ["-c", "/etc/siocast.json"]
