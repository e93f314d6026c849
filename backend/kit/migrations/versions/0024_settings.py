"""What overlays set in a programme's pack."""

from backend.kit.migrations.scripts import run_script

revision = "0024_settings"
down_revision = "0023_footprint"


def upgrade() -> None:
    run_script("0024_settings.sql")
