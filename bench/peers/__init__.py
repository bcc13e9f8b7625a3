"""What the benchmarks measure beside Nostro and nothing else uses."""
