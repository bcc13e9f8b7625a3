"""``nostro test``: everything a change must pass, in the order in which faults are cheapest to find."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass

from nostro.cli.installation import ROOT, console

#: An independent judge of the sandbox bank; the newest release that runs on Node.js 20.
PRISM = "@stoplight/prism-cli@5.14.2"
NPM_TIMEOUT_S = 180
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True)
class Check:
    title: str
    command: list[str]


def run(*, quick: bool, coverage: bool) -> int:
    """Run all checks; the first that fails ends the run. Returns the exit status."""
    python = sys.executable
    checks = [
        Check("format", [python, "-m", "ruff", "format", "--check", "."]),
        Check("lint", [python, "-m", "ruff", "check", "."]),
        Check("import rules", [str(ROOT / ".venv" / "bin" / "lint-imports"), "--no-cache"]),
        Check("types", [python, "-m", "mypy"]),
        Check("tests", test_command(quick=quick, coverage=coverage)),
    ]
    for check in checks:
        started = time.monotonic()
        console.print(f"[bold]{check.title}[/] …")
        done = subprocess.run(check.command, cwd=ROOT, env=_environment(), check=False)
        if done.returncode:
            console.print(f"[red]✗ {check.title} failed.[/] The lines above say where.")
            return done.returncode
        console.print(f"[green]✓[/] {check.title} ({time.monotonic() - started:.0f} s)")
    return 0


def test_command(*, quick: bool, coverage: bool) -> list[str]:
    """The pytest call: in parallel on all cores; without the browser journeys where there is no browser."""
    command = [sys.executable, "-m", "pytest", "-n", str(os.cpu_count() or 1), "--dist", "loadgroup"]
    if coverage:
        command = [sys.executable, "-m", "coverage", "run", "-m", "pytest"]
    install_prism()
    if quick or not find_or_install_chromium():
        command += ["-m", "not browser"]
    return [*command, "-r", "s"]


def install_prism() -> bool:
    """Whether the standard's independent validator is there; installed by npm, without it its tests are left out."""
    directory = ROOT / "build" / "prism"
    if (directory / "node_modules" / ".bin" / "prism").exists():
        return True
    if shutil.which("npm"):
        directory.mkdir(parents=True, exist_ok=True)
        console.print("Installing Prism, which judges the sandbox bank by the standard …")
        arguments = ["install", "--silent", "--no-fund", "--no-audit", "--prefix", str(directory), PRISM]
        try:
            if subprocess.run(["npm", *arguments], check=False, timeout=NPM_TIMEOUT_S).returncode == 0:
                return True
        except subprocess.TimeoutExpired:
            pass
    console.print(
        "[yellow]Left out: the check of the sandbox bank by Prism, because it could not be installed.[/]\n"
        "It needs Node.js 20 with npm. The check by the standard's schemas runs all the same."
    )
    return False


def find_or_install_chromium() -> bool:
    """Whether a Chromium is there for the journeys; installs Debian's where it is missing and this may be done."""
    if any(shutil.which(name) for name in CHROMIUM_NAMES):
        return True
    if os.geteuid() == 0 and shutil.which("apt-get"):
        console.print("Installing Chromium for the browser journeys …")
        for arguments in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "chromium"]):
            environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
            subprocess.run(
                ["apt-get", *arguments], check=False, stdout=subprocess.DEVNULL, env=environment, timeout=900
            )
        if shutil.which("chromium"):
            return True
    console.print(
        "[yellow]Left out: the browser journeys (tests marked “browser”), because no Chromium was found.[/]\n"
        "To run them, install it: on Debian and Ubuntu, apt-get install chromium; on Fedora, dnf install chromium."
    )
    return False


def _environment() -> dict[str, str]:
    """The tests choose their own data directory; a DATABASE_URL is passed on, so that they run on a server too."""
    dropped = {"NOSTRO_DATA", "NOSTRO_PUBLIC_URLS", "DJANGO_SETTINGS_MODULE"}
    return {key: value for key, value in os.environ.items() if key not in dropped}
