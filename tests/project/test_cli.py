"""The command line as its users meet it: what is printed, where, and with which exit code."""

from __future__ import annotations

import asyncio
import io
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
import msgspec
import pytest

from segue.cli import SECTIONS, main, segue
from segue.dialog import Journal
from segue.engine.state import Fact, Frame, Open, State, encode
from segue.memory import Commit, Granted, open_store
from segue.types import Address, Inbound, Line, Message, Paragraph, Proof, Text, Who

ADA = "ada" + "0" * 19
CANARY = "canary-8f3a6f"


@dataclass(frozen=True)
class Result:
    """What a command did."""

    code: int
    out: str
    err: str


Cli = Callable[..., Result]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run a command in an empty directory, as `segue …` would."""
    monkeypatch.chdir(tmp_path)
    for name in ("SEGUE_CONFIG", "SEGUE__STORE__URL"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str) -> Result:
        with pytest.raises(SystemExit) as left:
            main(arguments)
        found = capsys.readouterr()
        assert isinstance(left.value.code, int)
        return Result(left.value.code, found.out, found.err)

    return run


def every_command() -> list[tuple[str, ...]]:
    """Return the words of every command and of every command of a group."""
    found: list[tuple[str, ...]] = []
    for commands in SECTIONS.values():
        for name in commands:
            command = segue.get_command(click.Context(segue), name)
            inner = command.commands if isinstance(command, click.Group) else {}
            found += [(name,), *((name, each) for each in inner)]
    return found


class TestHelp:
    def test_help_names_every_command(self, cli: Cli) -> None:
        """`segue --help` lists the commands with a line each."""
        result = cli("--help")
        assert result.code == 0
        for commands in SECTIONS.values():
            for name, (_, text) in commands.items():
                assert f"  {name} " in result.out
                assert text in result.out

    def test_help_loads_nothing_that_takes_time(self) -> None:
        """`segue --help` imports click and none of the libraries that serving needs."""
        heavy = "{'pydantic', 'aiohttp', 'jinja2', 'redis', 'msgspec', 'segue.app'}"
        code = (
            "import sys\nfrom segue.cli import main\n"
            f"try: main(['--help'])\nexcept SystemExit: print({heavy} & set(sys.modules))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert done.stdout.splitlines()[-1] == "set()"

    @pytest.mark.parametrize("words", every_command(), ids=" ".join)
    def test_every_command_explains_itself(self, cli: Cli, words: tuple[str, ...]) -> None:
        """Each command has a help text that says more than its name."""
        result = cli(*words, "--help")
        assert result.code == 0
        assert "--debug" in result.out or "Commands:" in result.out
        assert len(result.out.split("\n\n")[1].split()) >= 3

    def test_the_short_help_is_the_command_s_own(self) -> None:
        """What `segue --help` says of a command is true: the command begins with it or says it."""
        for commands in SECTIONS.values():
            for name, (_, text) in commands.items():
                assert text.endswith("."), name
                assert segue.get_command(click.Context(segue), name) is not None


class TestMistakes:
    def test_a_misspelt_command_gets_a_guess(self, cli: Cli) -> None:
        """The name that was probably meant is offered."""
        assert cli("dmo") == Result(2, "", "segue: there is no command dmo. Did you mean demo?\n")

    def test_a_wrong_setting_is_one_sentence_and_code_2(self, cli: Cli, tmp_path: Path) -> None:
        """Every command refuses wrong settings in the same way, without a traceback."""
        (tmp_path / "segue.toml").write_text("[server]\nport = 'x'\nhots = 'y'\n")
        result = cli("doctor")
        assert result.code == 2
        assert result.err.splitlines() == [
            "segue: server.port (segue.toml:2): this is not a whole number. Write a whole number",
            "segue: server.hots (segue.toml:3): there is no such setting. Did you mean host?",
        ]

    def test_a_missing_config_is_named(self, cli: Cli) -> None:
        """A file that was named and is not there is an error, not a preset."""
        result = cli("pause", "--config", "no.toml")
        assert (result.code, result.out) == (2, "")
        assert result.err.startswith("segue: no.toml: there is no such file. ")

    def test_a_store_out_of_reach_is_one_sentence(
        self, cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """No traceback, no password, and the exit code says no."""
        url = f"unix://:{CANARY}@{tmp_path}/none.sock"
        monkeypatch.setenv("SEGUE__STORE__URL", url)
        result = cli("dead-letters", "list")
        assert (result.code, result.out) == (1, "")
        assert "the store cannot be reached" in result.err
        assert len(result.err.splitlines()) == 1
        assert CANARY not in result.err

    def test_debug_shows_where(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """`--debug` lets the error through, wherever it stands among the options."""
        monkeypatch.chdir(tmp_path)
        with pytest.raises(Exception, match="no such file"):
            main(["pause", "--config", "no.toml", "--debug"])

    def test_windows_is_answered(self, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
        """On Windows itself one sentence says what to use instead."""
        monkeypatch.setattr(sys, "platform", "win32")
        result = cli("demo")
        assert result.code == 2
        assert "WSL" in result.err
        assert "container" in result.err


class TestNew:
    def test_new_makes_a_project(self, cli: Cli, tmp_path: Path) -> None:
        """The project has dialogs, wording, settings, a test and a way to begin."""
        result = cli("new", "my-bot")
        assert result.code == 0
        made = tmp_path / "my-bot"
        for name in ("segue.toml", "README.md", ".gitignore", "pytest.ini", "requirements.txt"):
            assert (made / name).is_file()
        assert list((made / "dialogs").glob("*.py"))
        assert list((made / "brand_voice/en").glob("*.j2"))
        assert list((made / "tests").glob("test_*.py"))
        assert not list(made.rglob("__pycache__"))
        assert "cd my-bot" in result.out

    def test_new_spares_what_is_there(self, cli: Cli, tmp_path: Path) -> None:
        """A directory with something in it is refused and left as it is."""
        (tmp_path / "full").mkdir()
        (tmp_path / "full/notes.txt").write_text("mine")
        result = cli("new", "full")
        assert result.code == 1
        assert result.err == "segue: full is not empty (notes.txt). Name a new directory.\n"
        assert [path.name for path in (tmp_path / "full").iterdir()] == ["notes.txt"]

    def test_new_does_not_write_over_a_file(self, cli: Cli, tmp_path: Path) -> None:
        """A file of that name is refused."""
        (tmp_path / "file").write_text("mine")
        assert cli("new", "file").err == "segue: file is a file. Name a directory to make.\n"


async def remember(tmp_path: Path, state: State, *said: str) -> None:
    """Put a customer into the embedded store that `tmp_path` keeps."""
    store = await open_store("embedded:", data_dir=tmp_path / ".segue")
    try:
        address = Address("web", "a1")
        first = Inbound(address=address, message_id="m1", text="hello")
        await store.create(ADA, address, Proof.CHANNEL)
        granted = await store.admit(ADA, first)
        assert isinstance(granted, Granted)
        lines = tuple(
            msgspec.msgpack.encode(
                Line(
                    who=Who.BOT,
                    at=1_800_000_000_000,
                    channel="web",
                    message=Message(body=(Paragraph((Text(text),)),)),
                    reply="common/hello",
                )
            )
            for text in said
        )
        commit = Commit(state=encode(state), ack=granted.letters[-1].number, log=lines)
        await store.commit(granted.lease, commit)
    finally:
        await store.aclose()


class TestCustomer:
    STATE = State(
        turn=4,
        name="Ada",
        frames=[
            Frame(
                dialog="return_item",
                instance="1",
                journal=Journal(),
                open=Open(entry="ask:ask_order#1", reply="ask_order", tries=1),
            )
        ],
        profile={
            "email": Fact("ada@example.com", 1_800_000_000_000, "web", "return_item/ask_email")
        },
    )

    def test_show_tells_who_it_is_and_where_they_are(self, cli: Cli, tmp_path: Path) -> None:
        """Profile with sources, the open question and the last of the transcript."""
        asyncio.run(remember(tmp_path, self.STATE, *(f"line {n}" for n in range(1, 31))))
        result = cli("customer", "show", ADA, "--lines", "3")
        assert result.code == 0
        assert f"{ADA}  Ada" in result.out
        assert "email: ada@example.com  (return_item/ask_email, web, 15.01. 08:00)" in result.out
        assert "return_item waits for ask_order, 1 answers not understood" in result.out
        assert [line.split()[-1] for line in result.out.splitlines()[-3:]] == ["28", "29", "30"]
        assert "line 27" not in result.out

    def test_show_finds_by_address_and_speaks_json(self, cli: Cli, tmp_path: Path) -> None:
        """CHANNEL:ADDRESS is as good as the id, and a program can read it."""
        asyncio.run(remember(tmp_path, self.STATE, "hello"))
        result = cli("customer", "show", "web:a1", "--json")
        found = json.loads(result.out)
        assert found["customer"] == ADA
        assert found["open"][0]["question"] == "ask_order"
        assert found["transcript"][0]["text"] == "hello"

    def test_a_stranger_is_not_there(self, cli: Cli) -> None:
        """Nobody of that name: a sentence, and no as the exit code."""
        result = cli("customer", "show", "nobody")
        assert result.code == 1
        assert result.err.startswith("segue: there is no customer nobody. ")

    def test_words_cannot_steer_the_terminal(self, cli: Cli, tmp_path: Path) -> None:
        """Escape sequences and marks that turn the writing round are shown, not obeyed."""
        asyncio.run(remember(tmp_path, State(name="\x1b[2J"), "\x1b]0;gotcha\x07", "\u202eevil"))
        result = cli("customer", "show", ADA)
        assert "\x1b" not in result.out
        assert "\u202e" not in result.out
        assert "gotcha" in result.out


class TestPause:
    def test_pause_lasts_until_unpause(self, cli: Cli) -> None:
        """What is paused is listed, in whatever process asks, until it goes on."""
        assert cli("pause").out == "Nothing is paused.\n"
        assert cli("pause", "sends").out == "Paused: sends.\n"
        assert cli("pause", "channel", "web", "--reply", "back_soon").code == 0
        assert cli("pause").out.splitlines()[1:] == [
            "channel  web   back_soon",
            "sends          paused",
        ]
        assert cli("unpause", "sends").code == 0
        assert "sends" not in cli("pause").out

    def test_a_name_that_pauses_nothing_is_refused(self, cli: Cli) -> None:
        """In an emergency a typing error must not look like success."""
        assert cli("pause", "channel", "wbe").err == (
            "segue: there is no channel wbe. Did you mean web?\n"
        )
        assert cli("pause", "dialog").code == 2
        assert cli("pause", "sends", "everything").code == 2
        assert cli("unpause", "channel", "web").err == "segue: channel web was not paused.\n"

    def test_a_dialog_and_its_reply_are_known(self, cli: Cli, tmp_path: Path) -> None:
        """Names come from the project; a reply that nobody wrote is refused."""
        cli("new", "bot")
        config = str(tmp_path / "bot/segue.toml")
        result = cli("pause", "dialog", "retrun_item", "--config", config)
        assert result.err == "segue: there is no dialog retrun_item. Did you mean return_item?\n"
        missing = cli("pause", "sends", "--reply", "no_such", "--config", config)
        assert missing.err == "segue: the voice has no reply no_such. Write it in common.j2.\n"
        assert cli("pause", "dialog", "return_item", "--config", config).code == 0


class TestDeadLetters:
    def test_there_are_none(self, cli: Cli) -> None:
        """An empty list says so."""
        assert cli("dead-letters", "list").out == "There are none.\n"

    def test_retry_and_discard_want_ids_or_all(self, cli: Cli) -> None:
        """Neither is an error, both are too; what is not there is named."""
        assert cli("dead-letters", "retry").code == 2
        assert cli("dead-letters", "discard", "--all", "0.1-1", "--yes").code == 2
        result = cli("dead-letters", "retry", "0.1-1")
        assert result.code == 1
        assert "not there (any more): 0.1-1" in result.err

    def test_discard_asks_first(self, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without an answer nothing is thrown away."""
        monkeypatch.setattr("sys.stdin", io.StringIO(""))
        assert cli("dead-letters", "discard", "--all").code == 130


