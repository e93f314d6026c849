"""What running the platform needs."""

revision = "0015_operation"
down_revision = "0014_transparency"


def upgrade() -> None:
    pass
