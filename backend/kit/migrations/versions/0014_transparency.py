"""What the public asks of the log, by serial number."""

revision = "0014_transparency"
down_revision = "0013_bridge"


def upgrade() -> None:
    pass
