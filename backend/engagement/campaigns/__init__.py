"""Campaigns 活动: acts of a time earn a multiple of their points, out of a budget of the campaign's own.

Holds    what each act was given beyond its points, in batches that say what was left; what came back with withdrawn acts.
Promises the budget holds to the point, in the order of the acts within what is newly followed, also where it ends in the
         middle of a batch; what no longer fits is noted as due and not given; points that come back may be given again.
Ignores  what acts earn themselves.
"""

from backend import log
from backend.engagement.campaigns.service import Figures, figures_of, follow_touched

log.register(
    log.Sealed("campaign_batch", key=("id",)),
    log.Sealed("campaign_grant", key=("programme_id", "campaign", "claim_key")),
    log.Sealed("campaign_returned", key=("programme_id", "campaign", "claim_key")),
)

__all__ = ["Figures", "figures_of", "follow_touched"]
