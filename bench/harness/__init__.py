"""The parts of bench/run: one noun per file."""
