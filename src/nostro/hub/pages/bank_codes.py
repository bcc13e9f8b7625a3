"""ISO 20022 bank transaction codes in words: domain, family and sub-family of the external code set."""

from __future__ import annotations

from django.utils.translation import gettext as _


def bank_code_words(code: str | None) -> str:
    """``PMNT-ICDT-ESCT`` as "Issued credit transfer, SEPA credit transfer (PMNT-ICDT-ESCT)".

    The family tells more than the domain, which is named only where the family is unknown. A code without a known part
    stays as it came; so do the words for "not available" and "other".
    """
    parts = (code or "").strip().upper().split("-")
    domain, family, kind = (*parts, "", "", "")[:3]
    known = [_families().get(family) or _domains().get(domain), _kinds().get(kind)]
    words = ", ".join(dict.fromkeys(word for word in known if word))
    return f"{words} ({code})" if words else code or ""


def _domains() -> dict[str, str]:
    return {
        "PMNT": _("Payment"),
        "CAMT": _("Cash management"),
        "LDAS": _("Loan or deposit"),
        "SECU": _("Securities"),
        "FORX": _("Foreign exchange"),
        "TRAD": _("Trade service"),
        "ACMT": _("Account management"),
    }


def _families() -> dict[str, str]:
    return {
        "RCDT": _("Received credit transfer"),
        "ICDT": _("Issued credit transfer"),
        "RRCT": _("Received instant credit transfer"),
        "IRCT": _("Issued instant credit transfer"),
        "RDDT": _("Received direct debit"),
        "IDDT": _("Issued direct debit"),
        "CCRD": _("Card payment"),
        "MCRD": _("Card receipts"),
        "CNTR": _("Counter"),
        "RCHQ": _("Received cheque"),
        "ICHQ": _("Issued cheque"),
        "MCOP": _("Credit"),
        "MDOP": _("Debit"),
    }


def _kinds() -> dict[str, str]:
    return {
        "ESCT": _("SEPA credit transfer"),
        "ESDD": _("SEPA core direct debit"),
        "BBDD": _("SEPA business direct debit"),
        "DMCT": _("domestic"),
        "XBCT": _("cross-border"),
        "SALA": _("salary"),
        "STDO": _("standing order"),
        "BOOK": _("within the bank"),
        "POSD": _("at a point of sale"),
        "CWDL": _("cash withdrawal"),
        "CDPT": _("cash deposit"),
        "INTR": _("interest"),
        "CHRG": _("charges"),
        "FEES": _("fees"),
        "COMM": _("commission"),
        "RPCR": _("reversal after a recall"),
        "UPDD": _("direct debit that came back"),
        "RRTN": _("return"),
    }
