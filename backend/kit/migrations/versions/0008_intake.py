"""Sources, jobs and chunks of intake, and the actions themselves, partitioned by Shanghai month."""

from backend.kit.migrations.scripts import run_script

revision = "0008_intake"
down_revision = "0007_programmes"


def upgrade() -> None:
    run_script("0008_intake.sql")
