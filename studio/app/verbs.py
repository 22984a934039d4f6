"""What each verb of the command line does, and how its result reads to a person."""

import json
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.app.bar import Bar
from studio.app.tables import said_decision, said_events, table
from studio.app.telling import by_label, sentence
from studio.environment import has_display
from studio.progress import Work, finish

Result = dict[str, Any]


@dataclass(frozen=True)
class Verb:
    """`work` makes the generator, `text` the words for a person; `opens_window` gives the folder to open instead."""

    work: Callable[[Namespace], Work[Result]]
    text: Callable[[Result], str]
    exit_code: Callable[[Result], int] = lambda result: 0
    opens_window: Callable[[Namespace], Path | None] | None = None


def _value(result: Result) -> Work[Result]:
    """A result that needs no time, as work."""
    yield from ()
    return result


def _demo(a: Namespace) -> Work[Result]:
    from studio.app.actions.demo import demo, demo_folder

    return demo(a.dir or demo_folder(), a.board, a.seed)


def _demo_window(a: Namespace) -> Path | None:
    from studio.app.actions.demo import demo_folder, ready_demo

    if a.headless or a.json or not has_display():
        return None
    bar = Bar()
    try:
        return finish(ready_demo(a.dir or demo_folder()), bar)
    finally:
        bar.end()


def _new(a: Namespace) -> Work[Result]:
    from studio.data.project import create

    project = create(a.dir, a.name or a.dir.resolve().name)
    return _value({"project": str(project.path), "name": project.name})


def _sources(a: Namespace) -> Work[Result]:
    from studio.app.actions.lists import sources
    from studio.sources.ports import ANNOUNCE_S

    return _value(sources(ANNOUNCE_S))


def _boards(a: Namespace) -> Work[Result]:
    from studio.app.actions.lists import board_list
    from studio.app.actions.sizes import board_sizes

    return board_sizes(a.project, a.model) if a.sizes else _value(board_list())


def _doctor(a: Namespace) -> Work[Result]:
    from studio.app.actions.doctor import doctor

    return _value(doctor())


def _record(a: Namespace) -> Work[Result]:
    from studio.app.actions.camera import filmed, parted
    from studio.app.actions.record import record
    from studio.app.together import record_together

    urls, camera = parted(a.urls)
    if len(urls) > 1:
        work = record_together(a.project, urls, a.seconds, a.label, a.subject)
    else:
        work = record(a.project, urls[0], a.seconds, a.label, a.subject, _names(a.streams), a.reconnect)
    return work if camera is None else filmed(a.project, camera, work)


def _import(a: Namespace) -> Work[Result]:
    from studio.app.actions.import_ import import_files
    from studio.data.formats.piece import Hints

    hints = Hints(rate_hz=a.rate_hz, unit=a.unit, label=a.label)
    return import_files(a.project, tuple(a.paths), a.format, a.labels, a.subject, a.split, hints, into=a.into)


def _export(a: Namespace) -> Work[Result]:
    from studio.app.actions.export import export_files

    return export_files(a.project, a.out, a.format, _names(a.recordings), a.key)


def _video(a: Namespace) -> Work[Result]:
    from studio.app.actions.video import video

    return video(a.project, a.recording, a.file, a.align, a.link)


def _import_model(a: Namespace) -> Work[Result]:
    from studio.app.actions.import_model import import_model

    return import_model(a.project, a.file)


def _check(a: Namespace) -> Work[Result]:
    from studio.app.actions.check import check

    return check(a.project, labels=True)


def _propose(a: Namespace) -> Work[Result]:
    from studio.app.actions.propose import propose_tracks

    settings = tuple(a.settings or ())
    return propose_tracks(a.project, a.method, a.recording, a.stream, settings, a.learn, a.model)


def _train(a: Namespace) -> Work[Result]:
    from studio.app.actions.train import TrainSettings, train

    given = {k: v for k, v in vars(a).items() if k in TrainSettings.__dataclass_fields__}
    return train(a.project, TrainSettings(**given | {"families": _names(a.families), "fixed": _names(a.fixed)}))


def _explore(a: Namespace) -> Work[Result]:
    from studio.app.actions.explore import explore, explore_features
    from studio.app.actions.train import TrainSettings

    given = {k: v for k, v in vars(a).items() if k in TrainSettings.__dataclass_fields__}
    return (explore_features if a.features else explore)(a.project, TrainSettings(**given))


