"""Lotteries, planting, adoption, props, welfare and events."""

from backend.kit.migrations.scripts import run_script

revision = "0029_games"
down_revision = "0028_social"


def upgrade() -> None:
    run_script("0029_games.sql")
