"""Participants, and the people behind them.

Holds    pseudonyms (citizen, household, firm) and, sealed under a key of their own, the phone numbers of people; what they write to us is
         sealed under the same key.
Promises one phone number is one person; a destroyed key erases the person and nothing else.
Ignores  what a participant does, earns or holds.
"""

from backend import log
from backend.identity.people.errors import ParticipantUnknown, PhoneInvalid, PhoneTaken
from backend.identity.people.service import (
    all_exist,
    citizen_with_phone,
    citizen_without_phone,
    data_key,
    erase,
    forget_phone,
    group_with_key,
    holder_of_phone,
    masked,
    normal_phone,
    participant_of,
    phone_index,
    phone_of,
    read_many,
    read_words,
    register,
    register_many,
    rests_on,
    seal_words,
    set_phone,
    wrap_again,
)
from backend.identity.people.tables import Participant, ParticipantKind

log.register(log.Sealed("participant", key=("id",)))

__all__ = [
    "Participant",
    "ParticipantKind",
    "ParticipantUnknown",
    "PhoneInvalid",
    "PhoneTaken",
    "all_exist",
    "citizen_with_phone",
    "citizen_without_phone",
    "data_key",
    "erase",
    "forget_phone",
    "group_with_key",
    "holder_of_phone",
    "masked",
    "normal_phone",
    "participant_of",
    "phone_index",
    "phone_of",
    "read_many",
    "read_words",
    "register",
    "register_many",
    "rests_on",
    "seal_words",
    "set_phone",
    "wrap_again",
]
