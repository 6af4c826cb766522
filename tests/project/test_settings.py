"""Settings: where they come from, what wins, and how a mistake is explained."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from segue.errors import SettingsError
from segue.settings import Settings, channel_settings, load

PLAIN: dict[str, str] = {}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(here: Path, text: str) -> Path:
    """Put a segue.toml there."""
    path = here / "segue.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(**environ: str) -> str:
    """Return what `load` says against these variables and the segue.toml here."""
    with pytest.raises(SettingsError) as caught:
        load(environ=environ)
    return str(caught.value)


class TestWhatWins:
    def test_nothing_need_be_set(self, here: Path) -> None:
        """Without a file everything has a value that works on one's own machine."""
        settings = load(environ=PLAIN)
        assert settings.store.url == "embedded:"
        assert settings.server.host == "127.0.0.1"
        assert settings.channels == {"web": {}}
        assert settings.file is None

    def test_the_environment_overrides_the_file_and_an_option_both(self, here: Path) -> None:
        """An option wins over a variable, a variable over the file."""
        write(here, "[server]\nport = 1001\nhost = '127.0.0.2'\ngrace_seconds = 3\n")
        environ = {"SEGUE__SERVER__PORT": "1002", "SEGUE__SERVER__HOST": "127.0.0.3"}
        settings = load(environ=environ, server={"port": 1003})
        assert (settings.server.port, settings.server.host) == (1003, "127.0.0.3")
        assert settings.server.grace_seconds == 3

    def test_a_channel_can_be_set_from_the_environment(self, here: Path) -> None:
        """A variable reaches into a channel's section beside what the file says."""
        write(here, "[channels.web]\npath = '/chat'\n")
        settings = load(environ={"SEGUE__CHANNELS__WEB__SECRET": "s"})
        assert settings.channels["web"] == {"path": "/chat", "secret": "s"}

    def test_paths_are_relative_to_their_file(self, here: Path) -> None:
        """Starting Segue from elsewhere finds the same dialogs."""
        inner = here / "bot"
        inner.mkdir()
        path = write(inner, "[dialogs]\npath = 'journeys'\n")
        settings = load(path, environ=PLAIN)
        assert settings.dialogs.path == inner / "journeys"
        assert settings.voice.path == inner / "brand_voice"
        assert settings.file == path

    def test_the_file_may_be_named_by_a_variable(self, here: Path) -> None:
        """SEGUE_CONFIG names the file."""
        path = here / "other.toml"
        path.write_text("[company]\nname = 'Lumen'\n")
        assert load(environ={"SEGUE_CONFIG": str(path)}).company.name == "Lumen"

    @pytest.mark.parametrize(
        ("written", "found"),
        [("en, de-AT", ("en", "de-AT")), ('["en", "de-AT"]', ("en", "de-AT")), ("", ())],
    )
    def test_a_list_in_a_variable(self, here: Path, written: str, found: tuple[str, ...]) -> None:
        """A list is written with commas, or as JSON."""
        settings = load(environ={"SEGUE__COMPANY__LOCALES": written})
        assert settings.company.locales == found

    def test_a_pattern_keeps_its_commas(self, here: Path) -> None:
        """A masking pattern in a variable is not taken apart at its comma."""
        settings = load(environ={"SEGUE__MASKING__PATTERNS": r"\d{3,5}"})
        assert settings.masking.patterns == (r"\d{3,5}",)

    def test_the_default_locale_comes_first(self, here: Path) -> None:
        """`locales` names each locale once, the one to fall back to first."""
        settings = load(environ={"SEGUE__COMPANY__LOCALES": "de, en"})
        assert settings.locales == ("en", "de")

    def test_quiet_hours_are_minutes(self, here: Path) -> None:
        """Quiet hours may reach over midnight."""
        settings = load(environ={"SEGUE__COMPANY__QUIET_HOURS": "21:00-08:30"})
        assert settings.company.quiet_minutes == (21 * 60, 8 * 60 + 30)
        assert load(environ=PLAIN).company.quiet_minutes is None


