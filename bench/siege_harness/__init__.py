"""The siege's parts; `bench/siege` puts them together."""
