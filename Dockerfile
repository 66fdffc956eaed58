# RayFlow with the editor, for every process of it: `docker run rayflow orchestrator`, `... actor`, `... gateway`.
# Your own nodes: FROM this image, COPY nodes /app/nodes. Build arguments: NODE_VERSION, VERSION, REVISION.
ARG NODE_VERSION=22

FROM node:${NODE_VERSION}-bookworm-slim AS build
WORKDIR /src
# What changes seldom first: packages stay cached while sources change. Not `npm ci`: the lock lacks other platforms'
# optional packages.
COPY package.json package-lock.json ./
RUN npm install --no-save --no-audit --no-fund --loglevel=error
COPY . .
# `npm pack` builds (prepack) and takes what a published package has: the command, dist/ with the editor, no tests.
RUN npm pack --pack-destination /tmp \
  && mkdir -p /opt/rayflow \
  && tar -xzf /tmp/rayflow-*.tgz --strip-components=1 -C /opt/rayflow \
  && cp package-lock.json /opt/rayflow/

FROM node:${NODE_VERSION}-bookworm-slim AS packages
WORKDIR /opt/rayflow
COPY --from=build /opt/rayflow/package.json /opt/rayflow/package-lock.json ./
# The server is a pod of its own, and its binary not in this image.
RUN npm install --omit=dev --no-save --no-audit --no-fund --ignore-scripts --loglevel=error \
  && rm -rf node_modules/@eplightning node_modules/.package-lock.json

FROM node:${NODE_VERSION}-bookworm-slim
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="RayFlow" \
  org.opencontainers.image.description="A durable actor-model runtime for visual flows on NATS" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}"
# npm and yarn are for building; what runs needs node alone.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack \
    /usr/local/bin/yarn /usr/local/bin/yarnpkg /opt/yarn-* \
  && ln -s /opt/rayflow/bin/rayflow.mjs /usr/local/bin/rayflow \
  && mkdir /app
COPY --from=packages /opt/rayflow/node_modules /opt/rayflow/node_modules
COPY --from=build /opt/rayflow /opt/rayflow
ENV NODE_ENV=production
WORKDIR /app
# The user `node` of the base image, by number: Kubernetes cannot tell that a name is not root.
USER 1000:1000
STOPSIGNAL SIGTERM
# Node is process 1 and hears SIGTERM itself: every service has a handler from its first moment, and starts no children.
ENTRYPOINT ["node", "/opt/rayflow/bin/rayflow.mjs"]
CMD ["--help"]