class TestMistakes:
    def test_an_unknown_setting_gets_a_guess(self, here: Path) -> None:
        """A misspelt setting is answered with its line and the name that was meant."""
        write(here, "[store]\n\npartitons = 3\n")
        assert refusal() == (
            "store.partitons (segue.toml:3): there is no such setting. Did you mean partitions?"
        )

    def test_an_unknown_setting_far_from_all_gets_the_list(self, here: Path) -> None:
        """Where no name is near, those that exist are listed."""
        write(here, "[dialogs]\nxyzzy = 3\n")
        assert refusal().endswith("there is no such setting. dialogs knows path")

    def test_an_unknown_section_gets_a_guess(self, here: Path) -> None:
        """So does a section."""
        write(here, "[sevrer]\nport = 1\n")
        assert refusal() == "sevrer (segue.toml:1): there is no such section. Did you mean server?"

    def test_an_unknown_variable_is_not_passed_over(self, here: Path) -> None:
        """A misspelt variable is found too, else it would be silently without effect."""
        assert refusal(SEGUE__STORE__UR="redis://h") == (
            "store.ur (SEGUE__STORE__UR): there is no such setting. Did you mean url?"
        )
        assert "it names no setting" in refusal(SEGUE__STORE="redis://h")

    @pytest.mark.parametrize(
        ("section", "line", "cure"),
        [
            ("server", "port = 'eighty'", "Write a whole number"),
            ("server", "port = 70000", "Write at most 65535"),
            ("server", "grace_seconds = -1", "Write at least 0"),
            ("server", "public_url = 'chat.example.com'", "It must be a web address"),
            ("server", "trusted_proxies = ['10.0.0.0/99']", "It must be an IP address or network"),
            ("server", "trusted_proxies = 7", "Write a list"),
            ("store", "fsync = 'never'", "Write 'everysec' or 'always'"),
            ("store", "url = 'mysql://h'", "It must be embedded: or an address"),
            ("store", "prefix = 'a b'", "It must be at most 64 letters"),
            ("company", "timezone = 'Mars/Olympus'", "It must be a time zone"),
            ("company", "timezone = '../../etc/passwd'", "It must be a time zone"),
            ("company", "locale = 'English'", "It must be a locale"),
            ("company", "quiet_hours = '9pm'", "It must be two times"),
            ("masking", "cards = 'perhaps'", "Write true or false"),
            ("masking", "patterns = ['(']", "It must be a regular expression"),
            ("log", "level = 3", "Write 'debug', 'info', 'warning' or 'error'"),
        ],
    )
    def test_a_wrong_value_says_where_and_what_to_do(
        self, here: Path, section: str, line: str, cure: str
    ) -> None:
        """The sentence names setting, file and line, and what would do."""
        write(here, f"# a comment\n[{section}]\n{line}\n")
        said = refusal()
        name = line.partition(" ")[0]
        assert said.startswith(f"{section}.{name} (segue.toml:3): ")
        assert cure in said
        assert "\n" not in said

    def test_broken_toml_names_the_line(self, here: Path) -> None:
        """A file that is no TOML is answered with the line."""
        write(here, "[store]\nurl = 'embedded:\n")
        assert refusal().startswith("segue.toml:2: this is not TOML")

    def test_a_missing_file_says_how_to_get_one(self, here: Path) -> None:
        """A file that was named must be there."""
        with pytest.raises(SettingsError, match="there is no such file"):
            load(here / "no.toml", environ=PLAIN)

    def test_every_mistake_is_told_at_once(self, here: Path) -> None:
        """The first is the error, the others are its notes."""
        write(here, "[server]\nport = 'x'\nhots = 'y'\n")
        with pytest.raises(SettingsError) as caught:
            load(environ=PLAIN)
        assert len(caught.value.__notes__) == 1

    @given(st.dictionaries(st.text(min_size=1), st.text(), max_size=4))
    def test_whatever_the_environment_holds(self, found: dict[str, str]) -> None:
        """Any variable is read, refused in one sentence, or not ours."""
        environ = {f"SEGUE__{name}": value for name, value in found.items()}
        try:
            settings = load(environ=environ)
        except SettingsError as error:
            refused: str | None = error.cure
        else:
            refused = None
            assert isinstance(settings, Settings)
        assert refused != ""


