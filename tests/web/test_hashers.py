"""People's passwords are hashed slowly. Other tests hash them quickly (tests/settings.py)."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.hashers import check_password, identify_hasher, make_password

from nostro.web.settings import PASSWORD_HASHERS


def test_a_password_of_a_person_is_hashed_slowly_and_is_recognised(settings: Any) -> None:
    settings.PASSWORD_HASHERS = PASSWORD_HASHERS
    hashed = make_password("correct horse")
    algorithm, iterations, _salt, _digest = hashed.split("$")
    assert (algorithm, identify_hasher(hashed).algorithm) == ("pbkdf2_sha256", "pbkdf2_sha256")
    # The least that OWASP's cheat sheet on storing passwords asks for PBKDF2 with SHA-256.
    assert int(iterations) >= 600_000
    assert check_password("correct horse", hashed)
    assert not check_password("correct house", hashed)
