"""What commands print with: answers to standard output, everything about the work to standard error."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.console import Console
from rich.text import Text

from backend.kit.errors import DomainError

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def print_json(answer: Any) -> None:
    """One JSON document on one line, Chinese as it is, nothing added for the terminal."""
    sys.stdout.write(json.dumps(answer, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


def refuse(error: DomainError) -> None:
    """Say on standard error, in Chinese and in English, what is the case."""
    err.print(Text("✗ ", style="bold red") + Text(error.message("zh")), soft_wrap=True)
    err.print(Text(f"  {error.message('en')}"), soft_wrap=True)
    err.print(Text(f"  {error.code}", style="dim"), soft_wrap=True)
