"""How the demo's account is printed: Chinese first, English beside or below it, every sum checked as it is shown."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

WIDE = 88  # columns from which English stands beside the Chinese


class Printer:
    """Prints titles, sentences and tables, and remembers whether every sum held."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.wide = console.width >= WIDE
        self.adds_up = True

    def title(self, number: str, zh: str, en: str) -> None:
        self.console.print()
        self.console.print(Text.assemble((f"{number} {zh}", "bold green"), (f"  {en}", "dim")))

    def say(self, zh: str, en: str, *, mark: bool | None = None, indent: int = 2) -> None:
        words = self.words(zh, en, below=True)
        if mark is None:
            self.show(words, indent=indent)
            return
        marked = Table.grid(padding=(0, 1))
        marked.add_row(self.mark(mark), words)
        self.show(marked, indent=indent)

    def words(self, zh: str, en: str, *, below: bool = False) -> Text:
        if not en:
            return Text(zh)
        return Text.assemble(zh, "\n" if below else " ", (en, "dim"))

    def mark(self, held: bool) -> Text:
        return Text("✓", style="green") if held else Text("✗", style="bold red")

    def keep(self, held: bool) -> bool:
        """Remember whether this held."""
        self.adds_up &= held
        return held

    def table(self) -> Table:
        return Table(box=None, show_edge=False, pad_edge=False, padding=(0, 1), show_header=False)

    def sum(self, rows: Sequence[tuple[str, str, int]], total: tuple[str, str], amount: int) -> None:
        """Rows and what they must add up to; the total comes from elsewhere than the rows."""
        table = self.table()
        table.add_column(overflow="fold")
        table.add_column(justify="right", no_wrap=True)
        table.add_column(no_wrap=True)
        for zh, en, number in rows:
            table.add_row(self.words(zh, en), f"{number:,}", "")
        held = sum(number for _, _, number in rows) == amount
        self.adds_up &= held
        label = Text.assemble((total[0], "bold"), (f" {total[1]}", "dim"))
        table.add_row(label, Text(f"{amount:,}", style="bold"), self.mark(held))
        self.show(table)

    def show(self, what: Text | Table, *, indent: int = 2) -> None:
        self.console.print(Padding(what, (0, 0, 0, indent), expand=False))

    def line(self, text: str) -> None:
        """A path or a command, never broken."""
        self.console.print(Text(f"    {text}", style="cyan"), soft_wrap=True)
