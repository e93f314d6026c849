"""Compliance registries: entities, obligations, allocation, pledges, surrender."""

from backend.kit.migrations.scripts import run_script

revision = "0012_registry"
down_revision = "0011_certification"


def upgrade() -> None:
    run_script("0012_registry.sql")
