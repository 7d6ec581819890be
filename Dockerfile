# `asset-sync up` in a container; docs/local-runtime.md, "In a container":
#   docker build -t asset-sync .
#   docker run --rm -p 127.0.0.1:8600:8600 asset-sync
FROM python:3.13-slim

WORKDIR /app
COPY requirements/local.txt requirements/local.txt
RUN python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements/local.txt
COPY src src
RUN useradd --create-home --uid 10001 asset-sync

# src comes before site-packages, so that no distribution takes the name of a package of ours.
ENV PYTHONPATH=/app/src PYTHONUNBUFFERED=1
USER asset-sync
EXPOSE 8600
ENTRYPOINT ["python", "-c", "from entrypoints.cli.main import main; main()"]
CMD ["up", "--host", "0.0.0.0", "--port", "8600"]
