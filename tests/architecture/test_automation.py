"""The hooks and CI run the commands of the Makefile, and no others."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
MAKEFILES = (ROOT / "Makefile", ROOT / "infra.mk")
TARGETS = {
    name
    for path in MAKEFILES
    for name in re.findall(r"^([a-z0-9-]+):", path.read_text(encoding="utf-8"), re.MULTILINE)
}


def test_hooks_are_the_checks_of_make_check_without_the_tests() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    (repository,) = config["repos"]
    assert repository["repo"] == "local"
    entries = [hook["entry"].split() for hook in repository["hooks"]]
    assert all(command == "make" and target in TARGETS for command, target in entries)
    (check,) = re.findall(
        r"^check: ([^#]*)", MAKEFILES[0].read_text(encoding="utf-8"), re.MULTILINE
    )
    assert {target for _, target in entries} == set(check.split()) - {"test"}


def test_ci_runs_what_lands_on_every_python_that_is_supported() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    test = workflow["jobs"]["test"]
    assert test["steps"][-1]["run"] == ".ci/run"
    assert test["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13", "3.14"]
    ran = [each["run"].split() for each in workflow["jobs"]["check"]["steps"] if "run" in each]
    assert [words[0] for words in ran] == ["make"]
    assert set(ran[0][1:]) <= TARGETS
