"""Whoever opens one participant through the operators' surface says why, and it is noted."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import Any

from backend.kit.settings import Settings
from operator_api import build, looks, proofs, trials

NOTED: dict[str, Callable[..., Any]] = {
    "look_at_participant": looks.look_at_participant,
    "note_proof": proofs.note_proof,
    "try_event": trials.try_event,
}
EXCUSED = {
    "link_means_list": "a list that comes in: it shows nothing of anybody",
}


def test_every_operation_that_names_one_participant_notes_the_look_or_is_excused(settings: Settings) -> None:
    document = build(settings).openapi()
    naming = {
        operation["operationId"]
        for path, methods in document["paths"].items()
        for operation in methods.values()
        if "{participant_id}" in path or "participant_id" in _asked(document, operation)
    }
    assert naming == NOTED.keys() | EXCUSED.keys()
    for endpoint in NOTED.values():
        assert "note(" in inspect.getsource(endpoint)


def _asked(document: dict[str, Any], operation: dict[str, Any]) -> str:
    """What an operation asks for, references followed, as text."""
    text, seen = json.dumps([operation.get("requestBody"), operation.get("parameters")]), set[str]()
    while fresh := {name for name in document["components"]["schemas"] if f'schemas/{name}"' in text} - seen:
        seen |= fresh
        text += json.dumps([document["components"]["schemas"][name] for name in sorted(fresh)])
    return text
