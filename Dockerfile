# docker build -t nmt .
# docker run --gpus all -v "$PWD/runs:/runs" nmt nmt-train experiment=demo
#
# PyTorch brings its own CUDA libraries, so a small CUDA base image is enough; the host provides the driver.
ARG BASE_IMAGE=nvidia/cuda:13.0.1-base-ubuntu24.04

# Build stage: only the finished environment is copied from it. The compiler is for nmt/native.
FROM ${BASE_IMAGE} AS build
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc libc6-dev python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# A folder or URL with wheels of another PyTorch build, such as the small one without CUDA.
ARG PIP_FIND_LINKS=
RUN python3 -m venv /venv
WORKDIR /src
# Dependencies are a separate layer, so a code change does not reinstall them.
COPY pyproject.toml constraints.txt ./
RUN /venv/bin/pip install --constraint constraints.txt torch==2.13.0 \
    && /venv/bin/python -c "import tomllib; project = tomllib.load(open('pyproject.toml', 'rb'))['project']; print(*project['dependencies'], *(one for extra in ('train', 'formats', 'serve') for one in project['optional-dependencies'][extra]), sep='\n')" > dependencies.txt \
    && /venv/bin/pip install --constraint constraints.txt --requirement dependencies.txt
COPY README.md LICENSE ./
COPY conf conf
COPY data data
COPY nmt nmt
RUN /venv/bin/pip install --constraint constraints.txt --no-deps .

FROM ${BASE_IMAGE}
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 nmt \
    && mkdir /runs /data \
    && chown nmt /runs /data
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HF_HOME=/data/huggingface
USER 10001
# `runs_dir` and `cache_dir` are relative to this folder.
WORKDIR /
VOLUME ["/runs", "/data"]
# For nmt-serve. Every other command listens on no port and counts as healthy.
EXPOSE 5000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD ["python3", "-c", "import pathlib, urllib.request; b'nmt-serve' in pathlib.Path('/proc/1/cmdline').read_bytes() and urllib.request.urlopen('http://127.0.0.1:5000/health', timeout=4)"]
CMD ["nmt-train", "--help"]
