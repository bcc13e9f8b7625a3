"""camt.052.001.08 and camt.053.001.08 (ISO 20022): the first with pending rows, the second without."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

from nostro.sandbox.files.statement import Statement, is_reversal, number_of, parties
from nostro.sandbox.histories.parties import BIC
from nostro.sandbox.ledger import Entry
from nostro.sandbox.money import amount_text

_MESSAGES = {"camt.052": ("BkToCstmrAcctRpt", "Rpt", "ITBD"), "camt.053": ("BkToCstmrStmt", "Stmt", "CLBD")}


def write(kind: str, statement: Statement) -> bytes:
    """The message."""
    message, element, closing = _MESSAGES[kind]
    account, currency = statement.account, statement.account.currency
    written = statement.written_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    period = f"<FrToDt><FrDtTm>{statement.since}T00:00:00</FrDtTm><ToDtTm>{statement.until}T23:59:59</ToDtTm></FrToDt>"
    entries = [_entry(each, currency) for each in statement.booked]
    if kind == "camt.052":
        entries += [_entry(each, currency) for each in statement.pending]
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{kind}.001.08"><{message}>',
        f"<GrpHdr><MsgId>{statement.until:%Y%m%d}-{account.id[:20]}</MsgId><CreDtTm>{written}</CreDtTm></GrpHdr>",
        f"<{element}><Id>{statement.since:%Y%m%d}-{statement.until:%Y%m%d}</Id><CreDtTm>{written}</CreDtTm>{period}",
        f"<Acct><Id><IBAN>{account.iban}</IBAN></Id><Ccy>{currency}</Ccy><Ownr>{_tag('Nm', account.owner)}</Ownr>"
        f"<Svcr><FinInstnId><BICFI>{BIC}</BICFI></FinInstnId></Svcr></Acct>",
        _balance("OPBD", statement.opening, currency, statement.since.isoformat()),
        _balance(closing, statement.closing, currency, statement.until.isoformat()),
        *entries,
        f"</{element}></{message}></Document>",
    ]
    # Banks' files come from many machines; this bank's has the line ends of Windows.
    return "\r\n".join(lines).encode()


def _tag(name: str, value: object, limit: int = 140) -> str:
    # XML has no place for control characters.
    text = "".join(character for character in str(value or "") if character >= " " or character in "\n\t")[:limit]
    return f"<{name}>{escape(text)}</{name}>" if text.strip() else ""


def _money(minor: int, currency: str) -> str:
    amount = amount_text(abs(minor), currency)
    return f'<Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{"DBIT" if minor < 0 else "CRDT"}</CdtDbtInd>'


def _balance(code: str, minor: int, currency: str, day: str) -> str:
    kind = f"<Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
    return f"<Bal>{kind}{_money(minor, currency)}<Dt><Dt>{day}</Dt></Dt></Bal>"


def _entry(entry: Entry, currency: str) -> str:
    body = parties(entry)
    domain, family, sub_family = [*str(body.get("bankTransactionCode", "")).split("-"), "", "", ""][:3]
    code = f"<Domn><Cd>{domain}</Cd><Fmly><Cd>{family}</Cd><SubFmlyCd>{sub_family}</SubFmlyCd></Fmly></Domn>"
    return "".join(
        [
            "<Ntry>",
            _money(entry.minor, currency),
            "<RvslInd>true</RvslInd>" if is_reversal(entry) else "",
            f"<Sts><Cd>{'BOOK' if entry.is_booked else 'PDNG'}</Cd></Sts>",
            f"<BookgDt><Dt>{entry.booked_on}</Dt></BookgDt>" if entry.is_booked else "",
            f"<ValDt><Dt>{entry.value_on}</Dt></ValDt>",
            _tag("AcctSvcrRef", entry.entry_reference if entry.is_booked else "", 35),
            f"<BkTxCd>{code if sub_family else ''}",
            f"<Prtry>{_tag('Cd', body.get('proprietaryBankTransactionCode'), 35)}</Prtry></BkTxCd>",
            _details(body),
            _tag("AddtlNtryInf", body.get("additionalInformation"), 500),
            "</Ntry>",
        ]
    )


def _details(body: dict[str, Any]) -> str:
    batch = ""
    if body.get("batchIndicator"):
        batch = f"<Btch><NbOfTxs>{body['batchNumberOfTransactions']}</NbOfTxs></Btch>"
    payments = body.get("entryDetails") or [body]
    return f"<NtryDtls>{batch}{''.join(map(_payment, payments))}</NtryDtls>"


def _payment(body: dict[str, Any]) -> str:
    references = f"{_tag('EndToEndId', body.get('endToEndId'), 35)}{_tag('MndtId', body.get('mandateId'), 35)}"
    own = ""
    if "transactionAmount" in body:
        amount = body["transactionAmount"]["amount"]
        sign = "DBIT" if amount.startswith("-") else "CRDT"
        currency = body["transactionAmount"]["currency"]
        own = f'<Amt Ccy="{currency}">{amount.lstrip("-")}</Amt><CdtDbtInd>{sign}</CdtDbtInd>'
    people = "".join(_party(body, role, side) for role, side in (("Dbtr", "debtor"), ("Cdtr", "creditor")))
    return (
        f"<TxDtls>{f'<Refs>{references}</Refs>' if references else ''}{own}"
        f"{f'<RltdPties>{people}</RltdPties>' if people else ''}{_remittance(body)}</TxDtls>"
    )


def _party(body: dict[str, Any], role: str, side: str) -> str:
    name = _tag("Nm", body.get(f"{side}Name"), 70)
    if side == "creditor" and body.get("creditorId"):
        scheme = "<SchmeNm><Prtry>SEPA</Prtry></SchmeNm>"
        name += f"<Id><PrvtId><Othr>{_tag('Id', body['creditorId'], 35)}{scheme}</Othr></PrvtId></Id>"
    number = number_of(body.get(f"{side}Account"))
    kind = _tag("IBAN", number) if body.get(f"{side}Account", {}).get("iban") else f"<Othr>{_tag('Id', number)}</Othr>"
    account = f"<{role}Acct><Id>{kind}</Id></{role}Acct>" if number else ""
    return (f"<{role}><Pty>{name}</Pty></{role}>" if name else "") + account


def _remittance(body: dict[str, Any]) -> str:
    lines = body.get("remittanceInformationUnstructuredArray") or [body.get("remittanceInformationUnstructured")]
    parts = "".join(_tag("Ustrd", line) for line in lines)
    structured = body.get("remittanceInformationStructured")
    if structured:
        kind = structured.get("referenceType", "")
        tag = "<Cd>SCOR</Cd>" if kind == "SCOR" else _tag("Prtry", kind, 35)
        parts += (
            f"<Strd><CdtrRefInf><Tp><CdOrPrtry>{tag}</CdOrPrtry></Tp>"
            f"{_tag('Ref', structured['reference'], 35)}</CdtrRefInf></Strd>"
        )
    return f"<RmtInf>{parts}</RmtInf>" if parts else ""
