"""Monitoring periods, batches, findings, statements, issuance."""

revision = "0011_certification"
down_revision = "0010_merchant"


def upgrade() -> None:
    pass
