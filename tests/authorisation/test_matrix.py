"""Who may do what: every operation of every document, asked for by everybody, as `matrix.csv` says.

A cell is what the role meets before anything is looked up: 401 not signed in here, 403 not allowed, or `in`. The column
`private_for` names the roles for whom another's object answers like one that is not there; whoever else is let in may see it,
or there is none in the address.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.routing import iter_route_contexts
from sqlalchemy import text
from starlette.routing import Mount

from backend.identity.tokens import Audience
from puhui.surfaces import SURFACES
from tests.authorisation.conftest import STAFF, Operation, Town, operations
from tests.authorisation.objects import OBJECTS, Found

MATRIX = Path(__file__).with_name("matrix.csv")
ROLES = ("anonymous", "citizen", "clerk", *STAFF, "machine")
_OF_THE_DOCUMENT = {"/openapi.json", "/docs", "/docs/oauth2-redirect", "/redoc"}
_NOT_LET_IN = {"kit.unauthenticated", "kit.forbidden", "identity.signature_missing"}


def expected() -> dict[str, dict[str, str]]:
    """The table: by operation, what each role meets."""
    with MATRIX.open(encoding="utf-8", newline="") as file:
        return {row["operation"]: row for row in csv.DictReader(file)}


def meets(status: int, code: str) -> str:
    """What an answer means: a refusal that says more than "not you" comes from inside."""
    return str(status) if code in _NOT_LET_IN else "in"


@pytest.fixture(scope="module")
async def met(town: Town) -> dict[str, dict[str, tuple[int, str]]]:
    """What each role met at each operation with nothing that exists in the address: status and code."""
    found: dict[str, dict[str, tuple[int, str]]] = {}
    for operation in operations(town.app):
        row = found.setdefault(str(operation), {})
        for role in ROLES:
            headers = await town.headers(role)
            answer = await town.ask(operation, {}, headers, signed=role == "machine")
            row[role] = answer.status_code, _code(answer.content, answer.headers.get("content-type", ""))
    return found


def _code(content: bytes, kind: str) -> str:
    if "problem+json" not in kind:
        return ""
    return str(json.loads(content).get("code", ""))


async def test_the_table_lists_exactly_the_operations_that_there_are(town: Town) -> None:
    there = {str(operation) for operation in operations(town.app)}
    listed = set(expected())
    assert there == listed, {"not in the table": there - listed, "no longer there": listed - there}


async def test_no_route_is_undocumented(town: Town) -> None:
    documented = {(operation.surface, operation.method, operation.path) for operation in operations(town.app)}
    for mounted in town.app.routes:
        if not isinstance(mounted, Mount):
            continue
        assert mounted.path in SURFACES
        for route in iter_route_contexts(mounted.app.routes):  # type: ignore[attr-defined]
            if route.path in _OF_THE_DOCUMENT:
                continue
            for method in set(route.methods or ()) - {"HEAD"}:
                assert (mounted.path, method, route.path) in documented
    beside = {
        route.path
        for route in iter_route_contexts([one for one in town.app.routes if not isinstance(one, Mount)])
    }
    assert beside <= {"/healthz", "/readyz", "/metrics", *_OF_THE_DOCUMENT}


async def test_everybody_meets_what_the_table_says(met: dict[str, dict[str, tuple[int, str]]]) -> None:
    table = expected()
    wrong = [
        f"{operation} as {role}: {status} {code}, the table says {table[operation][role]}"
        for operation, row in met.items()
        for role, (status, code) in row.items()
        if operation in table and meets(status, code) != table[operation][role]
    ]
    assert not wrong, "\n".join(wrong)


async def test_nobody_meets_a_fault(met: dict[str, dict[str, tuple[int, str]]]) -> None:
    faults = [
        f"{operation} as {role}" for operation, row in met.items() for role, (s, _) in row.items() if s >= 500
    ]
    assert not faults, "\n".join(faults)


async def test_a_foreign_object_answers_like_one_that_is_not_there(town: Town) -> None:
    wrong = []
    for operation in operations(town.app):
        for role in filter(None, expected()[str(operation)]["private_for"].split()):
            foreign, missing = await foreign_and_missing(town, operation, role)
            if foreign != missing or foreign[0] < 400:
                wrong.append(f"{operation} as {role}: foreign {foreign}, missing {missing}")
    assert not wrong, "\n".join(wrong)


async def test_whose_object_it_is_sees_it(town: Town) -> None:
    wrong = []
    for operation in operations(town.app):
        roles = expected()[str(operation)]["private_for"].split()
        if operation.method != "GET" or not roles:
            continue
        values, owner = await an_object(town, operation)
        own = await town.ask(operation, values, await _headers_of_owner(town, operation, owner, roles))
        if own.status_code != 200:
            wrong.append(f"{operation} as its owner: {own.status_code} {own.text[:200]}")
    assert not wrong, "\n".join(wrong)


async def foreign_and_missing(
    town: Town, operation: Operation, role: str
) -> tuple[tuple[int, str], tuple[int, str]]:
    """What somebody of the role who owns nothing meets with another's object, and with one that is not there."""
    values, _ = await an_object(town, operation)
    headers = await town.headers(role)
    last = next(name for name in reversed(operation.names) if name in values)
    elsewhere = {name: value for name, value in values.items() if name != last}
    met = []
    for asked in (values, elsewhere):
        answer = await town.ask(operation, asked, headers)
        met.append((answer.status_code, _code(answer.content, answer.headers.get("content-type", ""))))
    return met[0], met[1]


async def an_object(town: Town, operation: Operation) -> tuple[dict[str, Any], UUID]:
    """The path's values for one object of the city, and its owner."""
    found = known_object(operation)
    assert found is not None, f"{operation}: no object is known"
    assert found.owner is not None, f"{operation}: its object has no owner"
    async with town.db.transaction() as session:
        row = dict((await session.execute(text(found.sql))).one()._mapping)  # noqa: SLF001
    return row, row.pop(found.owner)


def known_object(operation: Operation) -> Found | None:
    """How to find what the last parameter names, of those that we can find."""
    known = OBJECTS.get(operation.surface, {})
    place = operation.path.split("/")[1]
    what = (
        operation.path.rpartition("}")[2].strip("/").split("/")[0]
    )  # of the object, as `coupons` of an offer
    for name in reversed(operation.names):
        found = known.get(f"{name}/{what}") or known.get(f"{place}/{name}") or known.get(name)
        if found is not None:
            return found
    return None


async def _headers_of_owner(
    town: Town, operation: Operation, owner: UUID, roles: list[str]
) -> dict[str, str]:
    if operation.surface == "/mobile/v1":
        return await town.headers_of(Audience.CITIZEN, owner)
    return await town.headers_of(Audience.STAFF, await town.staff_of(owner, roles))
