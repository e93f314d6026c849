"""Participants and the personal data behind them; migration 0004 states the rules."""

from __future__ import annotations

import enum
from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from backend.kit.tables import moment, text_enum


class ParticipantKind(enum.StrEnum):
    """Who takes part: a person, a household around a meter, a small firm."""

    CITIZEN = "citizen"
    HOUSEHOLD = "household"
    FIRM = "firm"


class Participant(SQLModel, table=True):
    """A pseudonym: all that any other part of the platform knows of a person."""

    __tablename__ = "participant"

    id: UUID = Field(primary_key=True)
    kind: ParticipantKind = Field(sa_type=text_enum(ParticipantKind))
    created_at: datetime = Field(sa_type=moment)


class Person(SQLModel, table=True):
    """Personal data, sealed under the key in `person_key`; empty once that key is destroyed."""

    __tablename__ = "person"

    participant_id: UUID = Field(primary_key=True, foreign_key="participant.id")
    phone_index: bytes | None = None
    phone_sealed: bytes | None = None
    joined_at: datetime = Field(sa_type=moment)
    erased_at: datetime | None = Field(default=None, sa_type=moment)


class PersonKey(SQLModel, table=True):
    """The data key of one person, wrapped by the platform's key; deleting this row erases the person."""

    __tablename__ = "person_key"

    participant_id: UUID = Field(primary_key=True, foreign_key="person.participant_id")
    wrapped: bytes
