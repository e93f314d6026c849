"""What running the platform needs: generations of the log's signing key, replaced master keys, recorded audits."""

from backend.kit.migrations.scripts import run_script

revision = "0015_operation"
down_revision = "0014_transparency"


def upgrade() -> None:
    run_script("0015_operation.sql")
