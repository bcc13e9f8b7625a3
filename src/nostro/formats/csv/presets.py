"""Mappings of known banks, chosen by the header of the table (formats.md 6.9); they are part of the program."""

from __future__ import annotations

import pkgutil
import tomllib
from typing import Any

from nostro.formats.csv.mapping import TableMapping, mapping_of

#: The presets as they stand in the file, with sample and the day they were checked.
DATA: tuple[dict[str, Any], ...] = tuple(
    tomllib.loads((pkgutil.get_data(__name__, "presets.toml") or b"").decode())["preset"]
)
PRESETS: tuple[TableMapping, ...] = tuple(map(mapping_of, DATA))
