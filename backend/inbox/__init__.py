"""The inbox 消息: what a citizen is told, and what they want to be told.

Holds    messages as facts, read or not, and choices by topic.
Promises what is told commits with what happened, once; it is worded when it is read, in the reader's language; nobody is told of a
         topic they switched off, but for their account.
Ignores  why something is told: whoever makes it happen registers its kind and tells it. Messages are forgotten after half a year.
"""

from backend.inbox import leaving as _leaving  # noqa: F401 - registers what closing an account does to it
from backend.inbox.errors import ItemUnknown, TopicNeeded
from backend.inbox.kinds import Kind, Topic, kind_of, register, registered
from backend.inbox.service import (
    Item,
    choices_of,
    choose,
    forget,
    forget_old,
    items_of,
    read,
    read_all,
    tell,
    tell_many,
    unread_of,
)

__all__ = [
    "Item",
    "ItemUnknown",
    "Kind",
    "Topic",
    "TopicNeeded",
    "choices_of",
    "choose",
    "forget",
    "forget_old",
    "items_of",
    "kind_of",
    "read",
    "read_all",
    "register",
    "registered",
    "tell",
    "tell_many",
    "unread_of",
]
