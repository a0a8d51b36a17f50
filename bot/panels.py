"""The panels of /settings and /me: settings in, Components V2 messages out. Pure.

Every control holds only what it is for: whoever presses it, and what the settings are by then, is looked up again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import discord
from discord import ButtonStyle, ChannelType, SelectDefaultValueType, ui

from bot import styles
from bot.defaults import GuildSettings
from bot.forms import MODEL_DECIDES as OPEN
from bot.messages import Card, small
from bot.options import ASPECT_RATIOS, Options
from bot.styles import Style
from bot.texts import Say
from bot.wording import cut, plain, visible
from engine.types import MAX_IMAGES

Scope = Literal["server", "me"]
"""Whose defaults a panel shows."""

DEFAULT_FIELD = r"(?P<field>model|style|aspect_ratio|num_images|numbers|clear)"
"""What a control of a panel of defaults is for."""

CHOICES = 25
CHANNELS = [
    ChannelType.text,
    ChannelType.news,
    ChannelType.forum,
    ChannelType.category,
    ChannelType.voice,
    ChannelType.stage_voice,
]


def server(
    settings: GuildSettings,
    say: Say,
    *,
    name: str,
    languages: Sequence[tuple[str, str]],
    channels: Iterable[int],
    roles: Iterable[int],
) -> Card:
    """A server's settings. `languages` are codes and names; `channels` and `roles` those that still exist."""
    press = [
        discord.SelectOption(label=say(f"press-{who}"), value=who, default=settings.press == who)
        for who in ("owner", "moderators", "anyone")
    ]
    spoken = [
        discord.SelectOption(label=say("language-of-server"), value=OPEN, default=settings.language is None),
        *(discord.SelectOption(label=word, value=tag, default=settings.language == tag) for tag, word in languages),
    ]
    preview = say("settings-preview", on="yes" if settings.preview else "no")
    return _card(
        f"{say('settings-title', server=plain(name, 100))}\n{small(say('settings-intro'))}",
        *_field(say("settings-press"), _select("easel:server:press", press)),
        *_field(
            say("settings-channels"),
            ui.ChannelSelect[Any](
                custom_id="easel:server:channels",
                channel_types=CHANNELS,
                placeholder=say("settings-channels-all"),
                min_values=0,
                max_values=CHOICES,
                default_values=[
                    discord.SelectDefaultValue(id=id, type=SelectDefaultValueType.channel) for id in channels
                ],
            ),
        ),
        *_field(
            say("settings-roles"),
            ui.RoleSelect[Any](
                custom_id="easel:server:roles",
                placeholder=say("settings-roles-all"),
                min_values=0,
                max_values=CHOICES,
                default_values=[discord.SelectDefaultValue(id=id, type=SelectDefaultValueType.role) for id in roles],
            ),
        ),
        *_field(say("settings-language"), _select("easel:server:language", spoken[:CHOICES])),
        ui.ActionRow(
            _button("easel:server:preview", preview),
            _button("easel:panel:defaults", say("button-defaults")),
            _button("easel:panel:styles", say("button-styles")),
        ),
    )


def defaults(
    scope: Scope,
    options: Options,
    say: Say,
    *,
    models: Sequence[str],
    offered: Sequence[tuple[str, str]],
    below: Sequence[ui.Item[Any]] = (),
) -> Card:
    """Somebody's defaults: menus for what is chosen, a form for what is typed. `offered` are styles, key and name."""
    return _card(
        f"{say(f'defaults-title-{scope}')}\n{small(say(f'defaults-intro-{scope}'))}",
        *_field(say("defaults-model"), _chosen(scope, "model", [(key, key) for key in models], options.model, say)),
        *_field(say("defaults-style"), _chosen(scope, "style", _with_none(scope, offered, say), options.style, say)),
        *_field(
            say("defaults-shape"),
            _chosen(scope, "aspect_ratio", [(each, each) for each in ASPECT_RATIOS], options.aspect_ratio, say),
        ),
        *_field(
            say("defaults-count"),
            _chosen(
                scope,
                "num_images",
                [(str(n), say("count", count=n)) for n in range(1, MAX_IMAGES + 1)],
                None if options.num_images is None else str(options.num_images),
                say,
            ),
        ),
        ui.TextDisplay(typed(options, say)),
        ui.ActionRow(
            _button(f"easel:default:{scope}:numbers", say("button-numbers")),
            _button(f"easel:default:{scope}:clear", say("button-clear")),
            *([_button("easel:panel:server", say("button-back"))] if scope == "server" else []),
        ),
        *below,
    )


def _with_none(scope: Scope, offered: Sequence[tuple[str, str]], say: Say) -> list[tuple[str, str]]:
    """A person can also decide for no style, where their server has one."""
    return [(styles.NONE, say("style-none")), *offered] if scope == "me" else list(offered)


def choose(options: Options, field: str, picked: Sequence[str]) -> Options:
    """The defaults after a choice in one of the menus, or after Clear."""
    if field == "clear":
        return Options()
    value = None if picked[0] == OPEN else picked[0]
    update: dict[str, object] = {field: int(value) if value and field == "num_images" else value}
    if field == "aspect_ratio" and value:  # a shape goes before a size that was typed
        update |= {"width": None, "height": None}
    return Options.model_validate(options.model_dump() | update)


