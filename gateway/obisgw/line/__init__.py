"""Ports: serial lines of this machine and of the network, what is wrong with them, and what went over them."""
