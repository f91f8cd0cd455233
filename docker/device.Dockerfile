# The agent on a Jetson Orin with JetPack 6. How to build and run it: docker/README.md
#
# l4t-jetpack has CUDA 12.6 and cuDNN as JetPack has them, and Python 3.10. dustynv/l4t-pytorch would bring torch as
# well, but one before 2.8, which is too old for us; so torch comes as a wheel that was built for JetPack.
FROM nvcr.io/nvidia/l4t-jetpack:r36.4.0 AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 DEBIAN_FRONTEND=noninteractive
RUN apt-get update && apt-get install --yes --no-install-recommends python3-venv && rm -rf /var/lib/apt/lists/* \
    && python3 -m venv /opt/roomwise
WORKDIR /src
# torch alone is not what constraints.txt says: there is one wheel of it for JetPack 6, and not of every version.
ARG TORCH_INDEX=https://pypi.jetson-ai-lab.io/jp6/cu126
ARG TORCH=torch==2.8.0
COPY constraints.txt ./
RUN grep -v '^torch==' constraints.txt > here.txt && echo "$TORCH" >> here.txt \
    && /opt/roomwise/bin/pip install -c here.txt --index-url "$TORCH_INDEX" --no-deps "$TORCH"
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
RUN /opt/roomwise/bin/pip install -c here.txt '.[camera,voice,tui]'

FROM nvcr.io/nvidia/l4t-jetpack:r36.4.0
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends python3 libgl1 libglib2.0-0 libportaudio2 espeak-ng \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --user-group --no-log-init --groups video \
    --create-home --home-dir /var/lib/roomwise roomwise && mkdir /models
COPY --from=build /opt/roomwise /opt/roomwise
ENV PATH=/opt/roomwise/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    ROOMWISE_HOME=/var/lib/roomwise HF_HOME=/models/hub HF_HUB_OFFLINE=1 \
    NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=all
VOLUME ["/models", "/var/lib/roomwise"]
WORKDIR /models
USER 10001:10001
# It serves nobody: there is nothing to ask for its health.
HEALTHCHECK NONE
ENTRYPOINT ["roomwise"]
CMD ["doctor"]
