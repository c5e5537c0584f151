"""The demos, in two browsers that a balancer sends to whichever node.

Each case has both browsers, the cluster and what the test was started with; it raises what is wrong and returns facts worth telling.
"""

from demo_chat import chat, chat_goes_on
from demo_feed import assistant, host, nobody_publishes, ticker, two_who_answer
from demo_note import note, note_goes_on
from demo_pages import calm, checks, floods, keyboard, links, looks, policy, rules

ALL = [
    nobody_publishes, host, chat, chat_goes_on, note, note_goes_on, ticker, assistant, two_who_answer, links, keyboard, rules, policy,
    floods, calm, checks, looks,
]
