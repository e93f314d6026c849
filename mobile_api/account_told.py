"""What a citizen is told of their own account, so that they notice what somebody else did in their name."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from backend import inbox
from backend.inbox import Kind, Topic
from backend.kit import ids

NEW_DEVICE = Kind(
    "account.new_device",
    Topic.ACCOUNT,
    "您的账户在一台新设备上登录。如非本人操作，请在设备列表中移除该设备。",
    "Your account was signed in to on a new device. If that was not you, take it off your list of devices.",
)
PHONE_CHANGED = Kind(
    "account.phone_changed",
    Topic.ACCOUNT,
    "您的登录手机号已更换，其他会话均已结束。如非本人操作，请联系运营方。",
    "The phone that opens your account was changed, and your other sessions ended. If that was not you, ask the operator for help.",
)
DOOR_OPENED = Kind(
    "account.door_opened",
    Topic.ACCOUNT,
    "$provider 账号现可登录您的账户。如非本人操作，请在登录方式中关闭。",
    "An account of $provider opens yours from now on. If that was not you, close it in your list of ways in.",
)
JOINED = Kind(
    "account.joined",
    Topic.ACCOUNT,
    "您的另一账户已并入本账户：转入 $points 积分。",
    "Another account of yours ended in this one, and brought $points points along.",
)
RIGHT_REVOKED = Kind(
    "account.right_revoked",
    Topic.ACCOUNT,
    "您收回了减排量权益：$left 条行为的克数退出核证池，$stay 条已被批次取走而保留；积分不变。",
    "You took the right to claim back: the grams of $left acts left their pools, those of $stay stay in batches; your points stay.",
)
inbox.register(NEW_DEVICE, PHONE_CHANGED, DOOR_OPENED, JOINED, RIGHT_REVOKED)


async def tell(
    session: AsyncSession,
    kind: Kind,
    *,
    participant_id: UUID,
    refers_to: UUID | None = None,
    **facts: str | int,
) -> None:
    """Tell the account's owner, in the transaction of what happened; `refers_to` is what it happened to, if that has an id."""
    await inbox.tell(
        session,
        participant_id=participant_id,
        kind=kind.name,
        refers_to=str(refers_to or ids.uuid7()),
        facts=facts,
    )