def typed(options: Options, say: Say) -> str:
    """The defaults that are typed into the form, one a line."""
    size = f"{options.width}×{options.height}" if options.width and options.height else None
    facts = (
        ("edit-steps", options.num_inference_steps),
        ("edit-cfg", None if options.guidance_scale is None else f"{options.guidance_scale:g}"),
        ("numbers-size", size),
        ("numbers-sampler", plain(options.sampler, 40) if options.sampler else None),
        ("edit-negative", plain(options.negative_prompt, 300) if options.negative_prompt else None),
    )
    lines = [say("fact", name=say(key), value=str(value)) for key, value in facts if value is not None]
    return "\n".join(lines) or small(say("defaults-none-typed"))


def style_list(own: Mapping[str, Style | None], say: Say) -> Card:
    """All of a server's styles, and a menu to open one."""
    there = styles.of_server(own)
    lines = [say("styles-title"), small(say("styles-intro"))]
    for key, style in there.items():
        kind = "built-in" if key not in own else "own"
        lines.append(say("styles-line", name=plain(styles.title(key, style, say), 80), kind=kind))
    hidden = [key for key in styles.BUILT_IN if key in own and own[key] is None]
    choices = [(key, styles.title(key, style, say)) for key, style in there.items()]
    choices += [(key, say("styles-hidden", name=say(f"style-{key}"))) for key in hidden]
    menu = [discord.SelectOption(label=cut(visible(name), 100), value=key) for key, name in choices[:CHOICES]]
    return _card(
        "\n".join(lines),
        *([ui.ActionRow(_select("easel:style:open", menu, placeholder=say("styles-open")))] if menu else []),
        ui.ActionRow(
            _button("easel:style:new", say("button-new-style"), ButtonStyle.primary),
            _button("easel:panel:server", say("button-back")),
        ),
    )


def style(key: str, own: Mapping[str, Style | None], say: Say, *, models: Sequence[str]) -> Card:
    """One style, to be changed, deleted or brought back."""
    known = own.get(key) if key in own else styles.BUILT_IN[key]
    back = _button("easel:panel:styles", say("button-back"))
    if known is None:
        text = say("style-is-hidden", name=say(f"style-{key}"))
        return _card(text, ui.ActionRow(_button(f"easel:style:restore:{key}", say("button-restore")), back))
    lines = [
        f"### {plain(styles.title(key, known, say), 80)}",
        say("style-words", words=plain(known.prompt, 1200)),
        say("style-without", words=plain(known.negative_prompt, 1200) if known.negative_prompt else say("not-set")),
        say("fact", name=say("edit-steps"), value=str(known.options.num_inference_steps or say("not-set"))),
        say(
            "fact",
            name=say("edit-cfg"),
            value=say("not-set") if known.options.guidance_scale is None else f"{known.options.guidance_scale:g}",
        ),
    ]
    ratios = [(each, each) for each in ASPECT_RATIOS]
    remove = "button-restore" if key in own and key in styles.BUILT_IN else "button-delete"
    return _card(
        "\n".join(lines),
        *_field(
            say("defaults-model"),
            _select(f"easel:style:model:{key}", _options([(m, m) for m in models], known.options.model, say)),
        ),
        *_field(
            say("defaults-shape"),
            _select(f"easel:style:aspect_ratio:{key}", _options(ratios, known.options.aspect_ratio, say)),
        ),
        ui.ActionRow(
            _button(f"easel:style:edit:{key}", say("button-edit"), ButtonStyle.primary),
            _button(
                f"easel:style:{'restore' if remove == 'button-restore' else 'delete'}:{key}",
                say(remove),
                ButtonStyle.danger,
            ),
            back,
        ),
    )


def _card(text: str, *items: ui.Item[Any]) -> Card:
    return Card(ui.Container(ui.TextDisplay(text), *items))


def _field(label: str, menu: ui.Item[Any]) -> tuple[ui.TextDisplay[Any], ui.ActionRow[Any]]:
    return ui.TextDisplay(label), ui.ActionRow(menu)


def _chosen(
    scope: Scope, field: str, choices: Sequence[tuple[str, str]], chosen: str | None, say: Say
) -> ui.Select[Any]:
    return _select(f"easel:default:{scope}:{field}", _options(choices, chosen, say), placeholder=say("not-set"))


def _options(choices: Sequence[tuple[str, str]], chosen: str | None, say: Say) -> list[discord.SelectOption]:
    """The choices with their first, which leaves it open; one that is chosen but gone is shown as open."""
    shown = list(choices[: CHOICES - 1])
    if chosen is not None and chosen not in dict(shown) and chosen in dict(choices):
        shown[-1] = (chosen, dict(choices)[chosen])
    open_ = discord.SelectOption(label=say("not-set"), value=OPEN, default=chosen not in dict(shown))
    return [
        open_,
        *(
            discord.SelectOption(label=cut(visible(name), 100), value=value, default=value == chosen)
            for value, name in shown
        ),
    ]


def _select(custom_id: str, options: list[discord.SelectOption], *, placeholder: str | None = None) -> ui.Select[Any]:
    return ui.Select[Any](custom_id=custom_id, options=options, placeholder=placeholder)


def _button(custom_id: str, label: str, style: ButtonStyle = ButtonStyle.secondary) -> ui.Button[Any]:
    return ui.Button[Any](custom_id=custom_id, label=label, style=style)
