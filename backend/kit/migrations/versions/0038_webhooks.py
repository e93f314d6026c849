"""Webhooks: who is told what, deliveries and their attempts."""

from backend.kit.migrations.scripts import run_script

revision = "0038_webhooks"
down_revision = "0037_settlement"


def upgrade() -> None:
    run_script("0038_webhooks.sql")
