"""The options of the command line, one verb a function. What they mean is in `verbs`."""

import argparse
from pathlib import Path
from typing import TypeAlias

PROJECT = "project folder"
EXPORTS = "c (default), arduino, zephyr, cmsis-pack, platformio, esp-idf or stm32cube"


def parser() -> argparse.ArgumentParser:
    """Every verb with its options."""
    top = argparse.ArgumentParser(
        prog="studio",
        description="From a dev board on the desk to a working sensor model in its firmware.",
        epilog="Without a verb the window opens. `studio test` runs the project's own tests.",
    )
    top.add_argument("--version", action="store_true", help="print the version")
    verbs = top.add_subparsers(dest="verb", metavar="VERB")
    for add in (
        _demo,
        _new,
        _lists,
        _record,
        _import,
        _export,
        _video,
        _import_model,
        _check,
        _propose,
        _train,
        _explore,
        _evaluate,
        _render,
        _build,
    ):
        add(verbs)
    _flash(verbs)
    _verify(verbs)
    _monitor(verbs)
    _bench(verbs)
    return top


def _verb(
    verbs: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, help: str
) -> argparse.ArgumentParser:
    verb = verbs.add_parser(name, help=help, description=help)
    verb.add_argument("--json", action="store_true", help="print the result as one JSON object")
    return verb


Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # the type has no public name


def _demo(verbs: Verbs) -> None:
    v = _verb(verbs, "demo", "the whole loop on a virtual board with sample data")
    v.add_argument("dir", nargs="?", type=Path, help="folder of the demo project")
    v.add_argument("--headless", action="store_true", help="run in the terminal even when there is a display")
    v.add_argument("--board", default="", help="virtual board (default: cortex-m4f, or host without the emulator)")
    v.add_argument("--seed", type=int, default=0, help="same seed, same model")


def _new(verbs: Verbs) -> None:
    v = _verb(verbs, "new", "make an empty project")
    v.add_argument("dir", type=Path)
    v.add_argument("--name", default="", help="name of the project (default: the folder's)")


def _lists(verbs: Verbs) -> None:
    _verb(verbs, "sources", "what can be connected now")
    v = _verb(verbs, "boards", "every known board, its tier and how it is flashed")
    v.add_argument("--sizes", action="store_true", help="build for every board, and print what it weighs")
    v.add_argument("--project", type=Path, help="with --sizes: weigh a model of this project too")
    v.add_argument("--model", default="", help="with --project: its id (default: the newest)")
    _verb(verbs, "doctor", "ports, rights, Bluetooth, compiler, Qt: each finding with one fix")


def _record(verbs: Verbs) -> None:
    v = _verb(verbs, "record", "record a live source")
    v.add_argument("project", type=Path, help=PROJECT)
    v.add_argument(
        "--from",
        dest="urls",
        action="append",
        required=True,
        metavar="URL",
        help="for example COM7 or virtual:host; given again, another device on the same time line",
    )
    v.add_argument("--reconnect", action="store_true", help="look for a device that was lost, and go on")
    v.add_argument("--seconds", type=float, default=10.0, help="how long, by the device's clock (default 10)")
    v.add_argument("--label", default="", help="label for all of it")
    v.add_argument("--subject", default="", help="who wears or moves the sensor")
    v.add_argument("--streams", default="", help="only these streams, comma separated (default: all)")


def _import(verbs: Verbs) -> None:
    v = _verb(verbs, "import", "bring files in; a folder with manifest.json comes in whole")
    v.add_argument("project", type=Path, help=PROJECT)
    v.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    v.add_argument("--format", default="", help="importer to use (default: found by itself)")
    v.add_argument("--labels", type=Path, help="label file of any kind (default: the one beside the file)")
    v.add_argument("--into", default="", metavar="ID", help="recording that files of labels alone belong to")
    v.add_argument("--rate", dest="rate_hz", type=float, default=0.0, help="samples per second, where no file says it")
    v.add_argument("--unit", default="", help="unit of the samples, where no file says it")
    v.add_argument("--label", default="", help="one label for all of each file")
    v.add_argument("--subject", default="")
    v.add_argument("--split", default="", metavar="train|test", help="part the files belong to")


def _video(verbs: Verbs) -> None:
    v = _verb(verbs, "video", "give a recording a video and place it on the recording's time axis")
    v.add_argument("project", type=Path, help=PROJECT)
    v.add_argument("recording", help="id of the recording")
    v.add_argument("file", type=Path)
    help = "clap, correlate (sound with sound, else motion), motion, or the second at which it begins (default 0)"
    v.add_argument("--align", default="", metavar="HOW", help=help)
    v.add_argument("--link", action="store_true", help="leave the file where it is instead of copying it")


