"""Static files with their content's hash in the name, so that nobody ever needs to reload by force."""

from __future__ import annotations

from typing import Any

from whitenoise.storage import CompressedManifestStaticFilesStorage


class Storage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Hashed and compressed. A name that was not collected (tests, first start) is served as it is."""

    manifest_strict = False

    def hashed_name(self, name: str, content: Any = None, filename: str | None = None) -> str:
        try:
            return super().hashed_name(name, content, filename)  # type: ignore[no-any-return]
        except ValueError:
            # While files are collected, a stylesheet that names a missing file is a mistake to be told.
            if content is not None or filename is not None:
                raise
            return name
