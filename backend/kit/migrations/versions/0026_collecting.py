"""Points that ripen and are collected, and friends who collect some."""

from backend.kit.migrations.scripts import run_script

revision = "0026_collecting"
down_revision = "0025_earning"


def upgrade() -> None:
    run_script("0026_collecting.sql")
