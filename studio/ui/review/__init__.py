"""Panels beside the timeline in which the machine proposes and people decide, alone or two of them."""

from studio.ui.labels.panels import Panel
from studio.ui.review.agreement import AgreementPanel
from studio.ui.review.alike import FindAlike
from studio.ui.review.map import WindowMapPanel
from studio.ui.review.proposals import Proposals
from studio.ui.review.queue import Review
from studio.ui.review.why import Why

#: By name; the Label page shows them behind its own.
PANELS: dict[str, Panel] = {
    "proposals": Panel("Proposals", "wand", Proposals),
    "alike": Panel("Alike", "zoom-check", FindAlike),
    "map": Panel("Map", "chart-dots", WindowMapPanel),
    "review": Panel("Review", "list-check", Review),
    "agreement": Panel("Agreement", "users", AgreementPanel),
    "why": Panel("Why", "help-circle", Why),
}
