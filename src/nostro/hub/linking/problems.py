"""What a person is told when a step of linking cannot be taken."""

from __future__ import annotations

from nostro.web.errors import Problem

_START_AGAIN = "Go to your accounts and start again."


def wrong_mode(name: str) -> Problem:
    return Problem(
        f"{name} cannot be used here.",
        why="Test banks belong to the sandbox, real banks to the live accounts.",
        what_to_do="Switch between Live and Sandbox, then search for the bank again.",
        code="wrongMode",
    )


def billing_incomplete() -> Problem:
    return Problem(
        "The billing information is missing.",
        why="It is needed before the first live account is added. The sandbox needs none.",
        what_to_do="Fill in the billing information, then add the account.",
        code="billingIncomplete",
    )


def no_route(name: str) -> Problem:
    return Problem(
        f"{name} cannot be linked yet.",
        why="This installation knows the bank but has no way to reach it.",
        what_to_do="Ask the operator of this Hub to set up a route to this bank.",
        code="noRoute",
    )


def in_maintenance(name: str) -> Problem:
    return Problem(
        f"{name} is being worked on.",
        why="The bank cannot be asked until the work is over. What was read stays readable.",
        what_to_do="Come back later. Accounts that are linked go on by themselves.",
        code="bankInMaintenance",
    )


def unknown_state() -> Problem:
    return Problem(
        "This answer of a bank belongs to no authorisation that Nostro knows.",
        why="The address is incomplete, or it was made up.",
        what_to_do=_START_AGAIN,
        code="stateUnknown",
    )


def of_somebody_else() -> Problem:
    problem = Problem(
        "This authorisation was started by somebody else.",
        why="Only the person who started it can finish it.",
        what_to_do="Sign in as the person who started it, or start your own.",
        code="stateOfSomebodyElse",
    )
    problem.status = 403
    return problem


def used() -> Problem:
    return Problem(
        "This answer of the bank was used already.",
        why="Each authorisation can be used once; a second click or a reloaded page repeats it.",
        what_to_do="Nothing was changed. Look at your accounts to see what was linked.",
        code="stateUsed",
    )


def in_use() -> Problem:
    return Problem(
        "The bank is being asked right now.",
        why="The same step was started a moment ago, for example by a second click.",
        what_to_do="Wait a moment, then look at your accounts.",
        code="stateInUse",
    )


def cancelled() -> Problem:
    return Problem(
        "This authorisation was cancelled.",
        why="You cancelled it, or started it anew.",
        what_to_do=_START_AGAIN,
        code="stateCancelled",
    )


def expired() -> Problem:
    return Problem(
        "The time for this step has run out.",
        why="For safety an authorisation is open for a short while only. Nothing was changed.",
        what_to_do=_START_AGAIN,
        code="stateExpired",
    )


def nothing_chosen() -> Problem:
    return Problem(
        "No account was chosen.",
        what_to_do="Choose at least one account, or cancel.",
        code="accountsMissing",
        field="accounts",
    )


def unknown_account() -> Problem:
    return Problem(
        "One of the chosen accounts is not among those that the bank shows.",
        what_to_do="Reload the page and choose again.",
        code="accountUnknown",
        field="accounts",
    )


def identity_undecided() -> Problem:
    return Problem(
        "One account may be new, or the same as one you have.",
        why="The bank shows it under a number that Nostro has not seen. Only you know what it is.",
        what_to_do="Say for each such account whether it is new.",
        code="identityUndecided",
        field="identity",
    )


def already_chosen() -> Problem:
    return Problem(
        "The accounts were chosen already.",
        why="A second click repeats the choice.",
        what_to_do="Look at your accounts; the first import is on its way.",
        code="accountsChosen",
    )
