"""Requests to one bank: headers, errors, JSON, and the rule that links are followed on the same origin only."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from nostro.connectors.berlin_group.errors import Subject, error_from_answer
from nostro.connectors.berlin_group.fields import UnreadableError
from nostro.connectors.berlin_group.profile import Profile
from nostro.connectors.berlin_group.statements import ACCEPT, is_file, mask_card_numbers_in_file
from nostro.connectors.contract import (
    Clock,
    Configuration,
    NewRequestId,
    OperatorIdentity,
    PsuContext,
    RawAnswer,
    TokenSource,
)
from nostro.connectors.errors import (
    AspspTimeout,
    AspspUnavailable,
    ConnectorError,
    NotSupported,
    ProtocolError,
    TokenExpired,
    TppConfigInvalid,
)
from nostro.connectors.json_answers import JsonError, mask_card_numbers_in_json, parse_json
from nostro.connectors.signatures import RequestSigner
from nostro.http import Answer, Door, DoorError, Refused, TimedOut, TooLarge
from nostro.http.addresses import is_loopback_host

MAX_HREF_LENGTH = 4096
MAX_HEADER_LENGTH = 512
_JSON_TYPES = ("application/json", "application/problem+json", "text/json")


@dataclass(frozen=True, slots=True)
class Received:
    """A good answer: as it came (card numbers masked), its JSON, and its headers in lower case."""

    raw: RawAnswer
    data: Any
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Client:
    """Sends requests to banks and gives back JSON, or raises one error of connectors.md 1.7."""

    door: Door
    clock: Clock
    new_request_id: NewRequestId

    def send(
        self,
        configuration: Configuration,
        method: str,
        url: str,
        *,
        psu: PsuContext,
        subject: Subject,
        consent_id: str | None = None,
        access_token: str | TokenSource | None = None,
        headers: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        feature: str = "",
        accept_files: bool = False,
    ) -> Received:
        """Send one request. ``url``: a path below the base URL, or an absolute one of the same origin.

        ``feature`` is what a NOT_SUPPORTED answer would refuse. With ``accept_files`` the answer may be a file of
        :mod:`~nostro.connectors.berlin_group.statements`, which comes without ``data``. A source of tokens is asked
        for one, and told when the bank calls it over.
        """
        target = resolve_link(configuration, url)
        accept = ACCEPT if accept_files else "application/json"
        profile = Profile.of(configuration)
        all_headers = {"Accept": accept, **profile.headers, **psu_headers(psu)}
        if consent_id is not None:
            all_headers["Consent-ID"] = consent_id
        token = access_token if isinstance(access_token, str | None) else access_token.get()
        if token is not None:
            all_headers["Authorization"] = f"Bearer {token}"
        if body is not None:
            all_headers["Content-Type"] = "application/json"
        content = json.dumps(body, separators=(",", ":")).encode() if body is not None else None
        signer = _signer(configuration, profile)
        answer = self._exchange(method, target, {**all_headers, **(headers or {})}, content, signer)
        try:
            return self._interpreted(answer, subject, feature, accept_files=accept_files)
        except TokenExpired:
            if token is not None and access_token is not None and not isinstance(access_token, str):
                access_token.refused(token)
            raise

    def ask_oauth_server(self, url: str, form: Mapping[str, str] | None = None) -> Received:
        """Read the metadata of an OAuth server, or post a form to its token endpoint; it may be of another origin
        (connectors.md 1.1 rule 5). The caller has checked the address with :func:`is_safe_for_browser`."""
        content = urlencode(form).encode() if form is not None else None
        kind = {"Content-Type": "application/x-www-form-urlencoded"} if form is not None else {}
        answer = self._exchange("GET" if form is None else "POST", url, {"Accept": "application/json", **kind}, content)
        received = self._interpreted(answer, "consent", "scaOAuth")
        # The masking of card numbers may meet a token by chance.
        return Received(received.raw, _parsed_or_none(answer.body), received.headers)

    def _exchange(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        content: bytes | None,
        signer: RequestSigner | None = None,
    ) -> Answer:
        request_id = str(self.new_request_id())
        if signer is not None:
            headers = {**headers, **signer.headers_for(headers, request_id, content)}
        try:
            return self.door.request(method, url, request_id=request_id, headers=headers, content=content)
        except DoorError as error:
            raise _from_door(error, request_id) from error

    def _interpreted(self, answer: Answer, subject: Subject, feature: str, *, accept_files: bool = False) -> Received:
        is_json = answer.content_type in _JSON_TYPES or answer.content_type.endswith("+json")
        if accept_files and 200 <= answer.status < 300 and (raw := _as_file(answer)) is not None:
            return Received(raw, None, answer.headers)
        body = mask_card_numbers_in_json(answer.body)
        raw = RawAnswer(answer.url, answer.status, answer.content_type, body, answer.request_id)
        if not 200 <= answer.status < 300:
            raise error_from_answer(
                raw,
                _parsed_or_none(body),
                subject=subject,
                retry_after=answer.headers.get("retry-after"),
                clock=self.clock,
                feature=feature,
            )
        if answer.status == 204 or not body.strip():
            return Received(raw, None, answer.headers)
        # Some banks forget the content type; what parses as JSON is JSON.
        if not is_json and answer.content_type not in {"", "text/plain", "application/octet-stream"}:
            raise _unexpected_format(raw)
        return Received(raw, parsed(raw), answer.headers)


def _signer(configuration: Configuration, profile: Profile) -> RequestSigner | None:
    """Who signs, None where the bank does not want it. Raises :class:`TppConfigInvalid` where a certificate lacks."""
    identity = configuration.identity or OperatorIdentity()
    lacks = (profile.mutual_tls and not identity.presents_certificate) or (
        profile.sign_requests and identity.signer is None
    )
    if lacks:
        raise TppConfigInvalid(
            identity.problem or f"{configuration.aspsp} wants a certificate, and this installation has none.",
            reached_bank=False,
        )
    return identity.signer if profile.sign_requests else None


def _as_file(answer: Answer) -> RawAnswer | None:
    """The answer, card numbers masked, if it is a bank file. Raises :class:`ProtocolError` for a damaged ZIP."""
    raw = RawAnswer(answer.url, answer.status, answer.content_type, answer.body, answer.request_id)
    if not is_file(raw):
        return None
    with interpreting(raw):
        return replace(raw, body=mask_card_numbers_in_file(answer.body))


def parsed(raw: RawAnswer) -> Any:
    """The JSON of an answer. Raises :class:`ProtocolError` with the answer kept."""
    try:
        return parse_json(raw.body)
    except JsonError as error:
        raise protocol_error(raw, f"The bank's answer cannot be read: {error}.") from None


def protocol_error(raw: RawAnswer, reason: str) -> ProtocolError:
    """A :class:`ProtocolError` about ``raw``."""
    return ProtocolError(reason, status=raw.status, request_id=raw.request_id, raw=raw)


@contextmanager
def interpreting(raw: RawAnswer) -> Iterator[None]:
    """Turn whatever goes wrong while ``raw`` is interpreted into a :class:`ProtocolError` that keeps it.

    This is the border of connectors.md 1.1.2: no exception of a library, and none of ours that we did not foresee,
    reaches the engine.
    """
    try:
        yield
    except ConnectorError:
        raise
    except UnreadableError as error:
        raise protocol_error(raw, f"The bank's answer cannot be read: {error}.") from None
    except Exception as error:
        raise protocol_error(raw, "The bank sent an answer that Nostro cannot read.") from error


def psu_headers(psu: PsuContext) -> dict[str, str]:
    """The ``PSU-*`` headers of a present person; none for an unattended request (connectors.md 1.4)."""
    if not psu.present or not psu.ip:
        return {}
    values = {
        "PSU-IP-Address": psu.ip,
        "PSU-IP-Port": str(psu.ip_port) if psu.ip_port else None,
        "PSU-User-Agent": psu.user_agent,
        "PSU-Accept": psu.accept,
        "PSU-Accept-Language": psu.accept_language,
    }
    return {name: header_value(value) for name, value in values.items() if value}


def header_value(text: str) -> str:
    """Text of a browser or a person as a safe header value: printable ASCII, capped."""
    return "".join(character for character in text if " " <= character <= "~").strip()[:MAX_HEADER_LENGTH]


def resolve_link(configuration: Configuration, href: str, current_url: str | None = None) -> str:
    """The absolute address of a link in a bank's answer, verbatim otherwise.

    Absolute links must have the origin of the base URL. A link that begins with a slash counts from the base URL,
    unless it already contains the base URL's own path; others count from ``current_url``. Raises
    :class:`ProtocolError` for links elsewhere.
    """
    if not href or len(href) > MAX_HREF_LENGTH or any(c <= " " or c in "\\\x7f" for c in href):
        raise ProtocolError("The bank's answer contains a link that cannot be read.")
    base = urlsplit(configuration.base_url)
    if href.startswith("/") and not href.startswith("//"):
        inside = not base.path or href.startswith(base.path.rstrip("/") + "/")
        return f"{base.scheme}://{base.netloc}{href}" if inside else configuration.base_url + href
    try:
        target = urljoin(current_url or configuration.base_url + "/", href)
        same_origin = _origin(target) == _origin(configuration.base_url)
    except ValueError:
        raise ProtocolError("The bank's answer contains a link that cannot be read.") from None
    if not same_origin:
        raise ProtocolError("The bank's answer links to another server; Nostro does not follow it.")
    return target


def is_safe_for_browser(href: str, allow_loopback_http: bool) -> bool:
    """True for https, and for http to loopback where the operator allows it (connectors.md 1.1.5)."""
    try:
        parts = urlsplit(href)
        host = parts.hostname or ""
    except ValueError:
        return False
    if any(character <= " " or character == "\\" for character in href) or not host or "@" in parts.netloc:
        return False
    if parts.scheme == "https":
        return True
    return parts.scheme == "http" and allow_loopback_http and is_loopback_host(host)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def _parsed_or_none(body: bytes) -> Any:
    try:
        return parse_json(body)
    except JsonError:
        return None


def _unexpected_format(raw: RawAnswer) -> ConnectorError:
    if raw.content_type in {"application/xml", "text/xml"}:
        return NotSupported(
            "The bank sends this data as XML, which this connector does not read yet.",
            feature=f"format={raw.content_type}",
            status=raw.status,
            request_id=raw.request_id,
            raw=raw,
        )
    return protocol_error(raw, "The bank sent a page instead of data.")


def _from_door(error: DoorError, request_id: str) -> ConnectorError:
    """An error of the door as one of the contract; ``reached_bank`` tells the quota ledger (connectors.md 1.12)."""
    if isinstance(error, Refused):
        return TppConfigInvalid(
            f"Nostro does not send this request: {error.reason}.", request_id=request_id, reached_bank=False
        )
    if isinstance(error, TooLarge):
        return ProtocolError(f"The bank's answer is too long: {error.reason}.", request_id=request_id)
    kind = AspspTimeout if isinstance(error, TimedOut) else AspspUnavailable
    return kind(request_id=request_id, reached_bank=error.request_sent)
