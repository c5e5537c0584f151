"""The parts of `bench/million` and `bench/capacity`."""
