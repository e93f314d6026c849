"""Withdrawn grams that were certified before: deductions, debts, compulsory cancellation."""

from backend.kit.migrations.scripts import run_script

revision = "0019_shortfalls"
down_revision = "0018_corrections"


def upgrade() -> None:
    run_script("0019_shortfalls.sql")