def _export(verbs: Verbs) -> None:
    v = _verb(verbs, "export", "recordings and labels out; says what the format cannot hold")
    v.add_argument("project", type=Path, help=PROJECT)
    v.add_argument("out", type=Path, help="folder to write into")
    v.add_argument("--format", required=True, help="for example csv, wav, hdf5, edge-impulse, audacity (see Help)")
    v.add_argument("--recordings", default="", help="ids, comma separated (default: all)")
    v.add_argument("--key", default="0", help="key that signs Edge Impulse files (default 0)")


def _import_model(verbs: Verbs) -> None:
    v = _verb(verbs, "import-model", "bring your own network: .tflite, or .onnx with the extra `onnx`")
    v.add_argument("project", type=Path, help=PROJECT)
    v.add_argument("file", type=Path)


def _check(verbs: Verbs) -> None:
    v = _verb(verbs, "check", "data quality: rates, gaps, dead channels, balance, labels that are probably wrong")
    v.add_argument("project", type=Path, help=PROJECT)


def _propose(verbs: Verbs) -> None:
    v = _verb(verbs, "propose", "propose events, or ask a model: a track beside the labels")
    v.add_argument("project", type=Path, help=PROJECT)
    v.add_argument("--method", default="energy", help="energy (default), changes, threshold or model")
    v.add_argument("--recording", default="", metavar="ID", help="only this recording (default: all)")
    v.add_argument("--stream", default="", help="stream to look at (default: the first)")
    v.add_argument("--set", dest="settings", action="append", metavar="NAME=VALUE", help="a parameter of the method")
    v.add_argument("--learn", action="store_true", help="learn the parameters from the labels that are there")
    v.add_argument("--model", default="", metavar="ID", help="with --method model: which one (default: the newest)")


def _train(verbs: Verbs) -> None:
    v = _verb(verbs, "train", "search for the best model under the limits")
    v.add_argument("project", type=Path, help=PROJECT)
    v.add_argument("--board", default="cortex-m4f", help="board whose limits hold (default cortex-m4f)")
    for name, text in (("ram-kb", "most RAM"), ("flash-kb", "most flash"), ("latency-ms", "longest time per answer")):
        v.add_argument(f"--max-{name}", type=float, default=0.0, help=f"{text} (default: the board's)")
    v.add_argument("--minutes", type=float, default=5.0, help="time for the search (default 5)")
    v.add_argument("--trials", type=int, default=8, help="most candidates (default 8)")
    v.add_argument("--families", default="", help="comma separated, for example logistic,svm (default: forest,cnn)")
    v.add_argument("--seed", type=int, default=0, help="same seed, same model")
    v.add_argument("--stream", default="", help="stream to learn from (default: the most labelled)")
    v.add_argument("--window-s", type=float, default=0.0, help="window length (default: from the labels)")
    v.add_argument("--stride-s", type=float, default=0.0, help="time between windows (default: half a window)")
    text = "refuse recordings whose true rate is off by more than this share (default 0.05)"
    v.add_argument("--max-rate-error", type=float, default=0.05, help=text)
    v.add_argument("--windows", default="auto", metavar="auto|slide|events", help="how windows are cut (default auto)")
    v.add_argument("--alarms-per-hour", type=float, default=0.0, help="false alarms that smoothing may leave")
    text = "what the labels mean: classes, numbers, or several labels joined by + (default classes)"
    v.add_argument("--task", default="classes", metavar="classes|number|several", help=text)
    text = "the memory goes on from answer to answer: for recurrent families and tcn"
    v.add_argument("--streaming", action="store_true", help=text)
    text = "candidates that learn at the same time (default 0: one for each core, four at most)"
    v.add_argument("--side-by-side", type=int, default=0, metavar="N", help=text)
    v.add_argument("--finalists", type=int, default=3, help="candidates that are judged on more groups (default 3)")
    v.add_argument("--folds", type=int, default=3, help="parts that finalists are judged on (default 3)")
    v.add_argument("--seeds", type=int, default=1, help="times that a finalist learns on each part (default 1)")
    v.add_argument("--fix", dest="fixed", default="", help="knobs that are not searched, for example cnn.width=16")
    v.add_argument("--resume", action="store_true", help="go on with the last search of the same data and settings")


def _explore(verbs: Verbs) -> None:
    v = _verb(verbs, "explore", "which sensor, axis and rate can be dropped, or which features help, and how much")
    v.add_argument("project", type=Path, help=PROJECT)
    v.add_argument("--stream", default="", help="stream to learn from (default: the most labelled)")
    v.add_argument("--window-s", type=float, default=0.0, help="window length (default: from the labels)")
    v.add_argument("--stride-s", type=float, default=0.0, help="time between windows (default: half a window)")
    v.add_argument("--seed", type=int, default=0, help="same seed, same figures")
    v.add_argument("--features", action="store_true", help="rank 56 sets of features in place of the reductions")


