"""Books of serial numbers, blocks and their movements; further kinds of account."""

revision = "0009_serials"
down_revision = "0008_intake"


def upgrade() -> None:
    pass