def _evaluate(a: Namespace) -> Work[Result]:
    from studio.app.actions.evaluate import evaluate

    return evaluate(a.project, a.model, a.on)


def _decide(a: Namespace) -> Work[Result]:
    from studio.app.actions.deciding import decide

    return decide(a.project, a.model, a.alarms_per_hour, tuple(a.settings or ()), a.off)


def _results(a: Namespace) -> Work[Result]:
    from studio.app.actions.results import results

    return _value(results(a.project))


def _render(a: Namespace) -> Work[Result]:
    from studio.app.actions.build import render

    return render(a.project, a.model, a.out, a.kind)


def _build(a: Namespace) -> Work[Result]:
    from studio.app.actions.build import build

    return build(a.project, a.model, a.board, a.out, a.optimise, a.compare)


def _firmware(a: Namespace) -> Work[Result]:
    from studio.app.actions.build import firmware

    return firmware(a.board, a.out or Path(f"{a.board}-firmware"))


def _part(a: Namespace) -> Work[Result]:
    from studio.app.actions.build import give_part

    return _value(give_part(a.part, a.file))


def _flash(a: Namespace) -> Work[Result]:
    from studio.app.actions.flash import flash, flash_own_build

    return flash_own_build(a.image, a.url, a.board) if a.board else flash(a.image, a.url, a.only)


def _first_light(a: Namespace) -> Work[Result]:
    from studio.app.actions.flash import first_light

    return first_light(a.url, a.seconds)


def _rollback(a: Namespace) -> Work[Result]:
    from studio.app.actions.flash import roll_back

    return roll_back(a.url, a.board)


def _verify(a: Namespace) -> Work[Result]:
    from studio.app.actions.flash import verify

    return verify(a.project, a.model, a.url, a.n)


def _monitor(a: Namespace) -> Work[Result]:
    from studio.app.actions.monitor import monitor

    return monitor(a.url, a.seconds)


def _bench(a: Namespace) -> Work[Result]:
    from studio.app.actions.bench import bench

    return bench(a.name, a.minutes)


def _names(text: str) -> tuple[str, ...]:
    return tuple(n.strip() for n in text.split(",") if n.strip())


def _said_sources(r: Result) -> str:
    rows = ((s["url"] or "(only to be flashed)", s["title"], s["ways"][1:]) for s in r["sources"])
    return "\n".join(f"{url:28} {title}{''.join(' · ' + w['title'] for w in more)}" for url, title, more in rows)


def _said_boards(r: Result) -> str:
    if "model" in r:
        return _said_sizes(r)
    rows = [f"{b['id']:24} tier {b['tier']}  {b['core']:12} flashed by {b['flasher']}" for b in r["boards"]]
    return "\n".join(rows)


def _said_sizes(r: Result) -> str:
    """Flash and RAM of each board's image, in bytes."""
    heads = ["board", "streaming", *([f"with {r['model']}"] if r["model"] else [])]
    rows = [heads]
    for b in r["boards"]:
        kinds = [b["streaming"], *([b["model"]] if r["model"] else [])]
        found = [
            f"{k['flash_bytes']:,} / {k['ram_bytes']:,}".replace(",", " ") if k else b["why_not"] or "-" for k in kinds
        ]
        rows.append([b["id"], *found])
    return "\n".join("  ".join(f"{cell:24}" for cell in row).rstrip() for row in rows)


def _said_doctor(r: Result) -> str:
    lines = [f"{'ok ' if f['ok'] else 'FIX'}  {f['what']}: {f['seen']}" for f in r["findings"]]
    fixes = [f"     {f['what']}: {f['fix']}" for f in r["findings"] if f["fix"]]
    return "\n".join([*lines, *fixes])


def _said_record(r: Result) -> str:
    if "recordings" in r:
        begun = (
            f"began {o * 1000:+.1f} ms later" if o is not None else "began at a time unknown" for o in r["offsets_s"]
        )
        return "\n".join(f"{_said_record(each)}\n  {b}" for each, b in zip(r["recordings"], begun, strict=True))
    rows = [
        f"  {s['name']}: {s['n_samples']} samples, {s['lost_samples']} lost in {len(s['gaps'])} gaps"
        for s in r["streams"]
    ]
    film = [f"  {r['video']['file']}: {r['video']['frames']} frames, {r['video']['lost']} lost"] if "video" in r else []
    return "\n".join([f"Recorded {r['recording']}", *rows, *film])


