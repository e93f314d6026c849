"""Cases as an outside program writes them, and the answers as it reads them."""

from __future__ import annotations

import json
from typing import Any

from offset_bridge import rules


def lot(name: str, unit: str = "CCER", tonnes: object = 10, /, **facts: object) -> dict[str, object]:
    """A holding that every rule of the handbook edition accepts, unless a fact says otherwise. `...` leaves one out."""
    sound: dict[str, object] = {
        "id": name,
        "unit": unit,
        "tonnes": tonnes,
        "project_region": "CN-GD",
        "project_type": "inclusion" if unit == "PHCER" else "forestry",
        "gases": {"CO2": "1.0"},
        "vintage_start": "2014-01-01",
        "vintage_end": "2014-12-31",
        "commissioned_on": "2013-05-01",
        "filed": True,
        "own_boundary": False,
    }
    return {key: value for key, value in {**sound, **facts}.items() if value is not ...}


def case(*holdings: dict[str, object], emissions: object = 500_000, **more: object) -> dict[str, Any]:
    """A case of 2018 whose obligation is its emissions. `obligation` changes that, other names are the case's own."""
    obligation = more.pop("obligation", emissions)
    return {
        "market": "guangdong",
        "compliance_year": 2018,
        "entity": {
            "region": "CN-GD",
            "issued_t": 1,
            "initial_t": 1,
            "confirmed_emissions_t": emissions,
            "obligation_t": obligation,
        },
        "used": {},
        "holdings": list(holdings),
        **more,
    }


def evaluate(asked: dict[str, Any]) -> dict[str, Any]:
    """The answer in its JSON shape, or `{"error": …}`."""
    try:
        read = rules.read_case(json.dumps(asked).encode())
        return rules.evaluate(read, rules.find_market(read.market, year=read.compliance_year)).json()
    except rules.OffsetError as error:
        return {"error": error.answer()}


def usable(answer: dict[str, Any]) -> dict[str, int]:
    return {line["id"]: line["usable_t"] for line in answer["lines"]}


def codes(answer: dict[str, Any], name: str) -> list[str]:
    """The codes of the reasons against one lot."""
    line = next(line for line in answer["lines"] if line["id"] == name)
    return [reason["code"] for reason in line["reasons"]]


def constraint(answer: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(item for item in answer["constraints"] if item["id"] == name)
    return found


def warned(answer: dict[str, Any]) -> set[str]:
    return {warning["code"] for warning in answer["warnings"]}
