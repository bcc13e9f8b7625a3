"""The standard's error answers: an HTTP status and ``tppMessages`` (connectors.md 4.1, Codes)."""

from __future__ import annotations

from collections.abc import Mapping


class Refusal(Exception):
    """The bank says no: ``status``, the standard's ``code``, a sentence, the place (``path``) where it is known, and
    ``links`` to what is possible now."""

    def __init__(
        self,
        status: int,
        code: str,
        text: str,
        *,
        path: str = "",
        retry_after_s: int | None = None,
        links: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(code, text)
        self.status, self.code, self.text, self.path, self.retry_after_s = status, code, text, path, retry_after_s
        self.links = links

    def body(self) -> dict[str, object]:
        """The answer's JSON."""
        message = {"category": "ERROR", "code": self.code, "text": self.text[:500]}
        if self.path:
            message["path"] = self.path
        body: dict[str, object] = {"tppMessages": [message]}
        return body | {"_links": self.links} if self.links else body


def format_error(text: str, path: str = "") -> Refusal:
    """400 FORMAT_ERROR: the request itself is wrong."""
    return Refusal(400, "FORMAT_ERROR", text, path=path)
