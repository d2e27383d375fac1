"""How the bundled checkpoint is made: songs composed by rule, and a network that learns them."""
