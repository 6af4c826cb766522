"""The documentation is true: examples run, tables name what is there, generated pages are fresh."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import re
from pathlib import Path
from types import ModuleType
from typing import get_overloads

import pytest

from segue import Chat, starter
from segue.settings import Settings, load
from segue.testing import Rehearsal

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
VERBS = [name for name in vars(Chat) if not name.startswith("_") and callable(vars(Chat)[name])]


def named(path: Path) -> str:
    """Return a path as it is shown."""
    return str(path.relative_to(ROOT))


def blocks(page: Path, language: str) -> list[str]:
    """Return the code blocks of a language."""
    return re.findall(
        rf"^```{language}\n(.*?)^```$", page.read_text(), flags=re.MULTILINE | re.DOTALL
    )


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    """`docs/generate.py`, as a module."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs/generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["settings.md", "cli.md"])
def test_generated_pages_are_fresh(generate: ModuleType, page: str) -> None:
    """docs/settings.md and docs/cli.md say what the code says: otherwise `make docs`."""
    path = ROOT / "docs" / page
    assert path.read_text() == generate.pages()[path], f"run `make docs`: docs/{page} is old"


def test_every_setting_is_described(generate: ModuleType) -> None:
    """Each section and each setting stands in docs/settings.md with its meaning."""
    page = generate.settings_page()
    for section, field in Settings.model_fields.items():
        if section == "channels":
            assert "## `[channels.web]`" in page
            continue
        assert f"## `[{section}]`" in page
        for name in field.annotation.model_fields:  # type: ignore[union-attr]
            assert re.search(rf"^\| `{name}` \| .+ \| .* \| .{{10,}} \|$", page, re.MULTILINE), name


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link leads to a file that is there, and to a heading of it."""
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, heading = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        assert path.is_file(), f"{named(page)} links {target}"
        if heading:
            titles = re.findall(r"^#+ (.+)$", path.read_text(), flags=re.MULTILINE)
            slugs = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
            assert heading in slugs, f"{named(page)} links {target}"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_python_in_the_docs_is_python(page: Path) -> None:
    """Every Python block can be parsed, and uses only verbs that there are."""
    for block in blocks(page, "python"):
        wrapped = "async def example(chat, rehearse):\n" + "".join(
            f"    {line}\n" for line in block.splitlines()
        )
        tree = ast.parse(wrapped)
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "chat"
            ):
                assert node.attr in VERBS, f"{named(page)}: chat.{node.attr}"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_name_the_docs_import_is_there(page: Path) -> None:
    """What an example imports from Segue can be imported."""
    for block in blocks(page, "python"):
        for module, names in re.findall(r"^from (segue[\w.]*) import (.+)$", block, re.MULTILINE):
            found = importlib.import_module(module)
            for name in names.split(","):
                assert hasattr(found, name.strip()), f"{named(page)}: {module}.{name}"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_make_target_and_command_is_there(page: Path) -> None:
    """`make …` and `segue …` in the docs name targets and commands that exist."""
    from segue.cli import SECTIONS

    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    commands = {name for section in SECTIONS.values() for name in section}
    text = page.read_text()
    code = "\n".join([*blocks(page, "sh"), *re.findall(r"`([^`\n]+)`", text)])
    for target in re.findall(r"^make ([a-z]+)", code, flags=re.MULTILINE):
        assert target in targets, f"{named(page)}: make {target}"
    for command in re.findall(r"(?:^|&& )segue ([a-z-]+)", code, flags=re.MULTILINE):
        assert command in commands, f"{named(page)}: segue {command}"


class TestVerbs:
    PAGE = ROOT / "docs/verbs.md"

    def rows(self) -> dict[str, list[str]]:
        """Return verb → names of its parameters, as the table has them."""
        found = re.findall(r"^\| `chat\.(\w+)\((.*)\)` \|", self.PAGE.read_text(), re.MULTILINE)
        return {
            verb: [part.strip() for part in parameters.split(",") if part.strip()]
            for verb, parameters in found
        }

    def test_the_table_has_every_verb(self) -> None:
        """Each verb of `Chat` has a row, and no row is of a verb that is not there."""
        assert sorted(self.rows()) == sorted(VERBS)

    @pytest.mark.parametrize("verb", VERBS)
    def test_the_table_has_the_right_parameters(self, verb: str) -> None:
        """The names of the parameters are those of the code, in its order but for keywords."""
        method = getattr(Chat, verb)
        real = {
            str(each).partition(":")[0].partition("=")[0].strip()
            for signature in (method, *get_overloads(method))
            for each in inspect.signature(signature).parameters.values()
        }
        assert set(self.rows()[verb]) == real - {"self"}


class TestReadme:
    PAGE = ROOT / "README.md"

    async def test_the_example_says_what_it_claims(self, tmp_path: Path, segue_server: str) -> None:
        """The README's dialog, its wording and its conversation are played as they stand."""
        project = make_project(self.PAGE, tmp_path)
        [script] = [block for block in blocks(self.PAGE, "text") if "customer:" in block]
        stage = await Rehearsal.begin(load(project, environ={}), url=segue_server, prefix="readme:")
        try:
            await stage.play("web", script)
        finally:
            await stage.end()

    async def test_the_tutorial_is_played_in_a_new_project(
        self, tmp_path: Path, segue_server: str
    ) -> None:
        """Its two files, put into what `segue new` makes, lead to the conversation it shows."""
        starter.copy_project(tmp_path)
        page = ROOT / "docs/dialogs.md"
        write_files(page, tmp_path)
        [script] = [block for block in blocks(page, "text") if "customer:" in block]
        settings = load(tmp_path / "segue.toml", environ={})
        stage = await Rehearsal.begin(settings, url=segue_server, prefix="tutorial:")
        try:
            await stage.play("sms", greeted(script))
        finally:
            await stage.end()


COMMON = """\
{% reply disclosure() %}
This is an automated assistant. Write "person" for a human.
{% endreply %}
"""


def greeted(script: str) -> str:
    """Return a script with the first words on a channel before the bot's first ones."""
    return script.replace("bot:", "bot:      …\nbot:", 1)


def write_files(page: Path, folder: Path) -> None:
    """Write the blocks that begin with a file's name to these files."""
    for language, mark in (("python", r"# (\S+\.py)\n"), ("jinja", r"\{# (\S+\.j2) #\}\n")):
        for block in blocks(page, language):
            if found := re.match(mark, block):
                path = folder / found[1]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block)


def make_project(page: Path, folder: Path) -> Path:
    """Write a page's files and what every bot must be able to say; return the settings."""
    write_files(page, folder)
    sample = ROOT / "brand_voice/en"
    (folder / "brand_voice/en/words.toml").write_bytes((sample / "words.toml").read_bytes())
    shared = re.sub(
        r"\{% reply disclosure\(\) %\}.*?\{% endreply %\}\n",
        lambda _: COMMON,
        (sample / "common.j2").read_text(),
        flags=re.DOTALL,
    )
    (folder / "brand_voice/en/common.j2").write_text(shared)
    settings = folder / "segue.toml"
    settings.write_text("")
    return settings
