"""Static files with their content's hash in the name, so that nobody ever needs to reload by force."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage


class Storage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Hashed and compressed. A name that was not collected (tests, first start) is served as it is."""

    manifest_strict = False
