"""A CMSIS-Pack: a package description (PDSC) beside the sources; zipped under its full name it is the pack.

References: Open-CMSIS-Pack specification, schema PACK.xsd 1.7 (elements in the order that it demands).
"""

from xml.etree import ElementTree as Xml

from studio.data.stream import Stream
from studio.firmware.exports.facts import LICENSE, MAINTAINER, Facts
from studio.firmware.exports.single import files
from studio.firmware.exports.texts import app_loop, license_text, readme
from studio.graph.graph import Graph

SCHEMA = "1.7.28"
INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"


def cmsis_pack(graph: Graph, stream: Stream, facts: Facts) -> dict[str, str]:
    """{path: text} of the pack; its only component is the model."""
    header, source = files(graph, stream, facts)
    use = f"`cpackget add {pack_name(facts)}.pack`, or in MDK: Pack Installer, Import; then select the component."
    return {
        f"{MAINTAINER}.{facts.stem}.pdsc": _pdsc(facts),
        f"include/{facts.stem}.h": header,
        f"src/{facts.stem}.c": source,
        "templates/scores.c": _template(facts),
        "README.md": readme(graph, facts, use),
        "LICENSE": license_text(),
    }


def pack_name(facts: Facts) -> str:
    """As the specification names packs: vendor, name, version."""
    return f"{MAINTAINER}.{facts.stem}.{facts.version}"


def _pdsc(facts: Facts) -> str:
    package = Xml.Element("package", {"schemaVersion": SCHEMA, "xmlns:xs": INSTANCE})
    package.set("xs:noNamespaceSchemaLocation", "PACK.xsd")
    said = {"name": facts.stem, "description": f"{facts.title}: scores of a trained sensor model", "vendor": MAINTAINER}
    for tag, text in {**said, "license": "LICENSE", "url": ""}.items():
        Xml.SubElement(package, tag).text = text
    release = Xml.SubElement(Xml.SubElement(package, "releases"), "release", {"version": facts.version})
    release.set("date", facts.created[:10] or "2000-01-01")
    release.text = f"Model {facts.title}"
    words = Xml.SubElement(package, "keywords")
    for word in ("sensor", "machine learning"):
        Xml.SubElement(words, "keyword").text = word
    _taxonomy(package)
    _component(package, facts)
    Xml.indent(package)
    first = f'<?xml version="1.0" encoding="UTF-8"?>\n<!-- SPDX-License-Identifier: {LICENSE} -->\n'
    return first + Xml.tostring(package, encoding="unicode") + "\n"


def _taxonomy(package: Xml.Element) -> None:
    found = Xml.SubElement(package, "taxonomy")
    Xml.SubElement(found, "description", {"Cclass": "Machine Learning"}).text = "Machine learning on sensor data"


def _component(package: Xml.Element, facts: Facts) -> None:
    group = {"Cclass": "Machine Learning", "Cgroup": "Sensor model", "Csub": facts.stem, "Cversion": facts.version}
    component = Xml.SubElement(Xml.SubElement(package, "components"), "component", group)
    Xml.SubElement(component, "description").text = facts.title
    files = Xml.SubElement(component, "files")
    for category, path in (
        ("doc", "README.md"),
        ("header", f"include/{facts.stem}.h"),
        ("source", f"src/{facts.stem}.c"),
    ):
        Xml.SubElement(files, "file", {"category": category, "name": path})
    template = {"category": "source", "name": "templates/scores.c", "attr": "template", "select": "Scores of a sensor"}
    Xml.SubElement(files, "file", template)


def _template(facts: Facts) -> str:
    says, tells = 'printf("%d ", (int)(1000.0f * scores[i]));', 'printf("-> %d\\n", (int)told);'
    return f"""{facts.banner}#include <stdio.h>
#include "{facts.stem}.h"

{app_loop(facts, says, tells)}
int main(void)
{{
    {facts.name}_push_clear();
    for (;;)
        step(); /* wait here for your sensor's next sample */
}}
"""
