"""What a person decides about what machines and others said: pure changes of tracks, and one door to commit them."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from studio.app.session import Session, State
from studio.data.agreement import NOTHING, Piece, cut_out, differences
from studio.data.labels import BORDER_S, Labels, Segment
from studio.data.project import with_classes
from studio.data.recording import Recording
from studio.errors import DataError

#: What a label's comment says once a person has looked at a doubt and kept the label.
CHECKED = "checked"
HUMAN, PROPOSED, PREDICTED = "labels", "proposed:", "predicted:"
#: Differences shorter than this are borders, not opinions.
TOLERANCE_S = 0.25
#: A proposal of which this share is labelled already is no news.
KNOWN_SHARE = 0.5


@dataclass(frozen=True)
class Doubt:
    """One thing to decide: the stretch, what is said, what is suggested instead, how sure that is, and of whom."""

    recording: str
    start_s: float
    stop_s: float
    said: str
    suggested: str
    score: float


def is_human(track: str) -> bool:
    """Whether a person writes this track."""
    return track == HUMAN or track.startswith(HUMAN + ":")


def human_track(state: State) -> str:
    """The open track when a person writes it, else the usual one."""
    return state.track if is_human(state.track) else HUMAN


def commit(session: Session, what: str, recording_id: str, tracks: Mapping[str, Labels | None]) -> None:
    """Other values of tracks of a recording, with a class for each new label a person now uses: one step of undo.

    DataError when the project has no such recording.
    """
    state = session.state
    found = recording_of(state, recording_id)
    kept = {name: track for name, track in (found.labels | dict(tracks)).items() if track is not None}
    said = {s.label for name, track in tracks.items() if track and is_human(name) for s in track.segments}
    after = state.with_recording(replace(found, labels=kept))
    if state.project is not None and (fresh := said - {c.name for c in state.project.classes}):
        classes = with_classes(state.project.classes, sorted(fresh))
        after = replace(after, project=replace(state.project, classes=classes))
    if recording_id == state.recording and state.track in tracks:
        after = replace(after, selected=None, also=())
    session.commit(what, after)


def commit_machine(session: Session, what: str, name: str, tracks: Mapping[str, Labels]) -> None:
    """A machine's track `name` in many recordings {id: track}, in one step; where a track is empty it goes."""
    state = session.state
    for recording_id, track in tracks.items():
        found = recording_of(state, recording_id)
        kept = {k: v for k, v in (found.labels | {name: track}).items() if k != name or len(track)}
        if kept != found.labels:
            state = state.with_recording(replace(found, labels=kept))
    session.commit(what, state)


def recommit(session: Session, what: str, recording_id: str, tracks: Mapping[str, Labels | None]) -> None:
    """The same, in place of the last step when that was the same for this recording: a moving preview is one step."""
    named = f"{what} in {recording_id}"
    if session.undo_text == named:
        session.undo()
    commit(session, named, recording_id, tracks)


def recording_of(state: State, recording_id: str) -> Recording:
    """One recording of the session; DataError when it is not there any more."""
    found = next((r for r in state.recordings if r.id == recording_id), None)
    if found is None:
        raise DataError(f"Recording {recording_id!r}", "is not in the project", "Open it again, then repeat.")
    return found


# --- proposals ---------------------------------------------------------------------------------


def news(proposals: Labels, known: Labels) -> Labels:
    """The proposals of which less than half is labelled already."""
    spans = [s for s in known.segments if not s.is_point]
    kept, first = [], 0
    for p in proposals.segments:
        while first < len(spans) and spans[first].stop_s <= p.start_s:
            first += 1
        covered, i = 0.0, first
        while i < len(spans) and spans[i].start_s < p.stop_s:
            covered += min(p.stop_s, spans[i].stop_s) - max(p.start_s, spans[i].start_s)
            i += 1
        if covered < KNOWN_SHARE * (p.stop_s - p.start_s) or p.is_point:
            kept.append(p)
    return Labels(tuple(kept))


def accepted(track: Labels, proposals: Labels, indices: Iterable[int], label: str = "") -> tuple[Labels, Labels]:
    """(the person's track with those proposals, the proposals that are left); `label` renames them where it is given.

    What a person accepts is the person's word: its confidence is 1.
    """
    chosen = sorted(set(indices))
    taken = [Segment(s.start_s, s.stop_s, label or s.label) for s in (proposals.segments[i] for i in chosen)]
    free = _free(taken, track)
    after = Labels(tuple(sorted([*track.segments, *(s for s, f in zip(taken, free, strict=True) if f)])))
    for s in (s for s, f in zip(taken, free, strict=True) if not f):
        after = after.add(s)
    return after, proposals.without(chosen)


