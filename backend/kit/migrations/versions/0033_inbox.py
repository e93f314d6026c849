"""What a citizen is told, what they want to be told, and which programmes they take part in."""

from backend.kit.migrations.scripts import run_script

revision = "0033_inbox"
down_revision = "0032_linking"


def upgrade() -> None:
    run_script("0033_inbox.sql")
