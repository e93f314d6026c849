"""`puhui doctor`: what is missing or misconfigured, in sentences."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from puhui import checks


def register(app: typer.Typer) -> None:
    app.command(help="检查安装与设置 · say what is missing or misconfigured")(doctor)


def doctor(
    *, as_json: Annotated[bool, typer.Option("--json", help="输出 JSON · print JSON")] = False
) -> None:
    """Look at everything the platform needs; exit 1 when something does not hold. Changes nothing that it
    did not find missing: embedded servers are started to be asked, and stopped again when nobody uses them.
    """
    from puhui import checks, console

    findings = list(_watched(checks.all_checks(), quiet=as_json))
    sound = all(finding.ok for finding in findings)
    if as_json:
        console.print_json({"ok": sound, "checks": [finding.as_dict() for finding in findings]})
    else:
        console.out.print(
            "一切正常 · all is well" if sound else "有问题，见上 · something is wrong, see above"
        )
    raise typer.Exit(0 if sound else 1)


def _watched(findings: Iterable[checks.Finding], *, quiet: bool) -> Iterable[checks.Finding]:
    """Each finding, printed as it comes: starting a server takes a moment."""
    from rich.text import Text

    from puhui import console

    for finding in findings:
        if not quiet:
            mark = Text("✓ ", style="green") if finding.ok else Text("✗ ", style="bold red")
            console.out.print(mark + Text(f"{finding.name}: ") + Text(finding.zh), soft_wrap=True)
            console.out.print(Text(f"  {finding.en}", style="dim"), soft_wrap=True)
        yield finding
