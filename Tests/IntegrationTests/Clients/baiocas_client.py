"""A client of baiocas that acknowledges what it is told: it prints that, a line each, and its client's id with it.

python3 baiocas_client.py URL TRANSPORT CHANNEL…
"""

import json
import sys

from baiocas.client import Client
from baiocas.extensions.ack import AckExtension
from baiocas.transports.long_polling import LongPollingHttpTransport
from tornado.ioloop import IOLoop


def tell(**facts):
    print(json.dumps(facts), flush=True)


def main(url, channels):
    client = Client(url)
    client.register_transport(LongPollingHttpTransport())
    client.register_extension(AckExtension())

    def told(channel, message):
        tell(channel=message["channel"], data=message["data"], client=client.client_id)

    def subscribed(channel, message):
        if message.get("subscription") == channels[-1]:
            tell(ready=message["successful"], client=client.client_id)

    client.get_channel("/meta/subscribe").add_listener(subscribed)
    client.handshake()
    for name in channels:
        client.get_channel(name).subscribe(told)
    IOLoop.current().start()


main(sys.argv[1], sys.argv[3:])
