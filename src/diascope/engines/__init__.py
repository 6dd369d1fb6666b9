"""How a network is executed: pure functions of a network and a batch."""
