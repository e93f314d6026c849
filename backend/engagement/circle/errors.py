"""What is refused of profiles, invitations and friends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from backend.kit.errors import DomainError, Kind

Why = Literal["length", "characters", "digits", "contact"]


@dataclass(eq=False)
class NameRefused(DomainError):
    """The name cannot be shown: 1 to 20 printable characters, no six digits, and nothing to reach somebody by."""

    code = "circle.name_refused"
    kind = Kind.INVALID
    title_zh = "该名称不能展示：须为 1 至 20 个可见字符，不含六位及以上数字，不含联系方式。"

    why: Why


@dataclass(eq=False)
class ProfileMissing(DomainError):
    """Say first that you want to be shown, and under which name."""

    code = "circle.profile_missing"
    kind = Kind.CONFLICT
    title_zh = "请先同意展示并取一个名称。"


@dataclass(eq=False)
class OnlyPeople(DomainError):
    """Only people who signed in themselves have a profile; households and firms have none."""

    code = "circle.only_people"
    kind = Kind.CONFLICT
    title_zh = "只有本人登录的个人可以展示；家庭与企业没有个人主页。"


@dataclass(eq=False)
class PersonUnknown(DomainError):
    """Nobody is shown here under this handle."""

    code = "circle.person_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这个人。"


@dataclass(eq=False)
class InvitationUnknown(DomainError):
    """There is no such invitation, or it was used or is over."""

    code = "circle.invitation_unknown"
    kind = Kind.NOT_FOUND
    title_zh = "没有这个邀请，或已被使用、已过期。"


@dataclass(eq=False)
class InvitationOwn(DomainError):
    """This invitation is your own; somebody else accepts it."""

    code = "circle.invitation_own"
    kind = Kind.CONFLICT
    title_zh = "这是您自己的邀请，须由他人接受。"


@dataclass(eq=False)
class FriendsAlready(DomainError):
    """You are friends already."""

    code = "circle.friends_already"
    kind = Kind.CONFLICT
    title_zh = "你们已是好友。"


@dataclass(eq=False)
class TooManyInvitations(DomainError):
    """Too many invitations are open; wait until some were used or are over."""

    code = "circle.too_many_invitations"
    kind = Kind.CONFLICT
    title_zh = "未使用的邀请过多，请待其被使用或过期。"

    most: int
