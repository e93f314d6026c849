"""What the public asks of the log, by serial number."""

from backend.kit.migrations.scripts import run_script

revision = "0014_transparency"
down_revision = "0013_bridge"


def upgrade() -> None:
    run_script("0014_transparency.sql")
