"""Settings: `segue.toml`, overridden by the environment as `SEGUE__SECTION__NAME`."""

from segue.settings.model import (
    CompanySettings,
    DialogsSettings,
    LogSettings,
    MaskingSettings,
    ServerSettings,
    Settings,
    SpendingSettings,
    StoreSettings,
    VoiceSettings,
    channel_settings,
    load,
)
from segue.settings.sentences import missing_folder

__all__ = [
    "CompanySettings",
    "DialogsSettings",
    "LogSettings",
    "MaskingSettings",
    "ServerSettings",
    "Settings",
    "SpendingSettings",
    "StoreSettings",
    "VoiceSettings",
    "channel_settings",
    "load",
    "missing_folder",
]
