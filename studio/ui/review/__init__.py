"""Panels beside the timeline in which the machine proposes and people decide, alone or two of them."""

from studio.ui.labels.panels import Panel
from studio.ui.review.proposals import Proposals

#: By name; the Label page shows them behind its own.
PANELS: dict[str, Panel] = {
    "proposals": Panel("Proposals", "wand", Proposals),
}
