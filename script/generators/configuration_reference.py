"""docs/reference/configuration.md: every setting, from the table that the check uses."""

from __future__ import annotations

from obisgw.config.reference import configuration_page


def documents() -> dict[str, str]:
    """Return the page by its path."""
    return {"docs/reference/configuration.md": configuration_page()}
