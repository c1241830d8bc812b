# One image for the page (`assistant serve`) and for the worker (`ingest worker`).
FROM python:3.11-slim

# The address of one more package index, for instance the one with PyTorch for processors only,
# which is gigabytes smaller:  docker build --build-arg PIP_EXTRA_INDEX_URL=... .
ARG PIP_EXTRA_INDEX_URL

# What reads scans and old office files; PROGRAMS= leaves them out and saves half a gigabyte.
ARG PROGRAMS="tesseract-ocr libreoffice-writer-nogui libreoffice-calc-nogui libreoffice-impress-nogui"
RUN if [ -n "$PROGRAMS" ]; then \
        apt-get update && apt-get install -y --no-install-recommends $PROGRAMS \
        && rm -rf /var/lib/apt/lists/*; \
    fi

ENV PYTHONUNBUFFERED=1

WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY ingest/ ingest/
COPY assistant/ assistant/
RUN pip install --no-cache-dir -c constraints.txt ".[model]"

# /data belongs to the user before a volume is mounted there: a new named volume takes that over.
RUN useradd --create-home --uid 1000 footnote \
    && install -d -o footnote -g footnote /data
USER footnote
WORKDIR /home/footnote
ENV FOOTNOTE_DATA_DIR=/data

EXPOSE 7860
CMD ["assistant", "serve"]
