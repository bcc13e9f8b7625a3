"""Noise for every reader of bank files: nothing but problems may come out, in time and memory (formats.md 11).

Each reader gets ``seeds`` spoilt files of the test corpus; a seed that fails is printed with its format and is lived
again by ``--first SEED --seeds 1``. Then, for ``seconds`` each, the readers are fuzzed by atheris, which looks for
inputs that reach new code, if it is there (``python -m bench.peers.environments``).

Figures: ``readers``, ``seeds``, ``failed`` (crashes, both ways), ``slow`` (inputs that took longer than two seconds of
CPU), ``slowest_ms``, ``rss_mb`` (the largest of all readers), ``inputs_per_s``, ``covered_inputs`` (executed by
atheris), ``covered_readers`` (readers it fuzzed; 0 if it is not there).
"""

from __future__ import annotations

import multiprocessing
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SEEDS, QUICK_SEEDS = 2_000, 100
SECONDS, QUICK_SECONDS = 30, 0
_LIMIT_S = 2.0
_MEMORY_MB = 512
_FUZZER = Path(__file__).parent / "peers" / "fuzz_formats.py"


def run(*, quick: bool, seeds: int = SEEDS, first: int = 1, seconds: int = SECONDS) -> dict[str, float | int]:
    """Spoil and read; see the module's text for the figures."""
    from nostro.formats.registry import READERS

    seeds = min(seeds, QUICK_SEEDS) if quick else seeds
    seconds = QUICK_SECONDS if quick else seconds
    begin = time.perf_counter()
    with multiprocessing.get_context("spawn").Pool(os.cpu_count(), maxtasksperchild=1) as pool:
        results = pool.starmap(_noise, [(form, first, seeds) for form in sorted(READERS)], chunksize=1)
    elapsed = time.perf_counter() - begin
    covered = [_covered(form, seconds) for form in sorted(READERS)] if seconds else []
    found = [one for one in covered if one is not None]
    return {
        "readers": len(READERS),
        "seeds": seeds,
        "failed": sum(failed for failed, _, _, _ in results) + sum(crashed for _, crashed in found),
        "slow": sum(slow for _, slow, _, _ in results),
        "slowest_ms": round(max(slowest for _, _, slowest, _ in results) * 1000),
        "rss_mb": round(max(memory for _, _, _, memory in results), 1),
        "inputs_per_s": round(len(results) * seeds / elapsed),
        "covered_inputs": sum(inputs for inputs, _ in found),
        "covered_readers": len(found),
    }


def _noise(form: str, first: int, seeds: int) -> tuple[int, int, float, float]:
    """(failed, slow, slowest in seconds, peak memory in MiB) of one reader, in a process of its own."""
    from tests.formats.corpus import attempt, corpus, mutated

    files = corpus()
    others = list(files.values())
    failed, slow, slowest = 0, 0, 0.0
    for seed in range(first, first + seeds):
        chance = random.Random(seed)
        data = mutated(files[form], chance, chance.choice(others))
        begin = time.process_time()
        try:
            attempt(form, data, is_named=seed % 2 == 0)
        except Exception as error:
            failed += 1
            print(f"{form} --first {seed} --seeds 1: {error!r}", file=sys.stderr)
        used = time.process_time() - begin
        slowest = max(slowest, used)
        if used > _LIMIT_S:
            slow += 1
            print(f"{form} --first {seed} --seeds 1: {used:.1f} s for {len(data):,} bytes", file=sys.stderr)
    return failed, slow, slowest, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _covered(form: str, seconds: int) -> tuple[int, int] | None:
    """(inputs, 1 if one of them crashed) of one reader, by atheris; ``None`` if it is not there."""
    from tests.formats.corpus import corpus

    from bench.peers import environments

    python = environments.python_of("atheris").absolute()
    if not python.exists():
        print("atheris is not there: python -m bench.peers.environments", file=sys.stderr)
        return None
    with tempfile.TemporaryDirectory() as folder:
        known = Path(folder) / "known"
        known.mkdir()
        (known / "right").write_bytes(corpus()[form])
        done = subprocess.run(
            [
                str(python), str(_FUZZER.absolute()), form, f"-max_total_time={seconds}", "-max_len=16384",
                "-timeout=10", f"-rss_limit_mb={_MEMORY_MB}", f"-artifact_prefix={folder}/", str(known),
            ],
            capture_output=True, text=True, check=False, cwd=folder,
            env={**os.environ, "PYTHONPATH": f"{Path.cwd() / 'src'}"},
        )  # fmt: skip
        crashed = [path for path in Path(folder).iterdir() if path.name.startswith(("crash", "timeout", "oom"))]
        for path in crashed:
            print(f"{form}: {path.name}: {path.read_bytes()[:200]!r}\n{done.stderr[-3000:]}", file=sys.stderr)
    inputs = re.findall(r"#(\d+)\s", done.stderr)
    if done.returncode and not crashed:
        print(f"{form}: the fuzzer ended with {done.returncode}: {done.stderr[-500:]}", file=sys.stderr)
    return int(inputs[-1]) if inputs else 0, int(bool(crashed) or done.returncode != 0)
