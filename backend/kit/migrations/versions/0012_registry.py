"""Compliance registries: entities, obligations, allocation, pledges, surrender."""

revision = "0012_registry"
down_revision = "0011_certification"


def upgrade() -> None:
    pass
