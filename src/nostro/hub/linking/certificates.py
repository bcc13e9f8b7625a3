"""The operator's certificates, by which banks know a licensed third party (connectors.md 4.1).

Two of them, in PEM files that the settings name: one for connections (QWAC) and one for requests (QSealC). They are
read once for the process; a change needs a restart, as every other setting does.
"""

from __future__ import annotations

import datetime as dt
import ssl
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from django.conf import settings

from nostro.connectors.contract import OperatorIdentity
from nostro.connectors.signatures import RequestSigner, read_signer
from nostro.http.door import usual_authorities


@dataclass(frozen=True, slots=True)
class Certificates:
    """What was read. ``context`` presents the client certificate; ``expiries`` are the last days of validity, by what
    the certificate is for."""

    identity: OperatorIdentity
    context: ssl.SSLContext | None
    expiries: dict[str, dt.datetime]


def operator_certificates() -> Certificates:
    """The certificates of this installation; what cannot be read is told in ``identity.problem`` and not raised."""
    return _read(
        (settings.TPP_CERTIFICATE, settings.TPP_KEY),
        (settings.TPP_SIGNING_CERTIFICATE, settings.TPP_SIGNING_KEY),
        settings.TPP_KEY_PASSWORD,
    )


@lru_cache(maxsize=4)
def _read(transport: tuple[str, str], signing: tuple[str, str], password: str) -> Certificates:
    context, signer, problem = None, None, ""
    expiries: dict[str, dt.datetime] = {}
    try:
        if transport[0]:
            context = _context(*transport, password)
            expiries["connections"] = _first_certificate(transport[0]).not_valid_after_utc
        if signing[0]:
            signer = _signer(*signing, password)
            expiries["requests"] = signer.certificate.not_valid_after_utc
    except (OSError, ValueError) as error:
        problem = f"The operator's certificate cannot be used: {_reason(error)}."
    return Certificates(OperatorIdentity(context is not None, signer, problem), context, expiries)


def _reason(error: OSError | ValueError) -> str:
    """In words; an error of TLS or of the file system has its own."""
    if isinstance(error, ssl.SSLError):
        return "certificate and key do not belong together, or the password is another"
    return (error.strerror or "a file cannot be read") if isinstance(error, OSError) else str(error)


def _context(certificate: str, key: str, password: str) -> ssl.SSLContext:
    context = usual_authorities()
    # Without a password OpenSSL would ask for one at the terminal and wait.
    context.load_cert_chain(certificate, key or None, password=password or "")
    return context


def _first_certificate(path: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(Path(path).read_bytes())


def _signer(certificate: str, key: str, password: str) -> RequestSigner:
    own = Path(certificate).read_bytes()
    private = Path(key).read_bytes() if key else own
    return read_signer(own, private, password.encode() or None)
