"""Batches with their leaves and trees, reports, verification, statements, issuance."""

from backend.kit.migrations.scripts import run_script

revision = "0011_certification"
down_revision = "0010_merchant"


def upgrade() -> None:
    run_script("0011_certification.sql")
