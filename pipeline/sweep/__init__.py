"""Which network suits which board: costs before training, training of the candidates, and the trade-off drawn."""
