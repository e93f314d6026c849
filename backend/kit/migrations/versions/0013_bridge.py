"""The bridge between books, what holders do with credits, and agreed sales."""

from backend.kit.migrations.scripts import run_script

revision = "0013_bridge"
down_revision = "0012_registry"


def upgrade() -> None:
    run_script("0013_bridge.sql")
