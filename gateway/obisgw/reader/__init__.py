"""Drives sessions over ports: the pump, attempts, what was learned, and ports that come and go."""
