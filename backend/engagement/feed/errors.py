"""What is refused of the feed."""

from __future__ import annotations

from dataclasses import dataclass

from backend.kit.errors import DomainError, Kind


@dataclass(eq=False)
class PostUnknown(DomainError):
    """There is no such post here for you."""

    code = "feed.post_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这条动态。"


@dataclass(eq=False)
class NothingToShare(DomainError):
    """This was not achieved, or no longer stands."""

    code = "feed.nothing_to_share"
    kind = Kind.CONFLICT
    title_zh = "该成果尚未达成，或已不再成立。"


@dataclass(eq=False)
class PostHidden(DomainError):
    """The operator hid this post; it is not shared again."""

    code = "feed.post_hidden"
    kind = Kind.CONFLICT
    title_zh = "该动态已被运营方隐藏，不能再次分享。"


@dataclass(eq=False)
class PostRemovedAlready(DomainError):
    """The post was taken back or hidden before."""

    code = "feed.post_removed_already"
    kind = Kind.CONFLICT
    title_zh = "该动态已被撤回或隐藏。"
