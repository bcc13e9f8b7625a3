"""Runnable benchmarks, each with its peer or physical limit in the same run: ``./nostro bench NAME [--quick]``."""
