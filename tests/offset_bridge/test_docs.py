"""The example in `docs/offset.md` has the answer that the page shows."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.offset_bridge.support import evaluate

TEXT = (Path(__file__).parents[2] / "docs" / "offset.md").read_text("utf-8")


def test_the_example_of_the_documentation_is_answered_as_shown() -> None:
    asked = re.search(r"```json\n(.*?)```", TEXT, re.DOTALL)
    assert asked
    shown = re.findall(r"^\| (\w+) \| (\d+) \| ?(?:`([a-z-]+)`)? ?\|$", TEXT, re.MULTILINE)
    answer = evaluate(json.loads(asked[1]))
    found = [
        (line["id"], str(line["usable_t"]), "".join(reason["code"] for reason in line["reasons"]))
        for line in answer["lines"]
    ]
    assert found == shown
    assert len(shown) == 4
