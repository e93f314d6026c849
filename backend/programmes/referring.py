"""What a programme's pack names in other packs: methodologies with their activities and inputs, and screens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backend.packs import Pack
from backend.packs.faults import Faults

_NUMBERS = ("uint", "int", "decimal")


def refers(data: Mapping[str, Any], known: Mapping[str, Pack], faults: Faults) -> None:
    """Report what is named and is not there."""
    for place, earn in enumerate(data["earn"]):
        methodology = known.get(earn["methodology"])
        if methodology is None or methodology.kind != "methodology":
            faults.add(("earn", place, "methodology"), "bad_reference", name=repr(earn["methodology"]))
            continue
        found = [a for a in methodology.data.get("activity", []) if a.get("id") == earn["activity"]]
        if not found:
            faults.add(("earn", place, "activity"), "bad_reference", name=repr(earn["activity"]))
        elif "input" in earn:
            _input(earn["input"], found[0], ("earn", place, "input"), faults)
    if "screens" in data:
        screens = known.get(data["screens"]["pack"])
        if screens is None or screens.kind != "screens":
            faults.add(("screens", "pack"), "bad_reference", name=repr(data["screens"]["pack"]))
    earning = {earn["activity"] for earn in data["earn"]}
    for place, cap in enumerate(data.get("cap", [])):
        for number, activity in enumerate(cap.get("activities", [])):
            if activity not in earning:
                faults.add(("cap", place, "activities", number), "bad_reference", name=repr(activity))


def _input(name: str, activity: Mapping[str, Any], at: tuple[str | int, ...], faults: Faults) -> None:
    item = next((one for one in activity.get("inputs", []) if one.get("id") == name), None)
    if item is None:
        faults.add(at, "bad_reference", name=repr(name))
    elif item.get("type") not in _NUMBERS:
        faults.add(at, "inconsistent", why=f"the input {name} is no number", why_zh=f"输入 {name} 不是数字")
