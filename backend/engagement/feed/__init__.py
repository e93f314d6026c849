"""Feed 动态: what people let others see of what they achieved.

Holds    posts that refer to an achievement, never words; likes, reports, and what was taken back or hidden.
Promises a post is seen by friends or by the programme, as its author chose, while the author agrees to be shown under
         the same handle and what it tells of stands; whoever hides or leaves is gone from all of it at once.
Ignores  who finished what (tasks, levels, planting): it asks at every reading.
"""

from backend import log
from backend.engagement.feed.errors import NothingToShare, PostHidden, PostRemovedAlready, PostUnknown
from backend.engagement.feed.model import Audience, Cause, OwnPost, Post, PostKind, Reported
from backend.engagement.feed.service import hide, like, own, read, report, reported, share, take_back

log.register(
    log.Sealed("feed_post", key=("id",)),
    log.Sealed("feed_like", key=("post_id", "participant_id", "seq")),
    log.Sealed("feed_report", key=("post_id", "participant_id")),
    log.Sealed("feed_removal", key=("post_id",)),
)

__all__ = [
    "Audience",
    "Cause",
    "NothingToShare",
    "OwnPost",
    "Post",
    "PostHidden",
    "PostKind",
    "PostRemovedAlready",
    "PostUnknown",
    "Reported",
    "hide",
    "like",
    "own",
    "read",
    "report",
    "reported",
    "share",
    "take_back",
]
