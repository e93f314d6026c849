"""Personal footprints, apart from reductions."""

from backend.kit.migrations.scripts import run_script

revision = "0023_footprint"
down_revision = "0022_retention"


def upgrade() -> None:
    run_script("0023_footprint.sql")
