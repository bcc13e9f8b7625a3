"""Hashing of secrets that this machine made with 256 random bits.

A slow hash protects passwords that people choose. A random secret cannot be guessed, and the token endpoint checks
it on every call: one round of SHA-256 with a salt is enough and thousands of times faster (DESIGN.md section 3).
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from django.contrib.auth.hashers import BasePasswordHasher


class MachineSecretHasher(BasePasswordHasher):
    """``machine$salt$hex``. Only for secrets with full entropy, never for people's passwords."""

    algorithm = "machine"

    def encode(self, password: str, salt: str) -> str:
        digest = hashlib.sha256(f"{salt}${password}".encode()).hexdigest()
        return f"{self.algorithm}${salt}${digest}"

    def verify(self, password: str, encoded: str) -> bool:
        return hmac.compare_digest(encoded, self.encode(password, self.decode(encoded)["salt"]))

    def decode(self, encoded: str) -> dict[str, Any]:
        algorithm, salt, digest = encoded.split("$", 2)
        return {"algorithm": algorithm, "salt": salt, "hash": digest}

    def safe_summary(self, encoded: str) -> Any:
        return {"algorithm": self.algorithm}

    def harden_runtime(self, password: str, encoded: str) -> None:
        """Nothing to add: the work is the same for every secret."""
