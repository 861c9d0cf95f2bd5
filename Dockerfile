# syntax=docker/dockerfile:1

# Both stages are of the same Debian release, so that the OpenSSL that is linked is the one that is there.

FROM rust:1.95-bookworm AS build
WORKDIR /src

# Dependencies first: they change less often than the sources, and this layer is kept until they do.
COPY Cargo.toml Cargo.lock ./
COPY commands/Cargo.toml commands/
COPY sim/Cargo.toml sim/
RUN mkdir -p src benches commands/src sim/src \
    && echo 'fn main() {}' > src/main.rs \
    && echo 'fn main() {}' > benches/click.rs \
    && touch src/lib.rs commands/src/lib.rs sim/src/lib.rs \
    && echo 'fn main() {}' > sim/src/main.rs \
    && cargo build --release --locked --no-default-features --bin intune-sync-bot \
    && rm -r src commands/src sim/src

COPY config config
COPY commands commands
COPY sim sim
COPY src src
# Cargo goes by the files' times, and those of the stand-ins are younger. Without the demo's simulator.
RUN find src commands sim config -name '*.rs' -exec touch {} + \
    && cargo build --release --locked --no-default-features --bin intune-sync-bot \
    && install -D target/release/intune-sync-bot /out/intune-sync-bot \
    && install -d -m 0750 /out/data

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libssl3 \
    && rm -rf /var/lib/apt/lists/*

ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="intune-sync-bot" \
      org.opencontainers.image.description="A Discord bot with which a helpdesk makes Microsoft Intune devices check in" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"

COPY --from=build /out/intune-sync-bot /usr/local/bin/intune-sync-bot
# State lives in /data alone; the rest of the file system may be read-only.
COPY --from=build --chown=65532:65532 /out/data /data

USER 65532:65532
VOLUME /data
# Where data/intune-sync-bot.db, the default of [store] url, is on the volume.
WORKDIR /

STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=6s --start-period=30s \
    CMD ["intune-sync-bot", "--config", "/etc/intune-sync-bot/config.toml", "health"]

ENTRYPOINT ["intune-sync-bot", "--config", "/etc/intune-sync-bot/config.toml"]
CMD ["run"]
