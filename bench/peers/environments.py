"""Environments of the libraries that bank files are compared with: ``python -m bench.peers.environments``.

Each gets one of its own, because some are under the GPL and some install modules of the same name. They lie in
``.data/bench-peers`` or where ``NOSTRO_BENCH_PEERS`` says; nothing of the house ever imports them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

#: Peer → what is installed, and the formats of ``bank_files`` that it reads.
PEERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "febelfin": ("febelfin-coda==0.5.0", ("coda",)),
    "pycoda": ("pycoda==1.1.0", ("coda",)),
    "ofxtools": ("ofxtools==1.1.1", ("ofx1", "ofx2")),
    "ofxparse": ("ofxparse==0.21", ("ofx1", "ofx2")),
    "bankstatementparser": ("bankstatementparser==0.0.29", ("ofx1", "ofx2")),
    "bai2": ("bai2==0.15.0", ("bai2",)),
    "quiffen": ("quiffen==4.0.1", ("qif",)),
    # Fuzzes the readers (bench/formats_fuzz.py); what the readers import must be beside it.
    "atheris": ("atheris==3.0.0 python-calamine", ()),
}


def folder() -> Path:
    """Where the environments are."""
    return Path(os.environ.get("NOSTRO_BENCH_PEERS", ".data/bench-peers"))


def python_of(peer: str) -> Path:
    """The Python of a peer; it need not exist."""
    return folder() / peer / "bin" / "python"


def main() -> None:
    """Make the environments that are missing."""
    for peer, (requirement, _) in PEERS.items():
        if python_of(peer).exists():
            continue
        subprocess.run([sys.executable, "-m", "venv", str(folder() / peer)], check=True)
        subprocess.run([str(python_of(peer)), "-m", "pip", "install", "--quiet", *requirement.split()], check=True)
        print(f"{requirement} is installed")


if __name__ == "__main__":
    main()
