# One image for every part of the platform; docker-compose.yml says which part a container is.
FROM python:3.13-slim AS build
WORKDIR /opt/puhui
COPY requirements-run.lock ./
# Only what is locked, each file by its hash; where packages come from is the builder's own setting.
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements-run.lock
COPY pyproject.toml README.md LICENSE ./
COPY backend ./backend
COPY mobile_api ./mobile_api
COPY operator_api ./operator_api
COPY partner_api ./partner_api
COPY verifier_api ./verifier_api
COPY merchant ./merchant
COPY offset_bridge ./offset_bridge
COPY puhui ./puhui
COPY simulation ./simulation
COPY packs ./packs
RUN python -m compileall -q /opt/puhui \
    && printf '#!/bin/sh\nexec /opt/venv/bin/python -m puhui "$@"\n' > /opt/venv/bin/puhui \
    && chmod 755 /opt/venv/bin/puhui

FROM python:3.13-slim
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /var/lib/puhui puhui \
    && install -d -o puhui -g puhui -m 0700 /var/lib/puhui /var/lib/puhui/uploads
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/puhui /opt/puhui
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/opt/puhui \
    PYTHONUNBUFFERED=1 \
    PUHUI_DATA_DIR=/var/lib/puhui
WORKDIR /var/lib/puhui
USER puhui
EXPOSE 8000
CMD ["puhui", "--help"]
