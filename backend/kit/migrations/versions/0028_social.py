"""Profiles, friends, teams, leaderboards, feeds and news."""

from backend.kit.migrations.scripts import run_script

revision = "0028_social"
down_revision = "0027_followed"


def upgrade() -> None:
    run_script("0028_social.sql")