def _said_video(r: Result) -> str:
    drift = f", its clock {1e6 * (r['rate'] - 1):+.0f} ppm" if r["rate"] != 1 else ""
    return f"{r['video']} begins at {r['start_s']:.3f} s of {r['recording']}{drift}"


def _said_import(r: Result) -> str:
    heads = [f"Imported {len(r['recordings'])} recordings"] if r["recordings"] or not r["labelled"] else []
    heads += [f"Labels added to {', '.join(r['labelled'])}"] if r["labelled"] else []
    return "\n".join([*heads, *_said_entries(r["report"])])


def _said_export(r: Result) -> str:
    head = f"Exported {len(r['recordings'])} recordings as {r['format']}: {len(r['files'])} files"
    return "\n".join([head, *_said_entries(r["report"]), *([] if r["report"] else ["Nothing is lost."])])


def _said_entries(report: list[Result]) -> list[str]:
    """A line for each kind of loss, however many recordings it concerns."""
    kinds: dict[tuple[str, str], list[Result]] = {}
    for e in report:
        kinds.setdefault((e["kind"], e["where"]), []).append(e)
    rows = [(kind, where, sum(e["count"] for e in found), found) for (kind, where), found in kinds.items()]
    return [
        f"  {kind}{f' ({where})' if where else ''}, {n} in {len(found)} recordings: {found[0]['text']}"
        for kind, where, n, found in rows
    ]


def _said_import_model(r: Result) -> str:
    window = " x ".join(map(str, r["window"]))
    return f"Model {r['model']}: {r['stages']} stages, window {window}, listens to {r['stream']}"


def _said_check(r: Result) -> str:
    lines = [f"{x['id']}: {f['severity']}: {f['text']}" for x in r["recordings"] for f in x["findings"]]
    lines += [f"project: {f['severity']}: {f['text']}" for f in r["balance"]]
    lines += [_said_suspect(x) for x in r["suspect_labels"]]
    lines += [f"Labels were not checked: {r['labels_unchecked']}"] if r["labels_unchecked"] else []
    return "\n".join(lines) or f"{len(r['recordings'])} recordings, nothing to complain about."


def _said_suspect(x: Result) -> str:
    where = f"{x['recording']}: {x['start_s']:.2f} to {x['stop_s']:.2f} s"
    return f"{where}: is {x['label']!r} right? It looks like {x['suggested']!r} ({x['confidence']:.0%})."


def _said_propose(r: Result) -> str:
    lines = [f"{x['id']}: {x['n']} stretches, {x['seconds']:.1f} s, in track {x['track']!r}" for x in r["recordings"]]
    if r["learned"]:
        lines.insert(0, f"Learned from {r['learned']['true']} labels: F1 {r['learned']['f1']:.3f} on them")
    return "\n".join(lines)


def _said_metrics(m: Result) -> str:
    told = [f"  {c:24} precision {v['precision']:.3f}  recall {v['recall']:.3f}" for c, v in by_label(m).items()]
    if text := sentence(m):
        return "\n".join([f"{text} (generated C)", *(told if "several" in m else [])])
    head = f"Accuracy {m['accuracy']:.1%}, macro F1 {m['macro_f1']:.3f} on {m['n_windows']} windows (generated C)"
    return "\n".join([head, *told, said_events(m["events"])])


def _said_cost(c: Result) -> str:
    flash, ram = c["flash_bytes"], c["ram_bytes"]
    return f"{flash} B flash, {ram} B RAM, {c['instructions_per_inference']} instructions per answer ({c['source']})"


def _said_train(r: Result) -> str:
    head = f"Model {r['model']} after {r['trials']} trials in {r['seconds']:.0f} s, split by {r['split_by']}"
    told = [r["why"], *r["warnings"], f"The test part has been looked at {r['test_looks']} times."]
    if r["leak"]:
        told.insert(
            1, "Leak gap: {random:.1%} with windows at random, {group:.1%} with groups apart.".format(**r["leak"])
        )
    return "\n".join([head, _said_metrics(r["test"]), _said_cost(r["cost"]), *told])


def _said_explore(r: Result) -> str:
    if "feature_sets" in r:
        return _said_sets(r)
    head = f"{r['probe']} on {r['windows']} windows with everything: macro F1 {r['score']:.3f}"
    rows = [f"  {x['kind']:7} {x['what']:34} {x['score']:.3f}  {-x['lost']:+.3f}" for x in r["reductions"]]
    return "\n".join([head, *rows])


