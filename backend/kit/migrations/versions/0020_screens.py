"""What screens and caps leave behind."""

from backend.kit.migrations.scripts import run_script

revision = "0020_screens"
down_revision = "0019_shortfalls"


def upgrade() -> None:
    run_script("0020_screens.sql")