def _model(v: argparse.ArgumentParser, optional: bool = False) -> None:
    v.add_argument("project", type=Path, help=PROJECT)
    v.add_argument("model", nargs="?" if optional else None, default="", help="id of a model ('': the newest)")


def _evaluate(verbs: Verbs) -> None:
    v = _verb(verbs, "evaluate", "metrics from the generated C")
    _model(v, optional=True)
    v.add_argument("--on", default="test", help="test, all, or another project's folder (default test)")
    v = _verb(verbs, "decide", "false alarms against misses: show the curve, choose another point, without training")
    _model(v, optional=True)
    v.add_argument("--alarms-per-hour", type=float, default=0.0, help="take the point with at most these false alarms")
    text = "average, mean, on, off, least or quiet; on.CLASS and off.CLASS for one class"
    v.add_argument("--set", dest="settings", action="append", metavar="NAME=VALUE", help=text)
    v.add_argument("--off", action="store_true", help="each window alone, as without tuning")
    v = _verb(verbs, "results", "one table: every model's accuracy with its spread, size, speed and search time")
    v.add_argument("project", type=Path, help=PROJECT)


def _render(verbs: Verbs) -> None:
    v = _verb(verbs, "render", "write the generated source")
    _model(v)
    v.add_argument("out", type=Path, help="folder to write to")
    v.add_argument("--as", dest="kind", default="c", help=EXPORTS)


def _build(verbs: Verbs) -> None:
    v = _verb(verbs, "build", "firmware image of a model for a board")
    _model(v)
    v.add_argument("--board", required=True)
    v.add_argument("--out", type=Path, help="folder to write to (default: in the project)")
    v.add_argument("--optimise", choices=("size", "speed"), default="size", help="small code, or fast code")
    v.add_argument("--compare", action="store_true", help="also weigh it optimised the other way")


def _flash(verbs: Verbs) -> None:
    v = _verb(verbs, "firmware", "the image of a board without a model: it streams its sensors, to record from")
    v.add_argument("--board", required=True)
    v.add_argument("--out", type=Path, help="folder to write to (default: BOARD-firmware here)")
    v = _verb(verbs, "part", "give a sensor what its maker publishes for it and the studio does not bring")
    v.add_argument("part", help="for example bmi270")
    v.add_argument("file", type=Path, help="the maker's file, for example bmi270.c")
    v = _verb(verbs, "flash", "write an image, restart, and insist on its build hash")
    v.add_argument("image", type=Path)
    v.add_argument("--to", dest="url", required=True, metavar="URL")
    v.add_argument("--board", default="", help="IMAGE is a build of your own, for this board (`studio boards`)")
    numbers = v.add_mutually_exclusive_group()
    say = "write only the model's numbers, under the code that runs; refused when the code differs"
    numbers.add_argument("--parameters", dest="only", action="store_const", const="parameters", default="", help=say)
    say = "write the image although only the model's numbers differ"
    numbers.add_argument("--whole", dest="only", action="store_const", const="whole", help=say)
    v = _verb(verbs, "first-light", "check a board in a minute: clock, sensors, link, rates; a report for an issue")
    v.add_argument("--to", dest="url", required=True, metavar="URL")
    v.add_argument("--seconds", type=float, default=10.0, help="how long to listen to its sensors (default 10)")
    v = _verb(verbs, "rollback", "the image that ran before the last one, back again")
    v.add_argument("--to", dest="url", required=True, metavar="URL")
    v.add_argument("--board", default="", help="a board with a build of your own behind MCUboot")


def _verify(verbs: Verbs) -> None:
    v = _verb(verbs, "verify", "replay stored windows through the board and compare bit for bit")
    _model(v)
    v.add_argument("--to", dest="url", required=True, metavar="URL")
    v.add_argument("--n", type=int, default=200, help="windows (default 200)")


def _monitor(verbs: Verbs) -> None:
    v = _verb(verbs, "monitor", "live scores and decisions from a board")
    v.add_argument("url")
    v.add_argument("--seconds", type=float, default=0.0, help="stop after this time (default: Ctrl+C)")


def _bench(verbs: Verbs) -> None:
    v = _verb(verbs, "bench", "measure the studio on this computer")
    v.add_argument(
        "name", help="stream, load, protocols, ble, plug, flash, startup, engine, dsp, live, window, label or plot"
    )
    v.add_argument("--minutes", type=float, default=1.0, help="how long each load of the load test lasts (default 1)")
