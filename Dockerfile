# Two stages: the first has tools and builds, the second only runs.
# For production pin both by digest: `docker buildx imagetools inspect python:3.13-slim-trixie`.
ARG PYTHON=3.13-slim-trixie

FROM python:${PYTHON} AS build
WORKDIR /src
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
COPY requirements.lock ./
# Everything comes by hash: what Segue needs into the environment that is kept, what builds the
# wheel into one that is not.
RUN sed '/^# -- development/,$d' requirements.lock > running.txt \
 && python -m venv /opt/segue \
 && /opt/segue/bin/pip install --require-hashes -r running.txt \
 && python -m venv /opt/build \
 && /opt/build/bin/pip install --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY bot bot
COPY adapters adapters
COPY dialogs dialogs
COPY brand_voice brand_voice
RUN /opt/build/bin/python -m hatchling build --target wheel --directory /dist \
 && /opt/segue/bin/pip install --no-deps /dist/*.whl \
 && /opt/segue/bin/pip uninstall --yes pip \
 && /opt/build/bin/python -m compileall -q /opt/segue/lib

FROM python:${PYTHON}
LABEL org.opencontainers.image.title="Segue" \
      org.opencontainers.image.description="One conversation, one voice, every channel." \
      org.opencontainers.image.licenses="Apache-2.0"
ENV PATH=/opt/segue/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    SEGUE__SERVER__HOST=0.0.0.0 SEGUE__LOG__FORMAT=json SEGUE__STORE__DATA_DIR=/data TARNWOOD_DATA=/data/shop
RUN groupadd --gid 10001 segue \
 && useradd --uid 10001 --gid segue --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin segue \
 && install -d -o segue -g segue -m 700 /data
COPY --from=build /opt/segue /opt/segue
# The sample company, until a project is mounted over it: only /data and /tmp are ever written.
COPY --chmod=0555 dialogs /project/dialogs
COPY --chmod=0555 brand_voice /project/brand_voice
COPY --chmod=0444 bot/segue/starter/project/segue.toml /project/
WORKDIR /project
USER 10001:10001
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/healthz', timeout=2)"]
ENTRYPOINT ["segue"]
CMD ["run"]
