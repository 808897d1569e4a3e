"""The tests: one folder per stage of the data's way, and what they share."""
