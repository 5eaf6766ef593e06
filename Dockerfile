# Two stages build, one runs: the console with Node, the Python environment from the hashed lock, then neither of the
# two tool chains. Build with `docker build --tag smart-ai-router .`

FROM node:24-slim AS console
WORKDIR /source
COPY . .
# The sources may be without a console; the folder must be there for the next stage all the same.
RUN mkdir -p smart_ai_router/console_dist \
    && if [ -f console/package.json ]; then \
        cd console \
        && npm ci --ignore-scripts --no-audit --no-fund --omit=dev \
        && npm run build -- --outDir ../smart_ai_router/console_dist --emptyOutDir; \
    fi

FROM python:3.11-slim AS environment
WORKDIR /source
COPY requirements.lock ./
RUN python -m venv /opt/router \
    && /opt/router/bin/pip install --no-cache-dir --no-deps --require-hashes --only-binary :all: --requirement requirements.lock \
    && /opt/router/bin/pip uninstall --yes pip \
    && /opt/router/bin/python -m compileall -q /opt/router/lib

FROM python:3.11-slim
LABEL org.opencontainers.image.title="Smart AI Router" \
      org.opencontainers.image.description="An AI gateway with exact books" \
      org.opencontainers.image.licenses="MIT"
# The user's number is fixed so that the owner of mounted folders can be set to it: chown 7601:7601 data logs
RUN groupadd --gid 7601 router \
    && useradd --uid 7601 --gid router --no-create-home --home-dir /srv/router --shell /usr/sbin/nologin router \
    && install -d -o router -g router -m 0750 /srv/router /srv/router/data /srv/router/logs \
    && install -d -o root -g root -m 0755 /srv/router/config
COPY --from=environment /opt/router /opt/router
# Code belongs to root and is compiled here: the running user can read it and nothing else.
COPY smart_ai_router /opt/code/smart_ai_router
COPY --from=console /source/smart_ai_router/console_dist /opt/code/smart_ai_router/console_dist
COPY config/router_config.example.yaml LICENSE /opt/code/
RUN /opt/router/bin/python -m compileall -q /opt/code/smart_ai_router

ENV PATH=/opt/router/bin:$PATH \
    PYTHONPATH=/opt/code \
    PYTHONSAFEPATH=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /srv/router
USER router
EXPOSE 7601
VOLUME ["/srv/router/data", "/srv/router/logs"]
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import http.client, sys; c = http.client.HTTPConnection('127.0.0.1', 7601, timeout=4); c.request('GET', '/health'); sys.exit(c.getresponse().status != 200)"]
# All addresses of the container: from outside nothing is served without a key, and the router refuses to start
# while nobody has one. See compose.yaml for a configuration that grants the first. The port inside is fixed, whatever
# the configuration says, because the health check and the published port are about this one.
ENTRYPOINT ["python", "-m", "smart_ai_router"]
CMD ["serve", "--host", "0.0.0.0", "--port", "7601"]
