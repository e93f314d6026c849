"""Events 活动: something to come to, with seats, a waiting list and checking in at the door.

Holds    events, who signed up in which order, who cancelled, and who came.
Promises seats are given in the order of signing up, and never more than there are; a price is spent once and goes back to
         the exact lots when somebody cancels, gets no seat or the event is called off; a person checks in once, with the
         code that the screen shows in that half minute, and is awarded once.
Ignores  what happens there, and who else came: nobody is shown to anybody.
"""

from backend import log
from backend.engagement.events.errors import (
    CheckInRefused,
    EventBegun,
    EventTimesOutOfOrder,
    EventUnknown,
    NotSignedUp,
    SignedUpAlready,
)
from backend.engagement.events.model import Event, SignUp
from backend.engagement.events.service import (
    call_off,
    cancel,
    check_in,
    event_of,
    events_of,
    publish,
    screen_code,
    settle_begun,
    sign_up,
    sign_up_of,
    sign_ups,
    sign_ups_of,
)

log.register(
    log.Sealed("event", key=("id",)),
    log.Sealed("event_called_off", key=("event_id",)),
    log.Sealed("event_signup", key=("id",)),
    log.Sealed("event_signup_end", key=("signup_id",)),
    log.Sealed("event_check_in", key=("signup_id",)),
)

__all__ = [
    "CheckInRefused",
    "Event",
    "EventBegun",
    "EventTimesOutOfOrder",
    "EventUnknown",
    "NotSignedUp",
    "SignUp",
    "SignedUpAlready",
    "call_off",
    "cancel",
    "check_in",
    "event_of",
    "events_of",
    "publish",
    "screen_code",
    "settle_begun",
    "sign_up",
    "sign_up_of",
    "sign_ups",
    "sign_ups_of",
]
