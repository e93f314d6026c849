"""Offers, redemptions and their codes."""

revision = "0010_merchant"
down_revision = "0009_serials"


def upgrade() -> None:
    pass
