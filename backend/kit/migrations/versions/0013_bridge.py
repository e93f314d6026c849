"""The bridge between books, and agreed sales."""

revision = "0013_bridge"
down_revision = "0012_registry"


def upgrade() -> None:
    pass
