"""Doors besides the phone: accounts of WeChat and Alipay by which a citizen signs in.

Holds    which account of which provider opens which participant: its subject by blind index, and sealed under the
         person's key; how a code of each provider is exchanged for the subject.
Promises one account of a provider opens one participant at a time; neither a provider's session key nor its tokens are
         stored, logged or answered; what a provider says counts only where it can be told from what others say.
Ignores  profiles, names and numbers that a provider may know: nothing of them is asked for.
"""

from backend.identity.doors.alipay import Alipay
from backend.identity.doors.configured import default_exchanges
from backend.identity.doors.errors import (
    DoorBlocked,
    DoorBusy,
    DoorCodeRefused,
    DoorNotConfigured,
    DoorTaken,
    DoorUnavailable,
    DoorUnknown,
    LastDoor,
)
from backend.identity.doors.providers import Exchange, Provider, Shown
from backend.identity.doors.service import (
    Door,
    close,
    close_all,
    doors_of,
    enter,
    holder_of,
    move_all,
    open_door,
)
from backend.identity.doors.wechat import WeChat

__all__ = [
    "Alipay",
    "Door",
    "DoorBlocked",
    "DoorBusy",
    "DoorCodeRefused",
    "DoorNotConfigured",
    "DoorTaken",
    "DoorUnavailable",
    "DoorUnknown",
    "Exchange",
    "LastDoor",
    "Provider",
    "Shown",
    "WeChat",
    "close",
    "close_all",
    "default_exchanges",
    "doors_of",
    "enter",
    "holder_of",
    "move_all",
    "open_door",
]
