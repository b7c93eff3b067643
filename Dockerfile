# The servers on a CPU. Build: docker build -t vizion3d .
FROM python:3.12-slim AS build
WORKDIR /src
# The CPU build of torch is a tenth of the size of the one with CUDA.
RUN python -m venv /opt/vizion3d \
    && /opt/vizion3d/bin/pip install --no-cache-dir --index-url https://download.pytorch.org/whl/cpu "torch>=2.10"
COPY pyproject.toml README.md LICENSE ./
COPY vizion3d ./vizion3d
RUN /opt/vizion3d/bin/pip install --no-cache-dir .

FROM python:3.12-slim
# What Open3D loads when it is imported.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --no-install-recommends --yes libusb-1.0-0 libgl1 libegl1 libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 vizion3d \
    && install --directory --owner vizion3d /models
COPY --from=build /opt/vizion3d /opt/vizion3d
ENV PATH=/opt/vizion3d/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    VIZION3D_MODEL_CACHE=/models \
    VIZION3D_HOST=0.0.0.0
USER 10001
VOLUME /models
EXPOSE 8000 50051
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=120s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health', timeout=4)"]
CMD ["vizion3d-serve-rest"]