class TestDoctor:
    def test_doctor_looks_into_every_room(self, cli: Cli, tmp_path: Path) -> None:
        """A new project is well: every room is named, nothing is wrong."""
        cli("new", "bot")
        result = cli("doctor", "--config", str(tmp_path / "bot/segue.toml"), "--json")
        findings = [json.loads(line) for line in result.out.splitlines()]
        assert {finding["room"] for finding in findings} >= {
            *("segue", "settings", "store", "channels", "dialogs", "voice"),
        }
        assert not [finding for finding in findings if finding["level"] == "error"]
        assert result.code == 0

    def test_doctor_goes_on_past_what_is_wrong(
        self, cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """One look tells all that is wrong, and no secret with it."""
        monkeypatch.setenv("SEGUE__STORE__URL", f"unix://:{CANARY}@{tmp_path}/none.sock")
        monkeypatch.setenv("SEGUE__CHANNELS__WEB__JWT_KEYS__A", CANARY)
        monkeypatch.setenv("SEGUE__CHANNELS__FAX__TOKEN", CANARY)
        result = cli("doctor")
        wrong = [line for line in result.out.splitlines() if line.startswith("wrong")]
        assert {line.split()[1] for line in wrong} == {"store", "channels", "dialogs", "voice"}
        assert CANARY not in result.out + result.err
        assert result.code == 1
