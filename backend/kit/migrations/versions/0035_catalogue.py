"""Offers in full: drafts and reviews, terms, budgets, coupon codes, images."""

from backend.kit.migrations.scripts import run_script

revision = "0035_catalogue"
down_revision = "0034_shops"


def upgrade() -> None:
    run_script("0035_catalogue.sql")