def _free(segments: Sequence[Segment], track: Labels) -> list[bool]:
    """Which of the segments touch nothing of the track: those can go in all at once."""
    spans = [s for s in track.segments if not s.is_point]
    starts, stops = [s.start_s for s in spans], [s.stop_s for s in spans]
    points = [s.start_s for s in track.segments if s.is_point]
    return [
        bisect_right(stops, s.start_s) >= bisect_left(starts, s.stop_s)
        and bisect_left(points, s.start_s) == bisect_right(points, s.stop_s)
        for s in segments
    ]


def within(proposals: Labels, left: float, right: float) -> list[int]:
    """Proposals that lie whole in [left, right]."""
    return [
        i for i, s in enumerate(proposals.segments) if s.start_s >= left - BORDER_S and s.stop_s <= right + BORDER_S
    ]


def stretches(starts_s: Sequence[float], length_s: float, label: str) -> Labels:
    """Windows as stretches: those that touch or overlap become one."""
    made: list[Segment] = []
    for start in sorted(starts_s):
        if made and start <= made[-1].stop_s + BORDER_S:
            made[-1] = replace(made[-1], stop_s=start + length_s)
        else:
            made.append(Segment(start, start + length_s, label))
    return Labels(tuple(made))


# --- queues: what is worth a look, in order -----------------------------------------------------


def uncertain(recording: Recording, track: str) -> list[Doubt]:
    """A model's answers along a recording, the least sure first."""
    answers = recording.labels.get(track, Labels()).segments
    rows = [Doubt(recording.id, s.start_s, s.stop_s, s.label, s.label, s.score) for s in answers]
    return sorted(rows, key=lambda d: (d.score, d.start_s))


def disagreements(recording: Recording, ours: str, theirs: str, tolerance_s: float) -> list[Doubt]:
    """Where something is said in `ours` and something else, or nothing, in `theirs`, in order of time."""
    a, b = (recording.labels.get(name, Labels()) for name in (ours, theirs))
    found = differences(a, b, recording.duration_s, tolerance_s)
    return [Doubt(recording.id, p.start_s, p.stop_s, p.a, p.b, 1.0) for p in found if p.a != NOTHING]


def still_doubtful(rows: Sequence[Mapping[str, Any]], state: State, track: str) -> list[Doubt]:
    """Suspects (rows as in the check) whose label is still there, says the same, and was not looked at."""
    there = {
        r.id: {(round(s.start_s, 6), s.label): s for s in r.labels.get(track, Labels()).segments}
        for r in state.recordings
    }
    found = []
    for row in rows:
        segment = there.get(row["recording"], {}).get((round(float(row["start_s"]), 6), row["label"]))
        if segment is not None and CHECKED not in segment.comment:
            doubt = Doubt(
                row["recording"], segment.start_s, segment.stop_s, segment.label, row["suggested"], row["confidence"]
            )
            found.append(doubt)
    return found


def relabelled(track: Labels, doubt: Doubt, label: str) -> Labels:
    """`track` with `label` on the stretch of a doubt: its label renamed, else a new one; NOTHING empties it."""
    index = _index(track, doubt)
    if label == NOTHING:
        return track.remove(index) if index is not None else cut_out(track, doubt.start_s, doubt.stop_s)
    return track.rename(index, label) if index is not None else track.add(Segment(doubt.start_s, doubt.stop_s, label))


def kept_as_it_is(track: Labels, doubt: Doubt) -> Labels:
    """`track` whose label a person has looked at and keeps: it is not asked about again."""
    index = _index(track, doubt)
    if index is None:
        return track

    def checked(s: Segment) -> Segment:
        return replace(s, comment=f"{s.comment}; {CHECKED}" if s.comment else CHECKED)

    return track.change([index], checked)


def without(track: Labels, doubt: Doubt) -> Labels:
    """`track` with nothing on the stretch of a doubt."""
    return cut_out(track, doubt.start_s, doubt.stop_s)


def piece_of(doubt: Doubt) -> Piece:
    """A difference as adjudication wants it."""
    return Piece(doubt.start_s, doubt.stop_s, doubt.said, doubt.suggested)


def _index(track: Labels, doubt: Doubt) -> int | None:
    """The label that lies exactly on the stretch of a doubt."""
    for i, s in enumerate(track.segments):
        if abs(s.start_s - doubt.start_s) <= BORDER_S and abs(s.stop_s - doubt.stop_s) <= BORDER_S:
            return i
    return None
