"""Classes of data, how long they are kept, and closed months that were exported."""

from backend.kit.migrations.scripts import run_script

revision = "0022_retention"
down_revision = "0021_fingerprints"


def upgrade() -> None:
    run_script("0022_retention.sql")
