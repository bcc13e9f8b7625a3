"""How names of banks are compared: without case, accents and punctuation, word by word."""

from __future__ import annotations

import unicodedata

#: Letters that Unicode does not take apart into a plain letter and an accent.
_PLAIN = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th", "ð": "d"})
#: Apostrophes and dots bind: "Crédit d'Épargne" stays two words, "S.A." becomes "sa".
_BINDING = dict.fromkeys(map(ord, ".'’`´"))


def fold_words(text: str) -> str:
    """Lower-case words of letters and digits, one blank between them: ``Crédit Coopératif S.A.`` is
    ``credit cooperatif sa``.
    """
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_BINDING).translate(_PLAIN)
    plain = (c for c in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(c))
    return " ".join("".join(c if c.isalnum() else " " for c in plain).split())
