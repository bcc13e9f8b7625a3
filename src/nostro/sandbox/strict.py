"""Strict mode: who calls must show a TPP certificate and sign every request (connectors.md 4.1 and 5.1).

The transport certificate is the client certificate of the connection; the proxy that ends TLS passes it on in
``X-SSL-Client-Cert``, as nginx does with ``$ssl_client_escaped_cert``. Signatures follow the standard's guidelines
chapter 12 (HTTP Signatures, draft-cavage-10) with the certificate in ``TPP-Signature-Certificate``. A sandbox has no
list of authorities it trusts: any certificate that is in force by the bank's clock is good, whoever issued it.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import re
import secrets
from urllib.parse import unquote

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from nostro.sandbox.errors import Refusal
from nostro.sandbox.requests import BankRequest

TRANSPORT_HEADER = "X-SSL-Client-Cert"
MAX_CERTIFICATE = 16_000
#: Must be signed in any case, and these others where the request has them.
ALWAYS_SIGNED = ("digest", "x-request-id")
SIGNED_IF_THERE = ("psu-id", "psu-corporate-id", "tpp-redirect-uri", "date")
ALGORITHMS: dict[str, hashes.HashAlgorithm] = {"rsa-sha256": hashes.SHA256(), "rsa-sha512": hashes.SHA512()}
_DIGESTS = {"SHA-256": hashlib.sha256, "SHA-512": hashlib.sha512}
_PARAMETER = re.compile(r'([A-Za-z]+)="([^"]*)"')
_SERIAL = re.compile(r"(?:^|,)\s*SN=([0-9A-Fa-f]+)\s*(?:,|$)")


def check(request: BankRequest, now: dt.datetime) -> None:
    """Raises CERTIFICATE_MISSING, _INVALID, _EXPIRED, or SIGNATURE_MISSING, _INVALID (all 401)."""
    given = request.headers.get(TRANSPORT_HEADER, "")
    if not given:
        raise Refusal(401, "CERTIFICATE_MISSING", "The connection has no TPP certificate.", path=TRANSPORT_HEADER)
    _in_force(_certificate(unquote(given)), now)
    if not request.headers.get("Signature") or not request.headers.get("Digest"):
        raise Refusal(401, "SIGNATURE_MISSING", "The headers Digest and Signature are required.", path="Signature")
    _check_digest(request)
    certificate = _certificate(request.headers.get("TPP-Signature-Certificate", ""))
    _in_force(certificate, now)
    _check_signature(request, certificate)


def _certificate(text: str) -> x509.Certificate:
    """From PEM, or base64 of DER without the lines around it."""
    if not 0 < len(text) <= MAX_CERTIFICATE:
        raise Refusal(401, "CERTIFICATE_INVALID", "The certificate is missing or too large.")
    try:
        if "-----BEGIN" in text:
            return x509.load_pem_x509_certificate(text.encode())
        return x509.load_der_x509_certificate(base64.b64decode(text, validate=True))
    except (ValueError, binascii.Error):
        raise Refusal(401, "CERTIFICATE_INVALID", "The certificate cannot be read.") from None


def _in_force(certificate: x509.Certificate, now: dt.datetime) -> None:
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise Refusal(401, "CERTIFICATE_EXPIRED", f"The certificate is not in force on {now:%Y-%m-%d}.")


def _check_digest(request: BankRequest) -> None:
    kind, _, text = request.headers["Digest"].partition("=")
    if kind.upper() not in _DIGESTS:
        raise _invalid("Digest must be SHA-256 or SHA-512.")
    right = base64.b64encode(_DIGESTS[kind.upper()](request.get_data()).digest()).decode("ascii")
    if not secrets.compare_digest(text.strip().encode("utf-8", "replace"), right.encode()):
        raise _invalid("Digest is not that of the body.")


def _check_signature(request: BankRequest, certificate: x509.Certificate) -> None:
    parameters = dict(_PARAMETER.findall(request.headers["Signature"]))
    serial = _SERIAL.search(parameters.get("keyId", ""))
    if serial is None or int(serial[1], 16) != certificate.serial_number:
        raise _invalid("keyId must begin with SN= and the serial number of the certificate, in hexadecimal digits.")
    algorithm, key = ALGORITHMS.get(parameters.get("algorithm", "")), _rsa_key(certificate)
    if algorithm is None or key is None:
        raise _invalid("The algorithm must be rsa-sha256 or rsa-sha512, with a key that fits.")
    names = parameters.get("headers", "").lower().split()
    missing = {*ALWAYS_SIGNED, *(name for name in SIGNED_IF_THERE if name in request.headers)} - set(names)
    if missing:
        raise _invalid(f"The signature must cover {', '.join(sorted(missing))}.")
    signed = "\n".join(f"{name}: {request.headers.get(name, '')}" for name in names)
    try:
        signature = base64.b64decode(parameters.get("signature", ""), validate=True)
        key.verify(signature, signed.encode("latin-1", "replace"), padding.PKCS1v15(), algorithm)
    except (InvalidSignature, ValueError, binascii.Error):
        raise _invalid("The signature does not fit the request.") from None


def _rsa_key(certificate: x509.Certificate) -> rsa.RSAPublicKey | None:
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, rsa.RSAPublicKey) else None


def _invalid(text: str) -> Refusal:
    return Refusal(401, "SIGNATURE_INVALID", text, path="Signature")
