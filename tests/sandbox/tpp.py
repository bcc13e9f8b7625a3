"""A third party with a certificate, as banks know it."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import uuid
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID


class Tpp:
    """A service with a key and a certificate that is in force on some days."""

    def __init__(self, first: str = "2025-06-01", last: str = "2027-06-01") -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test TPP")])
        days = [dt.datetime.fromisoformat(day).replace(tzinfo=dt.UTC) for day in (first, last)]
        self.certificate = (x509.CertificateBuilder(name, name, self.key.public_key(), 0x9FA1, days[0], days[1])).sign(
            self.key, hashes.SHA256()
        )

    def headers(self, body: bytes, **sent: str) -> dict[str, str]:
        """A request's headers with everything that strict mode wants."""
        pem = self.certificate.public_bytes(serialization.Encoding.PEM).decode()
        der = self.certificate.public_bytes(serialization.Encoding.DER)
        headers = {"X-Request-ID": str(uuid.uuid4()), "PSU-IP-Address": "192.0.2.7"}
        headers |= {name.replace("_", "-"): value for name, value in sent.items()}
        headers["Digest"] = f"SHA-256={base64.b64encode(hashlib.sha256(body).digest()).decode()}"
        values = {name.lower(): value for name, value in headers.items()}
        signed = ["digest", "x-request-id", *(name for name in ("psu-id", "tpp-redirect-uri") if name in values)]
        text = "\n".join(f"{name}: {values[name]}" for name in signed).encode()
        signature = base64.b64encode(self.key.sign(text, padding.PKCS1v15(), hashes.SHA256())).decode()
        key_id = "SN=9fa1,CA=CN=Test TPP"
        headers["Signature"] = (
            f'keyId="{key_id}",algorithm="rsa-sha256",headers="{" ".join(signed)}",signature="{signature}"'
        )
        headers["TPP-Signature-Certificate"] = base64.b64encode(der).decode()
        headers["X-SSL-Client-Cert"] = quote(pem)
        return headers

    def certificate_pem(self) -> bytes:
        """As operators get it."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def key_pem(self, password: str = "") -> bytes:
        """The key, encrypted with a password if there is one."""
        own = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
        return self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, own)