class ChannelModel(BaseModel):
    """A channel's section as an adapter declares it."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    token: SecretStr
    keys: dict[str, SecretStr] = Field(default_factory=dict)
    rate: int = 1


class TestChannels:
    def test_a_channel_checks_its_own_section(self, here: Path) -> None:
        """The adapter's model decides; its mistakes read like all others."""
        write(here, "[channels.sms]\ntoken = 't0ken'\nrate = 'fast'\n")
        with pytest.raises(SettingsError) as caught:
            channel_settings(load(environ=PLAIN), "sms", ChannelModel)
        assert str(caught.value) == (
            "channels.sms.rate (segue.toml:3): this is not a whole number. Write a whole number"
        )

    def test_a_missing_secret_says_both_ways_to_set_it(self, here: Path) -> None:
        """What must be set names its place in the file and its variable."""
        write(here, "[channels.sms]\n")
        with pytest.raises(SettingsError) as caught:
            channel_settings(load(environ=PLAIN), "sms", ChannelModel)
        assert str(caught.value) == (
            "channels.sms.token: it is missing. "
            "Set token under [channels.sms] in segue.toml, or SEGUE__CHANNELS__SMS__TOKEN"
        )

    def test_a_table_in_a_variable_says_how_to_write_it(self, here: Path) -> None:
        """Each name of a table has a variable of its own; the value, a secret, is not shown."""
        settings = load(environ={"SEGUE__CHANNELS__SMS__KEYS": '{"main": "s3cr3t"}'})
        with pytest.raises(SettingsError) as caught:
            channel_settings(settings, "sms", ChannelModel)
        [said] = [
            line
            for line in (str(caught.value), *caught.value.__notes__)
            if line.startswith("channels.sms.keys")
        ]
        assert said == (
            "channels.sms.keys (SEGUE__CHANNELS__SMS__KEYS): this has a name for each of its "
            "values. Write SEGUE__CHANNELS__SMS__KEYS__NAME for each"
        )

    def test_a_secret_may_lie_in_a_file(self, here: Path) -> None:
        """`file:` is how container secrets come in; the line end is not part of them."""
        (here / "token").write_text("s3cr3t\n")
        settings = load(environ={"SEGUE__CHANNELS__SMS__TOKEN": f"file:{here / 'token'}"})
        found = channel_settings(settings, "sms", ChannelModel)
        assert found.token.get_secret_value() == "s3cr3t"

    def test_a_secret_file_that_is_not_there(self, here: Path) -> None:
        """A missing secret file is named."""
        settings = load(environ={"SEGUE__CHANNELS__SMS__TOKEN": "file:/nowhere/token"})
        with pytest.raises(SettingsError, match=r"channels\.sms\.token: the file /nowhere/token"):
            channel_settings(settings, "sms", ChannelModel)
        with pytest.raises(SettingsError, match=r"store\.url: the file /nowhere/url"):
            load(environ={"SEGUE__STORE__URL": "file:/nowhere/url"})

    @pytest.mark.parametrize("sample", ["change-me", "Change-Me-please", "your-token", "secret"])
    def test_documented_samples_are_refused(self, here: Path, sample: str) -> None:
        """A secret that stands in the documentation is none, wherever it lies."""
        write(here, f"[channels.sms]\ntoken = 'x9'\n[channels.sms.keys]\nmain = '{sample}'\n")
        with pytest.raises(SettingsError) as caught:
            channel_settings(load(environ=PLAIN), "sms", ChannelModel)
        assert "channels.sms.keys.main" in str(caught.value)
        assert sample not in str(caught.value)


CANARY = "canary-8f3a6f"


class TestSecrets:
    def test_settings_can_be_printed(self, here: Path) -> None:
        """Neither the store's password nor a channel's token is in what settings print as."""
        write(
            here,
            f"[store]\nurl = 'redis://user:{CANARY}@host:6379/0'\n"
            f"[channels.sms]\ntoken = '{CANARY}'\n",
        )
        settings = load(environ=PLAIN)
        found = channel_settings(settings, "sms", ChannelModel)
        for shown in (repr(settings), str(settings), repr(found), settings.store.shown_url):
            assert CANARY not in shown
        assert settings.store.shown_url == "redis://***@host:6379/0"

    @pytest.mark.parametrize(
        "text",
        [
            f"[store]\nurl = 'mysql://:{CANARY}@h'\n",
            f"[channels.sms]\ntoken = ['{CANARY}']\n",
            f"[channels.sms]\ntoken = 'fine-token'\nrate = '{CANARY}'\n",
            f"[channels.sms]\ntokn = '{CANARY}'\n",
            f"store = '{CANARY}'\n",
        ],
    )
    def test_no_error_repeats_a_value(self, here: Path, text: str) -> None:
        """A mistake beside a secret does not show it: values are never repeated."""
        write(here, text)
        with pytest.raises(SettingsError) as caught:
            channel_settings(load(environ=PLAIN), "sms", ChannelModel)
        assert CANARY not in "\n".join([str(caught.value), *getattr(caught.value, "__notes__", [])])
