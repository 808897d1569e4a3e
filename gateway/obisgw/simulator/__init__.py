"""Virtual meters on a virtual line: a household, its meters' quirks, the line's timing, and faults."""
