FROM python:3.13-slim AS build
WORKDIR /src
RUN python -m venv /opt/mtls-probe
COPY requirements/ requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/build.txt \
 && /opt/mtls-probe/bin/pip install --no-cache-dir --require-hashes -r requirements/otel.txt
COPY LICENSE README.md pyproject.toml ./
COPY config/ config/
COPY probe/ probe/
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir dist . \
 && /opt/mtls-probe/bin/pip install --no-cache-dir --no-deps --no-index dist/*.whl \
 && /opt/mtls-probe/bin/pip uninstall --yes pip

FROM python:3.13-slim
LABEL org.opencontainers.image.title="mtls-probe" \
      org.opencontainers.image.description="Performs mutual-TLS handshakes against OTLP backends and names the cause when they fail" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/mtls-probe /opt/mtls-probe
# Nothing is written at run time: the root file system may be read-only.
ENV PATH=/opt/mtls-probe/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 65532:65532
EXPOSE 9943
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9943/-/healthy', timeout=3)"]
ENTRYPOINT ["mtls-probe"]
CMD ["run"]
