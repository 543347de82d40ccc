"""`python3 -m tests.peers`: gets what the tests try our channels against. `.ci/run` does so before the tests."""

from bot.terminal import say
from tests.peers import node, python

if __name__ == "__main__":
    say("Gegenüber für die Tests werden geholt …", "Getting the peers of the tests …")
    python.set_up()
    node.set_up()
    say("Fertig.", "Done.")
