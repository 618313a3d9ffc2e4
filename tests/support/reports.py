"""What the reports of `dapbridge run` are held against: the schemas that users are given, and JUnit's form."""

import json
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import xmlschema
from jsonschema import Draft202012Validator

DOCS = Path(__file__).parents[2] / "docs"


def read_junit(path: Path) -> ElementTree.Element:
    """Return the suite of a JUnit file, which must be valid and count right."""
    xmlschema.XMLSchema(Path(__file__).with_name("junit.xsd")).validate(path)
    (suite,) = ElementTree.parse(path).getroot()
    cases = suite.findall("testcase")
    assert suite.get("tests") == str(len(cases))
    assert suite.get("failures") == str(len(suite.findall("*/failure")))
    assert suite.get("errors") == str(len(suite.findall("*/error")))
    return suite


def problems(suite: ElementTree.Element) -> dict[str, str]:
    """Return the test cases that are not passed: their names, and "failure" or "error" with the message."""
    return {
        str(case.get("name")): f"{problem.tag}: {problem.get('message')}"
        for case in suite.findall("testcase")
        for problem in case
        if problem.tag in ("failure", "error")
    }


@cache
def validator(name: str) -> Draft202012Validator:
    """Return the validator of a JSON schema in docs/."""
    schema = json.loads((DOCS / name).read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def parse_line(line: str) -> dict[str, Any]:
    """Return a line of the JSON report, which must be valid."""
    value: dict[str, Any] = json.loads(line)
    validator("report.schema.json").validate(value)
    return value


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Return all lines of a JSON report that has come to its end."""
    found = [parse_line(line) for line in path.read_text().splitlines()]
    assert found[0]["event"] == "start"
    assert [each["event"] for each in found].count("end") == 1
    assert found[-1]["event"] == "end"
    return found
