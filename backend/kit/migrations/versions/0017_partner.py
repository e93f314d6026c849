"""Partners' keys, nonces, quotas and uploads."""

from backend.kit.migrations.scripts import run_script

revision = "0017_partner"
down_revision = "0016_holding"


def upgrade() -> None:
    run_script("0017_partner.sql")
