"""What a network saw: pure functions of a network and a batch."""
