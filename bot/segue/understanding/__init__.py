"""How messages are compared with examples; `segue.router` is the door."""
