"""Events, decisions and results as lines of text, for the command line."""

from typing import Any

from studio.graph.ops.decide import decide_of

Row = dict[str, Any]
#: Columns of the table of results: title, key, and how a value is written.
COLUMNS = (
    ("model", "model", "{}"),
    ("family", "family", "{}"),
    ("test", "accuracy", "{:.1%}"),
    ("F1", "macro_f1", "{:.3f}"),
    ("mean error", "mae", "{:.4g}"),
    ("R2", "r2", "{:.3f}"),
    ("label F1", "label_f1", "{:.3f}"),
    ("folds", "mean", "{:.3f}"),
    ("±", "std", "{:.3f}"),
    ("95 % from", "low", "{:.3f}"),
    ("to", "high", "{:.3f}"),
    ("leak gap", "leak_gap", "{:+.1%}"),
    ("flash B", "flash_bytes", "{}"),
    ("RAM B", "ram_bytes", "{}"),
    ("instructions", "instructions", "{}"),
    ("events", "event_recall", "{:.1%}"),
    ("false/h", "false_alarms_per_hour", "{:.1f}"),
    ("search s", "search_seconds", "{:.0f}"),
    ("trials/min", "trials_per_minute", "{:.1f}"),
)

#: Shown where some model has them: figures of numbers and of several labels.
SOME = {"mae", "r2", "label_f1"}


def table(rows: list[Row]) -> str:
    """The results of a project, a line a model; "-" where nothing is known."""
    if not rows:
        return "No model yet."
    columns = [c for c in COLUMNS if c[1] not in SOME or any(row.get(c[1]) is not None for row in rows)]
    cells = [[title for title, _, _ in columns]]
    for row in rows:
        cells.append([form.format(v) if (v := row.get(key)) is not None else "-" for _, key, form in columns])
    wide = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    return "\n".join("  ".join(_padded(text, wide[i], i) for i, text in enumerate(line)).rstrip() for line in cells)


def _padded(text: str, wide: int, column: int) -> str:
    return text.ljust(wide) if column < 2 else text.rjust(wide)


def said_events(events: Row) -> str:
    """Events of a recording in one line; what the false alarms were counted over, and where they came."""
    found = "Events: none to judge by"
    if events.get("recall") is not None:
        late = f", {events['latency_s_p50']:.2f} s after their start" if events["latency_s_p50"] is not None else ""
        found = f"Events: {events['recall']:.1%} found{late}"
    if events.get("false_alarms_per_hour") is None:
        return found
    rate = f"{events['false_alarms_per_hour']:.1f} false alarms an hour"
    if "hours" not in events:
        return f"{found}; {rate}"
    counted = f"{events['false_alarms']} in {60 * events['hours']:.1f} min"
    borders = (
        f", {events['false_at_borders']} of them while the label changed" if events.get("false_at_borders") else ""
    )
    return f"{found}; {rate} ({counted}{borders})"


def said_decision(r: Row) -> str:
    """A decision, what it comes to on folds, and the curve."""
    words = decide_of(r["decision"], len(r["decision"]["on"])).words() if r["decision"] else "each window alone"
    lines = [f"{r['model']}: {words}{' (changed; build and flash again)' if r['changed'] else ''}"]
    if r["validation"] is None:
        return "\n".join([*lines, "No curve: this model was not trained here, or no event was kept for validation."])
    lines += ["On recordings it had not learned from: " + said_events(r["validation"])]
    lines += ["  false/h   missed  latency s  decision"]
    for p in r["curve"]:
        words = decide_of(p["smoothing"], len(p["smoothing"]["on"])).words()
        late = f"{p['latency_s_p50']:9.2f}" if p["latency_s_p50"] is not None else "        -"
        lines.append(f"  {p['false_alarms_per_hour']:7.1f}  {p['missed']:7.1%}  {late}  {words}")
    return "\n".join(lines)
