"""Run a revision's SQL file."""

from __future__ import annotations

import re
from pathlib import Path

from alembic import op

_STATEMENT_END = re.compile(r";\s*$", re.MULTILINE)


def run_script(name: str) -> None:
    """Execute every statement of `sql/<name>`; statements end with `;` at a line's end, outside `$$` bodies."""
    script = (Path(__file__).parent / "sql" / name).read_text("utf-8")
    for statement in split_statements(script):
        op.get_bind().exec_driver_sql(statement)


def split_statements(script: str) -> list[str]:
    """The script's statements, in order, without empty ones."""
    statements: list[str] = []
    pending = ""
    for piece in _STATEMENT_END.split(script):
        pending = f"{pending};\n{piece}" if pending else piece
        if pending.count("$$") % 2 == 0:
            statements.append(pending)
            pending = ""
    return [statement for statement in statements if _without_comments(statement).strip()]


def _without_comments(statement: str) -> str:
    return re.sub(r"--[^\n]*", "", statement)
