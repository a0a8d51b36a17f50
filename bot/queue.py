"""/queue, /cancel and /limits: what waits, how to stop it, and how much people may ask for."""

from __future__ import annotations

import discord
from discord import app_commands

from bot import messages, pages
from bot.interactions import AnyCommand, Interaction, found, person
from bot.permissions import LimitKind, LimitRule, LimitScope, Refused, require_manager, require_press
from bot.texts import Say, label
from engine.errors import NotFound

_CHOICES = 25


@app_commands.command(name=label("queue-name"), description=label("queue-description"))
async def show_queue(interaction: Interaction) -> None:
    bot, who = interaction.client, person(interaction)
    jobs = [await bot.ledger.get(id) for id in await bot.store.open_jobs(who.id)]
    mine = [(job, bot.dispatcher.position(job.id)) for job in jobs if not job.status.final]
    waiting, running = await bot.store.open_counts(who.guild_id)
    card = pages.queue_page(mine, waiting, running, bot.say(interaction))
    await interaction.response.send_message(view=card, ephemeral=True)


@app_commands.command(name=label("cancel-name"), description=label("cancel-description"))
@app_commands.describe(job=label("option-cancel-job"))
@app_commands.rename(job=label("name-job"))
async def cancel(interaction: Interaction, job: str) -> None:
    generation = await found(interaction, job)
    require_press(person(interaction), generation)
    stopped = await interaction.client.dispatcher.cancel(generation.id)
    text = interaction.client.say(interaction)("cancel-done" if stopped else "cancel-late")
    await interaction.response.send_message(view=messages.said(text), ephemeral=True)


@cancel.autocomplete("job")
async def complete_job(interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
    """One's own jobs that can still be stopped."""
    found: list[app_commands.Choice[str]] = []
    for id in await interaction.client.store.open_jobs(str(interaction.user.id)):
        try:
            job = await interaction.client.ledger.get(id)
        except NotFound:
            continue
        prompt = messages.visible(job.request.prompt)
        if typed.lower() in prompt.lower() or typed == job.short_id:
            found.append(app_commands.Choice(name=messages.cut(prompt, 100), value=job.short_id))
    return found[:_CHOICES]


limits = app_commands.Group(name=label("limits-name"), description=label("limits-description"), guild_only=True)

KINDS = [
    app_commands.Choice(name=label("choice-waiting"), value="waiting"),
    app_commands.Choice(name=label("choice-images-a-day"), value="images_a_day"),
]


@limits.command(name=label("limits-show-name"), description=label("limits-show-description"))
async def show_limits(interaction: Interaction) -> None:
    bot, say = interaction.client, interaction.client.say(interaction)
    guild_id = require_manager(person(interaction))
    rules = await bot.store.limit_rules(guild_id)
    lines = [say("limits-title"), *(line(rule, say) for rule in rules)]
    if not rules:
        lines.append(say("limits-none"))
    await interaction.response.send_message(view=messages.said("\n".join(lines)), ephemeral=True)


@limits.command(name=label("limits-set-name"), description=label("limits-set-description"))
@app_commands.describe(
    kind=label("option-limits-kind"),
    maximum=label("option-limits-maximum"),
    member=label("option-limits-member"),
    role=label("option-limits-role"),
    together=label("option-limits-together"),
)
@app_commands.rename(
    kind=label("name-kind"),
    maximum=label("name-maximum"),
    member=label("name-person"),
    role=label("name-role"),
    together=label("name-together"),
)
@app_commands.choices(kind=KINDS)
async def set_limit(
    interaction: Interaction,
    kind: app_commands.Choice[str],
    maximum: app_commands.Range[int, 0, 100_000],
    member: discord.User | None = None,
    role: discord.Role | None = None,
    together: bool = False,
) -> None:
    guild_id = require_manager(person(interaction))
    scope, subject = bound(member, role, together)
    rule = LimitRule(scope, subject, limit_kind(kind), maximum)
    await interaction.client.store.set_limit(guild_id, rule)
    say = interaction.client.say(interaction)
    text = say("limits-saved", line=line(rule, say))
    await interaction.response.send_message(view=messages.said(text), ephemeral=True)


@limits.command(name=label("limits-clear-name"), description=label("limits-clear-description"))
@app_commands.describe(
    kind=label("option-limits-kind"),
    member=label("option-limits-member"),
    role=label("option-limits-role"),
    together=label("option-limits-together"),
)
@app_commands.rename(
    kind=label("name-kind"),
    member=label("name-person"),
    role=label("name-role"),
    together=label("name-together"),
)
@app_commands.choices(kind=KINDS)
async def clear_limit(
    interaction: Interaction,
    kind: app_commands.Choice[str],
    member: discord.User | None = None,
    role: discord.Role | None = None,
    together: bool = False,
) -> None:
    guild_id = require_manager(person(interaction))
    scope, subject = bound(member, role, together)
    removed = await interaction.client.store.clear_limit(guild_id, scope, subject, limit_kind(kind))
    text = interaction.client.say(interaction)("limits-cleared" if removed else "limits-not-set")
    await interaction.response.send_message(view=messages.said(text), ephemeral=True)


def limit_kind(choice: app_commands.Choice[str]) -> LimitKind:
    return "waiting" if choice.value == "waiting" else "images_a_day"


def bound(member: discord.User | None, role: discord.Role | None, together: bool) -> tuple[LimitScope, str]:
    """Whom a limit binds: a person, a role's people, the server together, or else each person of the server."""
    if sum((member is not None, role is not None, together)) > 1:
        raise Refused("error-one-of")
    if member is not None:
        return "person", str(member.id)
    if role is not None:
        return "role", str(role.id)
    return ("guild", "") if together else ("each", "")


def line(rule: LimitRule, say: Say) -> str:
    who = {
        "person": f"<@{rule.subject}>",
        "role": f"<@&{rule.subject}>",
        "guild": say("limits-everyone"),
        "each": say("limits-each"),
    }[rule.scope]
    return say("limits-line", who=who, maximum=rule.maximum, kind=rule.kind)


COMMANDS: tuple[AnyCommand, ...] = (show_queue, cancel, limits)
