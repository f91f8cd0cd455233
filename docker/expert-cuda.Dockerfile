# The expert on an NVIDIA GPU. The wheels of torch bring CUDA with them, the host brings the driver: so the base
# is plain Python. How to build and run it: docker/README.md
FROM python:3.12-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/roomwise
WORKDIR /src
# Libraries first: they change less often than we do.
COPY constraints.txt ./
RUN /opt/roomwise/bin/pip install -c constraints.txt torch
COPY pyproject.toml README.md LICENSE roomwise.py ./
COPY adapters ./adapters
COPY agent ./agent
COPY bench ./bench
COPY capture ./capture
COPY core ./core
COPY expert ./expert
COPY memory ./memory
COPY models ./models
COPY tui ./tui
RUN /opt/roomwise/bin/pip install -c constraints.txt '.[ray]'

FROM python:3.12-slim-bookworm
RUN useradd --uid 10001 --user-group --no-log-init --create-home --home-dir /var/lib/roomwise roomwise \
    && mkdir /models
COPY --from=build /opt/roomwise /opt/roomwise
ENV PATH=/opt/roomwise/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    ROOMWISE_HOME=/var/lib/roomwise HF_HOME=/models/hub HF_HUB_OFFLINE=1 \
    NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
VOLUME /models
WORKDIR /models
USER 10001:10001
EXPOSE 8765
HEALTHCHECK --interval=30s --timeout=5s --start-period=180s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8765/healthz', timeout=4)"]
ENTRYPOINT ["roomwise"]
CMD ["expert", "serve", "--host", "0.0.0.0", "--port", "8765"]
