"""What an export says besides C: names, licences, manifests, and that the same model gives the same bytes."""

import io
import json
import re
import zipfile
from xml.etree import ElementTree as Xml

import pytest

from studio.errors import BuildError
from studio.firmware.exports import ARCHIVES, EXPORTS
from studio.firmware.exports.archive import archive
from studio.firmware.exports.facts import Facts, c_name
from studio.firmware.exports.prune import cut, needed
from studio.firmware.exports.single import ram, renamed, weight_bytes
from studio.graph.plan import plan
from tests.firmware.firmwares import ACCELEROMETER, graph

FACTS = Facts('My "wand" */ <3>', "forest-1", "2026-01-02T03:04:05+00:00", ("Tested: 97.0% of 100 windows right.",))
#: The children of <package> in the order that PACK.xsd 1.7 demands of those that are written.
ORDER = ["name", "description", "vendor", "license", "url", "releases", "keywords", "taxonomy", "components"]


def exported(kind: str, facts: Facts = FACTS) -> dict[str, str]:
    return EXPORTS[kind](graph("forest"), ACCELEROMETER, facts)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Wand", "wand"),
        ("Zauberstab (größer)", "zauberstab_grosser"),
        ("../../etc", "etc"),
        ("3 people", "m3_people"),
        ("手勢", "sensor"),
        ("", "sensor"),
        ("x" * 99, "x" * 32),
        ("int", "int"),
    ],
)
def test_projects_become_c_names(text: str, name: str) -> None:
    assert c_name(text) == name


@pytest.mark.parametrize("kind", EXPORTS)
def test_every_export_is_whole(kind: str) -> None:
    files = exported(kind)
    stems = {path.rsplit("/", 1)[-1] for path in files}
    assert {"my_wand_3_model.h", "my_wand_3_model.c", "README.md", "LICENSE"} <= stems
    for path, text in files.items():
        assert not path.startswith(("/", "..")) and text.endswith("\n") and text.isascii(), path
        if path.endswith(".json"):
            assert json.loads(text)["license"] == "Apache-2.0"
        elif not path.endswith(("LICENSE", "README.md")):
            assert "SPDX-License-Identifier: Apache-2.0" in text[:100], path
        for name in re.findall(r'#include [<"]([^">]+_model\.h)', text):
            assert name in stems
    readme = next(text for path, text in files.items() if path.endswith("README.md"))
    assert len(readme.splitlines()) <= 10 and "97.0%" in readme
    assert "SPDX-License-Identifier: Apache-2.0" in readme


@pytest.mark.parametrize("kind", EXPORTS)
def test_the_same_model_gives_the_same_bytes(kind: str) -> None:
    files = exported(kind)
    assert files == exported(kind)
    assert archive(files) == archive(dict(reversed(files.items())))
    with zipfile.ZipFile(io.BytesIO(archive(files))) as packed:
        assert {i.filename: packed.read(i).decode() for i in packed.infolist()} == files


def test_only_kernels_in_use_travel() -> None:
    text = next(t for p, t in exported("c").items() if p.endswith("_model.c"))
    assert "k_forest" in text and "k_biquad" in text
    assert "k_conv1d" not in text and "k_dense" not in text and "f_tanh" not in text
    assert not re.search(r"^(void|float|u?int\d+_t) \*?[kf]_", text, re.M)


def test_cutting_finds_definitions() -> None:
    text = '/* File. */\n#include "a.h"\n\n/* One. */\nstatic int32_t one(void)\n{\n    return 1;\n}\n'
    text += "enum { TWO = 2, THREE };\nvoid k_far(int32_t x);\n#if A\nstatic void four(void)\n{\n}\n#else\n"
    text += "#define four(x) \\\n    x\n#endif\nstatic const float five[2] = {\n    1, 2};\n"
    text += "typedef struct {\n    int32_t a;\n} six;\n"
    text += "#if defined(A)\nvoid k_x(int32_t a)\n{\n}\n#endif\nstruct seven {\n    int32_t b;\n};\n"
    names = [p.names for p in cut("a.c", text)]
    assert names[:4] == [("one",), ("TWO", "THREE"), ("four",), ("four",)]
    assert names[4:] == [("five",), ("six",), ("k_x",), ("seven",)]
    first, second, guarded = cut("a.c", text)[2], cut("a.c", text)[3], cut("a.c", text)[6]
    assert first.text.startswith("#if A\nstatic") and second.text.startswith("#if !(A)\n#define four")
    assert guarded.text == "#if defined(A)\nvoid k_x(int32_t a)\n{\n}\n#endif\n" and guarded.open == ("k_x",)
    assert cut("a.c", text)[0].text.startswith("/* One. */\nstatic int32_t one")


def test_names_that_meet_are_told_apart() -> None:
    assert "forest" not in re.findall(r"\w+", needed(["k_dense"]))
    text = needed(["k_concat2"], frozenset(["append"]))
    assert "concat_append(concat_append(y, a, n_a), b, n_b)" in text and not re.search(r"\bappend\b", text)


def test_a_kernel_that_is_nowhere_is_an_error() -> None:
    with pytest.raises(BuildError, match="k_nothing"):
        needed(["k_nothing"])


def test_names_change_but_not_in_strings() -> None:
    assert renamed('MODEL_A model_b my_model_c "model_d \\" model_e" model_f', "w") == (
        'W_A w_b my_model_c "model_d \\" model_e" w_f'
    )


def test_sizes_are_the_graphs() -> None:
    model = graph("cnn")
    assert ram(model)["arena"] == plan(model).arena_bytes and ram(model)["window"] == 64 * 3 * 4
    assert weight_bytes(model) > 100


def test_the_pack_description_has_the_schemas_order() -> None:
    """Checked against PACK.xsd 1.7.60 by hand; the schema does not travel with this repository."""
    files = exported("cmsis-pack")
    package = Xml.fromstring(files["Sensorsmith.my_wand_3_model.pdsc"])
    assert [child.tag for child in package] == ORDER
    assert {f.attrib["name"] for f in package.iter("file")} <= set(files)
    component, release = package.find("components/component"), package.find("releases/release")
    assert component is not None and release is not None
    assert set(component.attrib) == {"Cclass", "Cgroup", "Csub", "Cversion"}
    assert (release.attrib["version"], release.attrib["date"]) == ("1.0.0", "2026-01-02")
    assert package.find("taxonomy/description").attrib["Cclass"] == component.attrib["Cclass"]  # type: ignore[union-attr]
    assert ARCHIVES["cmsis-pack"](FACTS) == "Sensorsmith.my_wand_3_model.1.0.0.pack"


def test_manifests_can_be_read() -> None:
    library = json.loads(exported("platformio")["library.json"])
    assert library["name"] == "my_wand_3_model" and f"include/{library['headers']}" in exported("platformio")
    lines = exported("arduino")["my_wand_3_model/library.properties"].splitlines()
    properties = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
    assert {"name", "version", "author", "maintainer", "sentence", "category", "architectures"} <= set(properties)
    kconfig = exported("zephyr")["zephyr/Kconfig"]
    assert "config MY_WAND_3_MODEL" in kconfig and kconfig.count('"') == 2
    assert "CONFIG_MY_WAND_3_MODEL=y" in exported("zephyr")["samples/scores/prj.conf"]
