"""An import-linter contract: what is private to a noun is imported from inside its folder only."""

from __future__ import annotations

from typing import Any

import grimp
from importlinter import Contract, ContractCheck, fields, output


class PrivateModules(Contract):
    """Modules of certain names belong to the package they lie in.

    Options: `names`, each also covering modules that end in `_name`; `ignored_modules`, which are public by design.
    """

    type_name = "private"

    names = fields.ListField(subfield=fields.StringField())
    ignored_modules = fields.SetField(subfield=fields.StringField(), required=False)

    def check(self, graph: grimp.ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002 - the base class's signature
        """Broken when any module outside a private module's package imports it."""
        names: list[str] = list(self.names)  # type: ignore[call-overload]
        ignored: set[str] = set(self.ignored_modules or ())  # type: ignore[arg-type]
        faults: list[dict[str, Any]] = []
        for module in sorted(graph.modules):
            package, _, name = module.rpartition(".")
            if module in ignored or not any(
                name == private or name.endswith(f"_{private}") for private in names
            ):
                continue
            for importer in sorted(graph.find_modules_that_directly_import(module)):
                if importer != package and not importer.startswith(f"{package}."):
                    details = graph.get_import_details(importer=importer, imported=module)
                    lines = [detail["line_number"] for detail in details]
                    faults.append({"importer": importer, "imported": module, "lines": lines})
        return ContractCheck(kept=not faults, metadata={"faults": faults})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """One line for each import that has no business there."""
        for fault in check.metadata["faults"]:
            lines = ", ".join(str(line) for line in fault["lines"])
            output.print_error(f"{fault['importer']} (l. {lines}) imports {fault['imported']}", bold=False)
