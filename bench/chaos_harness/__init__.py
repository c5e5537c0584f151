"""The chaos test's parts; `bench/chaos` puts them together."""
