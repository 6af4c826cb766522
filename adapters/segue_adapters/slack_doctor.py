"""What `segue doctor` asks Slack, and what only a person can set there."""

from __future__ import annotations

from collections.abc import Sequence

from segue.channel import Checked, NotSent, Site
from segue_adapters.slack_calls import FAILED, Calls
from segue_adapters.slack_outcomes import outcome
from segue_adapters.slack_settings import SlackSettings

NEEDED = ("chat:write", "im:history", "im:read", "im:write", "app_mentions:read")
USEFUL = {"files:read": "to look at what customers attach", "commands": "for a slash command"}


async def checked(calls: Calls, settings: SlackSettings, site: Site) -> Sequence[Checked]:
    """Return what was found; nothing is changed, since Slack lets no bot token set an address."""
    found: list[Checked] = []
    try:
        answer = await calls.client().auth_test()
    except FAILED as error:
        why = outcome(error, sending=False)
        code = why.why if isinstance(why, NotSent) else "unknown"
        return [
            Checked(
                level="error",
                found=f"Slack refuses the bot token or cannot be reached ({code})",
                cure="Copy the Bot User OAuth Token from OAuth & Permissions; see docs/slack.md",
            )
        ]
    team = str(answer.get("team_id"))
    found.append(Checked(level="ok", found=f"the bot token is good, for workspace {team}"))
    if settings.team_ids and team not in settings.team_ids:
        found.append(
            Checked(
                level="error",
                found=f"team_ids does not hold {team}: everything is ignored",
                cure=f"Add {team}, or take the token of the workspace you mean",
            )
        )
    headers = {key.lower(): value for key, value in (answer.headers or {}).items()}
    granted = {scope.strip() for scope in str(headers.get("x-oauth-scopes", "")).split(",")}
    lacking = [scope for scope in NEEDED if scope not in granted]
    if granted - {""}:
        found.append(
            Checked(
                level="error",
                found=f"the token lacks {', '.join(lacking)}",
                cure="Add the scopes under OAuth & Permissions and install the app again",
            )
            if lacking
            else Checked(level="ok", found="it has the scopes that are needed")
        )
        found.extend(
            Checked(level="warning", found=f"the token lacks {scope}, {purpose}")
            for scope, purpose in USEFUL.items()
            if scope not in granted
        )
    found.extend(await _reached(calls, settings, site))
    return found


async def _reached(calls: Calls, settings: SlackSettings, site: Site) -> list[Checked]:
    if settings.socket_mode:
        token = settings.app_token.get_secret_value() if settings.app_token else ""
        try:
            await calls.client(token).apps_connections_open(app_token=token)
        except FAILED as error:
            why = outcome(error, sending=False)
            return [
                Checked(
                    level="error",
                    found=f"Socket Mode cannot be used ({getattr(why, 'why', 'unknown')})",
                    cure="Switch it on under Socket Mode, and give the app token connections:write",
                )
            ]
        return [Checked(level="ok", found="Socket Mode can be used")]
    if not site.public_url:
        return [
            Checked(
                level="error",
                found="Slack cannot call a server without a public address",
                cure="Set server.public_url, or channels.slack.socket_mode",
            )
        ]
    base = site.public_url
    return [
        Checked(
            level="warning",
            found="Slack does not tell a bot which addresses it calls, and lets none set them",
            cure=f"Look that they are: Event Subscriptions {base}{settings.events_path}, "
            f"Interactivity {base}{settings.interactive_path}, "
            f"slash command {base}{settings.commands_path}",
        )
    ]
