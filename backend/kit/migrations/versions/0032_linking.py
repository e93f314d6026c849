"""Proofs of means, means that are lost or replaced, shared meters, households and firms with members."""

from backend.kit.migrations.scripts import run_script

revision = "0032_linking"
down_revision = "0031_privacy"


def upgrade() -> None:
    run_script("0032_linking.sql")
