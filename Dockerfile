# Both binaries in one image: `docker run taskwire rest-server`, `docker run taskwire search-indexer`.

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
# The caches belong to the builder, not to the image: what is kept has to be copied out of them.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --bin rest-server --bin search-indexer \
    && install -D -t /out target/release/rest-server target/release/search-indexer

FROM debian:bookworm-slim
# curl is for health checks.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates curl \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/ /usr/local/bin/
USER 10001:10001
EXPOSE 9234 9235 9236
CMD ["rest-server"]
