"""Opens a page of the guide in a real Chromium, and says as JSON what its list has once it has so many items: ADDRESS COUNT."""

import json
import sys
import time

from browser import Browser

WAIT_SECONDS = 60
ITEMS = "return [...document.querySelectorAll('#news li')].map((item) => item.textContent)"


def main():
    address, count = sys.argv[1], int(sys.argv[2])
    browser = Browser()
    try:
        browser.driver.get(address)
        print("open", flush=True)
        end = time.monotonic() + WAIT_SECONDS
        while len(items := browser.driver.execute_script(ITEMS)) < count and time.monotonic() < end:
            time.sleep(0.05)
        print(json.dumps({"items": items, "complaints": browser.complaints()}), flush=True)
    finally:
        browser.close()


main()
