"""Prices of an exchange that does not exist, for /demo/ticker: several times a second those that have changed."""

import random
import time

CHANNEL = "demo/ticker"
CHANGES_PER_PUBLICATION_MAX = 9
PAUSE_SECONDS = 0.25

# Comets, and the meteors that they leave.
NAMES = {
    "HAL": "Halley", "ENC": "Encke", "SWT": "Swift–Tuttle", "TMP": "Tempel", "BIE": "Biela", "HBP": "Hale–Bopp", "HYA": "Hyakutake",
    "NEO": "Neowise", "LOV": "Lovejoy", "MCN": "McNaught", "WLD": "Wild", "HOL": "Holmes", "WES": "West", "DON": "Donati",
    "BOR": "Borrelly", "GIA": "Giacobini", "SHO": "Shoemaker", "CHU": "Churyumov", "IKE": "Ikeya", "OLB": "Olbers", "FAY": "Faye",
    "WHI": "Whipple", "CRO": "Crommelin", "TUT": "Tuttle", "PER": "Perseids", "LEO": "Leonids", "GEM": "Geminids", "LYR": "Lyrids",
    "ORI": "Orionids", "DRA": "Draconids", "TAU": "Taurids", "URS": "Ursids", "QUA": "Quadrantids", "AQU": "Aquariids",
    "AND": "Andromedids", "PHO": "Phoenicids",
}


class Exchange:
    def __init__(self):
        self.opens = {symbol: round(random.uniform(8, 480), 2) for symbol in NAMES}
        self.prices = dict(self.opens)

    def changes(self):
        """Some prices go a little up or down, and what is far from where it began tends to go back."""
        for symbol in random.sample(list(NAMES), random.randint(2, CHANGES_PER_PUBLICATION_MAX)):
            price, start = self.prices[symbol], self.opens[symbol]
            price *= 1 + random.gauss(0.002 * (start - price) / start, 0.002)
            self.prices[symbol] = max(round(price, 2), 0.01)
            yield {"symbol": symbol, "name": NAMES[symbol], "price": self.prices[symbol], "open": start}


def run(publisher):
    exchange = Exchange()
    while True:
        # What nobody took is not kept: newer prices follow.
        publisher.publish(CHANNEL, {"quotes": list(exchange.changes())})
        time.sleep(PAUSE_SECONDS)
