"""An import contract of our own: the rooms inside a package, which cross its folders.

A capability's pages stand above what every request shares, its services below; import-linter's `layers` knows folders only.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

import grimp
from importlinter import Contract, ContractCheck, fields, output


class RoomsContract(Contract):
    """Checks every direct import inside `package`.

    rooms: top to bottom, each ``name = pattern pattern …``; of the patterns that fit a module the most specific one
    says its room, and a module that fits none breaks the contract. An import stays in its room or goes down.
    apart: names of rooms in which one folder's modules don't import another folder's.
    frameworks: top-level names of external packages that only rooms down to `lowest_framework_room` may import.
    """

    type_name = "rooms"

    package = fields.StringField()
    rooms = fields.ListField(subfield=fields.StringField())
    apart = fields.SetField(subfield=fields.StringField(), required=False)
    frameworks = fields.SetField(subfield=fields.StringField(), required=False)
    lowest_framework_room = fields.StringField(required=False)

    def check(self, graph: grimp.ImportGraph, verbose: bool) -> ContractCheck:
        names, patterns = [], []
        for line in self.rooms:  # type: ignore[attr-defined]
            name, _, globs = line.partition(" = ")
            names.append(name)
            patterns.append(globs.split())
        package: str = self.package  # type: ignore[assignment]
        apart = {names.index(name) for name in self.apart or ()}  # type: ignore[attr-defined]
        lowest = (
            names.index(self.lowest_framework_room) if self.lowest_framework_room else len(names)
        )  # type: ignore[arg-type]
        frameworks = set(self.frameworks or ())  # type: ignore[call-overload]

        def room_of(module: str) -> int | None:
            fitting = [
                (len(glob.split("*")[0]), len(glob), number)
                for number, globs in enumerate(patterns)
                for glob in globs
                if fnmatchcase(module, glob)
            ]
            return max(fitting)[2] if fitting else None

        inside = {m for m in graph.modules if m == package or m.startswith(f"{package}.")}
        rooms = {module: room_of(module) for module in inside}
        faults = [f"{module} stands in no room" for module, room in rooms.items() if room is None]
        for importer, room in sorted(rooms.items()):
            for imported in sorted(graph.find_modules_directly_imported_by(importer)):
                lower = rooms.get(imported)
                why = ""
                if room is None:
                    continue
                if imported.split(".")[0] in frameworks and room > lowest:
                    why = f"{names[room]} know no {imported.split('.')[0]}"
                elif lower is None:
                    continue
                elif lower < room:
                    why = f"{names[room]} stand below {names[lower]}"
                elif lower == room and room in apart and _folder(importer) != _folder(imported):
                    why = f"{names[room]} of two capabilities don't know each other"
                if why:
                    faults.append(f"{importer} -> {imported}: {why}")
        return ContractCheck(kept=not faults, metadata={"faults": sorted(faults)})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for fault in check.metadata["faults"]:
            output.print_error(fault, bold=False)


def _folder(module: str) -> str:
    return module.split(".")[1]
