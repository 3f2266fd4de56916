# puncheon: an MLflow model folder becomes one container image in the Azure ML inference layout.
#
#   docker build --build-arg ARTIFACT_PATH=<model folder> --build-arg BASE_PATH=<this folder> \
#                -t <image> -f <this folder>/Dockerfile .
#
# Both paths lie inside the build context.  Only what every builder knows is used here (classic, BuildKit, buildah,
# kaniko): no mounts, no here-documents, no --chmod, no --link.  Stages go from rarely to often changing.

ARG BASE_IMAGE=docker.io/library/debian:bookworm-slim

# The kit's folder, so that BASE_PATH is part of no other stage's cache key.
FROM scratch AS kit
ARG BASE_PATH=.
# The entry script's folder (a path's last part and `..` cancel each other), which is the runner's where none is given.
ARG ENTRY_SCRIPT
COPY ["${ENTRY_SCRIPT:-${BASE_PATH}/runner/mlflow_score_script.py}/..", "/entry/${ENTRY_SCRIPT:-mlflow_score_script.py}/.."]
COPY ["${BASE_PATH}/conda", "/conda"]
COPY ["${BASE_PATH}/nginx", "/nginx"]
COPY ["${BASE_PATH}/puncheon", "/puncheon"]
COPY ["${BASE_PATH}/requirements", "/requirements"]
COPY ["${BASE_PATH}/rsyslog", "/rsyslog"]
COPY ["${BASE_PATH}/runit", "/runit"]
COPY ["${BASE_PATH}/runner", "/runner"]
COPY ["${BASE_PATH}/scripts", "/scripts"]
COPY ["${BASE_PATH}/server", "/server"]

