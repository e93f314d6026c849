"""What acts amount to by person and day, and what tasks, campaigns and referrals gave for it."""

from backend.kit.migrations.scripts import run_script

revision = "0027_followed"
down_revision = "0026_collecting"


def upgrade() -> None:
    run_script("0027_followed.sql")
