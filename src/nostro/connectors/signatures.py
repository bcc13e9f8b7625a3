"""Requests signed with the operator's certificate, for banks that want them (connectors.md 4.1).

HTTP Signatures (draft-cavage-10) as the guidelines of NextGenPSD2 chapter 12 use them: ``Digest`` of the body, and a
``Signature`` over it, the request's id and what names the PSU and the way back.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from urllib.parse import quote

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

#: Signed in any case, and these others where the request has them.
_ALWAYS = ("digest", "x-request-id")
_IF_THERE = ("psu-id", "psu-corporate-id", "tpp-redirect-uri")


class RequestSigner:
    """Signs with one certificate (QSealC) and its RSA key."""

    def __init__(self, certificate: x509.Certificate, key: rsa.RSAPrivateKey) -> None:
        self.certificate = certificate
        self._key = key
        issuer = quote(certificate.issuer.rfc4514_string(), safe=",=")
        self._key_id = f"SN={certificate.serial_number:x},CA={issuer}"
        der = certificate.public_bytes(serialization.Encoding.DER)
        self._der = base64.b64encode(der).decode("ascii")

    def headers_for(self, headers: Mapping[str, str], request_id: str, content: bytes | None) -> dict[str, str]:
        """``Digest``, ``Signature`` and ``TPP-Signature-Certificate`` of one request with these ``headers``."""
        digest = base64.b64encode(hashlib.sha256(content or b"").digest()).decode("ascii")
        values = {name.lower(): value for name, value in headers.items()}
        values |= {"digest": f"SHA-256={digest}", "x-request-id": request_id}
        names = [*_ALWAYS, *(name for name in _IF_THERE if name in values)]
        text = "\n".join(f"{name}: {values[name]}" for name in names)
        signed = self._key.sign(text.encode("latin-1"), padding.PKCS1v15(), hashes.SHA256())
        signature = base64.b64encode(signed).decode("ascii")
        return {
            "Digest": values["digest"],
            "Signature": (
                f'keyId="{self._key_id}",algorithm="rsa-sha256",headers="{" ".join(names)}",signature="{signature}"'
            ),
            "TPP-Signature-Certificate": self._der,
        }


def read_signer(certificate: bytes, key: bytes, password: bytes | None) -> RequestSigner:
    """The signer of a certificate and its key, both PEM. Raises ``ValueError`` with a reason that names no secret."""
    try:
        found = x509.load_pem_x509_certificate(certificate)
    except ValueError:
        raise ValueError("the certificate is not a PEM file") from None
    try:
        private = serialization.load_pem_private_key(key, password)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("the key is not a PEM file, or its password is another") from None
    if not isinstance(private, rsa.RSAPrivateKey):
        raise ValueError("the key must be an RSA key")
    if private.public_key() != found.public_key():
        raise ValueError("the key belongs to another certificate")
    return RequestSigner(found, private)