# What runs beside the model, and the user it runs as (unsafe-io: a build that fails is thrown away, so no fsync).
# procps is there for `ps -eaf` in a shell, ca-certificates for models that call out.
# hadolint ignore=DL3006
FROM ${BASE_IMAGE} AS base
# hadolint ignore=DL3008
RUN apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends -o Dpkg::Options::=--force-unsafe-io \
        ca-certificates \
        nginx-light \
        procps \
        rsyslog \
        runit \
        > /tmp/apt.log 2>&1 || { cat /tmp/apt.log; exit 1; } \
    && rm -rf /tmp/apt.log /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/log/*.log /var/log/apt \
        /etc/nginx/sites-enabled /etc/nginx/sites-available /etc/rsyslog.d /var/www \
    && if ! getent passwd 1000 > /dev/null; then \
           useradd --uid 1000 --user-group --create-home --shell /bin/bash dockeruser; \
       elif [ "$(id -un 1000)" != dockeruser ]; then \
           usermod --login dockeruser --home /home/dockeruser --move-home "$(id -un 1000)" \
           && groupmod --new-name dockeruser "$(id -gn 1000)"; \
       fi \
    # Any uid may run the image, with or without a home that it can write.
    && chmod 0755 /home/dockeruser \
    # nginx opens its built-in error log before it reads its configuration.
    && ln -sf /dev/stderr /var/log/nginx/error.log

# What makes the environments; never part of the final image.
# hadolint ignore=DL3006
FROM ${BASE_IMAGE} AS tools
# hadolint ignore=DL3008,DL3009,SC2015
RUN apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends -o Dpkg::Options::=--force-unsafe-io \
        ca-certificates \
        python3-pip \
        > /tmp/apt.log 2>&1 || { cat /tmp/apt.log; exit 1; }
# A site's own indexes, credentials and certificates, where it has any; only stages built on this one hold them.
COPY --from=kit /conda /kit/conda
COPY --from=kit /scripts/build-config /kit/scripts/build-config
RUN /kit/scripts/build-config /kit/conda/build-config
COPY --from=kit /requirements /kit/requirements
# Into a folder of their own, which needs no virtual environment: half the time.
RUN /usr/bin/python3 -m pip install --quiet --no-cache-dir --disable-pip-version-check --root-user-action ignore \
        --no-compile --target /opt/tools --require-hashes --requirement /kit/requirements/tools.txt
ENV PATH=/opt/tools/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONPATH=/opt/tools:/kit \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# The part of the kit that makes environments, and no more: changing the rest must not make them again.
COPY --from=kit /puncheon/__init__.py /puncheon/__main__.py /puncheon/errors.py /puncheon/model_folder.py \
     /puncheon/model_search.py /puncheon/yaml_file.py /kit/puncheon/
COPY --from=kit /puncheon/environment /kit/puncheon/environment

# The settings are checked and the templates rendered before anything slow begins.
FROM tools AS rendered
COPY --from=kit / /kit/
# >>> settings: check (made from puncheon/declarations.py by `make render`)
ARG SERVER=puncheon
ARG ENTRY_SCRIPT=
ARG AZMLINFSRV_VERSION=
ARG PYTHON_PATCH=nearest
ARG PROOF=require
ARG PROOF_TIMEOUT=300
ARG NGINX_PORT=5000
ARG GUNICORN_PORT=31311
ARG WORKER_COUNT=
ARG WORKER_THREADS=
ARG WORKER_PRELOAD=auto
ARG HTTP_WORKERS=
ARG BATCHING=auto
ARG BATCH_MAX_ROWS=1024
ARG BATCH_MAX_BYTES=262144
ARG QUEUE_MAX=1000
ARG QUEUE_MAX_MB=
ARG RETRY=on
ARG LOAD_TIMEOUT=3600
ARG WORKER_TIMEOUT=300
ARG SCORING_TIMEOUT_MS=
ARG PROXY_TIMEOUT=
ARG PROBE_TIMEOUT=2
ARG STOP_TIMEOUT=8
ARG CRASH_LIMIT=3
ARG NGINX_WORKERS=
ARG MAX_BODY_MB=100
ARG AML_CORS_ORIGINS=
ARG ACCESS_LOG=true
# <<< settings: check
RUN /usr/bin/python3 -m puncheon render /rendered

# The conda root with `base`, and `amlenv` for what is not the model's.
FROM tools AS amlenv
RUN /usr/bin/python3 -m puncheon environment --file /kit/conda/base.yaml --prefix /opt/miniconda \
    && /usr/bin/python3 -m puncheon environment --file /kit/conda/amlenv.yaml --prefix /opt/miniconda/envs/amlenv

# The model, readable for every uid, and the files that its environment depends on, normalised.
FROM tools AS model
ARG ARTIFACT_PATH
COPY ["${ARTIFACT_PATH:?is not set: --build-arg ARTIFACT_PATH=<folder of the MLflow model, in the build context>}", "/model/"]
RUN /usr/bin/python3 -m puncheon envfiles /model /envfiles --shown-as "${ARTIFACT_PATH}" \
    && chmod -R a+rX /model

# The model's own environment: cached until one of those files changes.
FROM tools AS userenv
ARG SERVER=puncheon
ARG AZMLINFSRV_VERSION=
ARG PYTHON_PATCH=nearest
COPY --from=model /envfiles /envfiles
RUN /usr/bin/python3 -m puncheon environment --files /envfiles --prefix /opt/miniconda/envs/userenv \
        --server "${SERVER}" --server-version "${AZMLINFSRV_VERSION}" --python-patch "${PYTHON_PATCH}"

# What an entry script may import of its server where the model's environment lacks it; pure Python, for any version.
FROM tools AS fallback
ARG SERVER=puncheon
RUN mkdir /fallback \
    && if [ "${SERVER}" = puncheon ]; then \
           /usr/bin/python3 -m pip install --quiet --no-cache-dir --disable-pip-version-check --root-user-action ignore \
               --no-compile --no-deps --target /fallback --require-hashes --requirement /kit/requirements/fallback.txt \
           && rm -rf /fallback/bin \
           && find /fallback -name '*.so' -delete; \
       fi

# All that runs.
FROM base AS app
COPY --from=amlenv /opt/miniconda /opt/miniconda
COPY --from=userenv /opt/miniconda/envs/userenv /opt/miniconda/envs/userenv
COPY --from=fallback /fallback /opt/puncheon/fallback
COPY --from=rendered /rendered /
COPY --from=kit /puncheon /opt/puncheon/puncheon
COPY --from=kit /scripts /opt/puncheon/scripts
COPY --from=kit /nginx /opt/puncheon/nginx
COPY --from=kit /runner /var/mlflow_resources
COPY --from=kit /entry /var/mlflow_resources
COPY --from=kit /server /var/azureml-app/server
ARG SERVER=puncheon
RUN ln -s /opt/puncheon/scripts/entrypoint /usr/local/bin/entrypoint \
    && ln -s /opt/puncheon/scripts/entrypoint /usr/local/bin/runsvdir \
    # The command that serves an entry script in the foreground; azmlinfsrv's own comes first on PATH.
    && if [ "${SERVER}" = puncheon ]; then ln -s /opt/puncheon/scripts/azmlinfsrv /usr/local/bin/azmlinfsrv; fi \
    # Interactive shells: bash's own file, and the user's, which sets the prompt once more.
    && tee -a /etc/bash.bashrc /home/dockeruser/.bashrc < /etc/profile.d/puncheon.sh > /dev/null \
    && /opt/miniconda/envs/amlenv/bin/python -m compileall -q /opt/puncheon/puncheon /var/azureml-app/server \
    # For the HTTP side; where the model's Python is of the same version, for the runner too.
    && /opt/miniconda/envs/amlenv/bin/python -m compileall -q /var/mlflow_resources \
    && /opt/miniconda/envs/userenv/bin/python -m compileall -q /var/mlflow_resources
# The reference's environment: every shell and every process finds `userenv` active.
ARG ENTRY_SCRIPT
ENV AML_APP_ROOT=/var/mlflow_resources \
    APP_MODEL_PATH=/var/azureml-app/model \
    APP_PATH=/var/azureml-app \
    APP_SERVER_PATH=/var/azureml-app/server \
    AZUREML_CONDA_ENVIRONMENT_PATH=/opt/miniconda/envs/userenv \
    AZUREML_ENTRY_SCRIPT=${ENTRY_SCRIPT:-mlflow_score_script.py} \
    AZUREML_INFERENCE_SERVER_HTTP_ENABLED=True \
    AZUREML_MODEL_DIR=/var/azureml-app/model \
    CONDA_DEFAULT_ENV=userenv \
    CONDA_ENV_DIR=/opt/miniconda/envs \
    CONDA_EXE=/opt/miniconda/bin/conda \
    CONDA_PREFIX=/opt/miniconda/envs/userenv \
    CONDA_PREFIX_1=/opt/miniconda \
    CONDA_PROMPT_MODIFIER="(userenv) " \
    CONDA_PYTHON_EXE=/opt/miniconda/bin/python \
    CONDA_SHLVL=2 \
    DEBIAN_FRONTEND=noninteractive \
    HOME=/home/dockeruser \
    LANG=C.UTF-8 \
    LC_ALL=C.UTF-8 \
    LD_LIBRARY_PATH=/opt/miniconda/envs/userenv/lib: \
    LOGNAME=dockeruser \
    MLFLOW_MODEL_FOLDER= \
    PATH=/opt/miniconda/envs/userenv/bin:/opt/miniconda/condabin:/opt/miniconda/envs/userenv/bin:/opt/miniconda/envs/amlenv/bin:/opt/miniconda/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    SVDIR=/var/runit \
    USER=dockeruser \
    USER_ENV=userenv \
    _CE_CONDA= \
    _CE_M=
# >>> settings: runtime (made from puncheon/declarations.py by `make render`)
ARG NGINX_PORT=5000
ARG GUNICORN_PORT=31311
ARG WORKER_PRELOAD=auto
ARG BATCHING=auto
ARG BATCH_MAX_ROWS=1024
ARG BATCH_MAX_BYTES=262144
ARG QUEUE_MAX=1000
ARG RETRY=on
ARG LOAD_TIMEOUT=3600
ARG WORKER_TIMEOUT=300
ARG PROBE_TIMEOUT=2
ARG STOP_TIMEOUT=8
ARG CRASH_LIMIT=3
ARG MAX_BODY_MB=100
ARG ACCESS_LOG=true
ENV NGINX_PORT=${NGINX_PORT} \
    GUNICORN_PORT=${GUNICORN_PORT} \
    WORKER_PRELOAD=${WORKER_PRELOAD} \
    BATCHING=${BATCHING} \
    BATCH_MAX_ROWS=${BATCH_MAX_ROWS} \
    BATCH_MAX_BYTES=${BATCH_MAX_BYTES} \
    QUEUE_MAX=${QUEUE_MAX} \
    RETRY=${RETRY} \
    LOAD_TIMEOUT=${LOAD_TIMEOUT} \
    WORKER_TIMEOUT=${WORKER_TIMEOUT} \
    PROBE_TIMEOUT=${PROBE_TIMEOUT} \
    STOP_TIMEOUT=${STOP_TIMEOUT} \
    CRASH_LIMIT=${CRASH_LIMIT} \
    MAX_BODY_MB=${MAX_BODY_MB} \
    ACCESS_LOG=${ACCESS_LOG}
EXPOSE ${NGINX_PORT} ${GUNICORN_PORT}
# <<< settings: runtime
WORKDIR /
USER 1000
# Last, so that a retrained model is the one new layer.
COPY --from=model /model /var/azureml-app/model

# The built image starts, answers the model's own example and stops; what it found goes with the image.
FROM app AS proof
ARG PROOF=require
ARG PROOF_TIMEOUT=300
RUN entrypoint prove --output /tmp/proof.json

# The image: everything, and the record of the proof (copied, so that no builder can leave that stage out).
FROM app AS runtime
COPY --from=proof /tmp/proof.json /var/azureml-app/proof.json
LABEL org.opencontainers.image.title="puncheon" \
      org.opencontainers.image.description="An MLflow model, served by nginx and gunicorn under runit" \
      org.opencontainers.image.licenses="Apache-2.0"
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s CMD ["/opt/puncheon/scripts/healthcheck"]
ENTRYPOINT ["/usr/local/bin/entrypoint"]
CMD ["runsvdir", "/var/runit"]
