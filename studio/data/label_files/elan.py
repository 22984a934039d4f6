"""ELAN's .eaf: a tier for each track, whole milliseconds, no points, no overlap inside a tier."""

from pathlib import Path

from studio.data.label_files.about import About, LabelFormat
from studio.data.labels import Segment
from studio.data.travel.holds import Holds, one_line
from studio.data.travel.item import Item


def read(path: Path, about: About) -> dict[str, list[Segment]]:
    """A track for each tier; annotations that hang on others take their times. Empty ones are no label."""
    from pympi.Elan import Eaf

    eaf = Eaf(str(path), suppress_version_warning=True)
    found = {}
    for tier in eaf.get_tier_names():
        rows = [row[:3] for row in eaf.get_annotation_data_for_tier(tier)]
        segments = [Segment(a / 1000, b / 1000, one_line(text)) for a, b, text in rows if text and text.strip()]
        found[_track(tier)] = segments
    return found


def _track(tier: str) -> str:
    return "labels" if tier == "default" else tier


def write(path: Path, item: Item) -> None:
    """All tracks of the item."""
    from pympi.Elan import Eaf

    eaf = Eaf(author="")
    eaf.remove_tier("default")
    for name, track in item.tracks.items():
        eaf.add_tier(name)
        for s in track.segments:
            eaf.add_annotation(name, round(s.start_s * 1000), round(s.stop_s * 1000), s.label)
    part = path.with_name(path.name + ".part")
    eaf.to_file(str(part))
    part.replace(path)


FORMAT = LabelFormat(
    "ELAN annotation file", (".eaf",), read, write,
    Holds(signals=False, tracks="all", points=False, score=False, comment=False, ticks=1000.0, text=one_line),
)  # fmt: skip