def _said_bench(r: Result) -> str:
    from studio.app.actions.engine_table import engine_table

    return engine_table(r) if "models" in r else json.dumps(r, indent=1)


def _said_sets(r: Result) -> str:
    head = f"{r['probe']} on {r['windows']} windows: macro F1, instructions, number and names of the features"
    rows = [
        f"  {x['score']:.3f} {x['instructions_per_inference']:9} {x['features']:5}  {x['what']:36} --fix {x['fix']}"
        for x in r["feature_sets"]
    ]
    return "\n".join([head, *rows])


def _said_build(r: Result) -> str:
    return "\n".join([_said_cost(r), *_said_other(r), *r["files"]])


def _said_other(r: Result) -> list[str]:
    """What the same model weighs when it is optimised the other way."""
    if "other" not in r:
        return []
    other = r["other"]
    figures = f"{other['flash_bytes']} B of flash, {other['instructions_per_inference']} instructions"
    return [f"optimised for {r['optimise']}; for {other['optimise']} it would be {figures}"]


def _said_flash(r: Result) -> str:
    kept = "the image before is kept" if r["previous_kept"] else "no image before is kept"
    tested = ", passes its self-test" if r["tested"] else ""
    answers = f"it answers as build {r['build_hash'][:12]}{tested}; {kept}"
    if r.get("own_build"):
        answers = f"checked on the board as far as its boot loader checks; {kept}"
    if r.get("parameters"):
        less = f"of {r['whole_bytes']}: only the model's numbers changed, about {r['seconds_saved']:.1f} s saved"
        return f"{r['bytes']} bytes {less}; {answers.replace('image before is', 'numbers before are')}"
    return f"{r['bytes']} bytes on {r['board']} in {r['seconds']:.2f} s; {answers}"


def _said_verify(r: Result) -> str:
    if r["first_difference"] is None:
        return f"{r['equal']} of {r['windows']} windows equal bit for bit: features, logits and decisions."
    d = r["first_difference"]
    return f"DIFFERENT: {r['equal']} of {r['windows']} equal; first in window {d['window']}, stage {d['stage']}."


def _said_live(r: Result) -> str:
    right = "" if r["accuracy"] is None else f", {r['accuracy']:.1%} right"
    return f"{r['decisions']} decisions from the board{right}"


def _said_demo(r: Result) -> str:
    parts = (_said_train(r["train"]), _said_flash(r["flash"]), _said_verify(r["verify"]), _said_live(r["live"]))
    return "\n".join(parts)


VERBS: dict[str, Verb] = {
    "demo": Verb(_demo, _said_demo, lambda r: int(r["verify"]["first_difference"] is not None), _demo_window),
    "new": Verb(_new, lambda r: f"Project {r['name']} in {r['project']}"),
    "sources": Verb(_sources, _said_sources),
    "boards": Verb(_boards, _said_boards),
    "doctor": Verb(_doctor, _said_doctor),
    "record": Verb(_record, _said_record),
    "import": Verb(_import, _said_import),
    "export": Verb(_export, _said_export),
    "video": Verb(_video, _said_video),
    "import-model": Verb(_import_model, _said_import_model),
    "check": Verb(_check, _said_check),
    "propose": Verb(_propose, _said_propose),
    "train": Verb(_train, _said_train),
    "explore": Verb(_explore, _said_explore),
    "evaluate": Verb(_evaluate, _said_metrics),
    "decide": Verb(_decide, said_decision),
    "results": Verb(_results, lambda r: table(r["rows"])),
    "render": Verb(_render, lambda r: "\n".join(r["files"])),
    "build": Verb(_build, _said_build),
    "firmware": Verb(_firmware, lambda r: "\n".join(r["files"])),
    "part": Verb(_part, lambda r: f"Kept {r['n_bytes']} bytes for {r['part']}: builds find them from now on"),
    "flash": Verb(_flash, _said_flash),
    "first-light": Verb(_first_light, lambda r: str(r["report"]), lambda r: int(r["failed"] > 0)),
    "rollback": Verb(_rollback, lambda r: f"{r['board']} runs build {r['build_hash'][:12]} again"),
    "verify": Verb(_verify, _said_verify, lambda r: int(r["first_difference"] is not None)),
    "monitor": Verb(_monitor, _said_live),
    "bench": Verb(_bench, _said_bench),
}
