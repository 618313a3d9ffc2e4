"""docs/dap.md tells the truth: what the code has, a test shows, and what a test claims to show is there."""

import pytest
from support.dap_features import PAGE, claimed_by, features, in_code, unproven, with_table
from support.dap_schema import SCHEMA_PRESENT

pytestmark = pytest.mark.skipif(not SCHEMA_PRESENT, reason="DAP's schema is not beside the repository")


def test_the_page_is_what_the_code_and_the_tests_say() -> None:
    assert PAGE.read_text() == with_table(PAGE.read_text()), "`make docs` writes it anew"


def test_all_that_the_code_has_is_shown_by_a_test() -> None:
    assert in_code() - set(claimed_by()) == set()


def test_every_claim_is_a_feature_of_dap() -> None:
    assert set(claimed_by()) - {feature.name for feature in features()} == set()


def test_what_is_missing_says_why() -> None:
    assert [feature.name for feature in features() if not feature.test and not feature.reason] == []


def test_a_false_claim_is_found() -> None:
    transcript = [
        {"type": "response", "success": True, "command": "initialize", "body": {"supportsSetVariable": True}},
        {"type": "response", "success": True, "command": "goto"},
        {"type": "response", "success": False, "command": "next"},
        {"type": "event", "event": "capabilities", "body": {"capabilities": {"supportsStepBack": False}}},
    ]
    claims = ["initialize", "supportsSetVariable", "goto", "next", "supportsStepBack", "exited"]
    assert unproven(claims, [transcript]) == {"next", "supportsStepBack", "exited"}
