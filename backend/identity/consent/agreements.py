"""The texts that people agree to, kept as data: id, edition, both languages, and the fingerprint of all of it."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from backend.identity.consent.errors import AgreementUnknown
from backend.kit.errors import Language

Purpose = Literal["assignment", "consent", "social", "guardian"]
_FOLDER = Path(__file__).parent / "agreements"


@dataclass(frozen=True, slots=True)
class Agreement:
    """One edition of a text. `sha256` is over `body`, the whole file, so no word of it can change unseen."""

    id: str
    edition: str
    purpose: Purpose
    sample: bool
    title_zh: str
    title_en: str
    text_zh: str
    text_en: str
    body: str
    sha256: bytes

    def title(self, language: Language) -> str:
        return self.title_zh if language == "zh" else self.title_en

    def text(self, language: Language) -> str:
        return self.text_zh if language == "zh" else self.text_en


def read_agreement(body: str) -> Agreement:
    """An agreement from the text of its file."""
    values = tomllib.loads(body)
    return Agreement(
        id=values["id"],
        edition=values["edition"],
        purpose=values["purpose"],
        sample=values["sample"],
        title_zh=values["title_zh"],
        title_en=values["title_en"],
        text_zh=values["text_zh"].strip(),
        text_en=values["text_en"].strip(),
        body=body,
        sha256=hashlib.sha256(body.encode()).digest(),
    )


@cache
def agreements() -> tuple[Agreement, ...]:
    """Every agreement that can be entered into now, by id."""
    read = [read_agreement(path.read_text(encoding="utf-8")) for path in sorted(_FOLDER.glob("*.toml"))]
    return tuple(sorted(read, key=lambda agreement: agreement.id))


def agreement(agreement_id: str, *, purpose: Purpose) -> Agreement:
    """The present edition of one agreement, or `AgreementUnknown`."""
    for found in agreements():
        if found.id == agreement_id and found.purpose == purpose:
            return found
    raise AgreementUnknown
