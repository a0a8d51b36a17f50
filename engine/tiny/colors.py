"""The background colours the embedded model knows, with their words in English and Chinese."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Color:
    """`rgb` is 0 to 255; the first word of each language is the one used in examples."""

    rgb: tuple[int, int, int]
    en: tuple[str, ...]
    zh: tuple[str, ...]


COLORS: tuple[Color, ...] = (
    Color((255, 255, 255), ("white", "plain white", "snow white"), ("白色", "纯白", "白")),
    Color((20, 20, 22), ("black", "pitch black"), ("黑色", "纯黑", "黑")),
    Color((128, 128, 130), ("gray", "grey"), ("灰色", "灰")),
    Color((215, 45, 45), ("red", "bright red", "crimson"), ("红色", "紅色", "大红", "红")),
    Color((60, 110, 220), ("blue", "royal blue"), ("蓝色", "藍色", "蓝")),
    Color((70, 170, 80), ("green", "grass green"), ("绿色", "綠色", "绿")),
    Color((250, 215, 70), ("yellow", "golden yellow"), ("黄色", "黃色", "黄")),
    Color((245, 150, 50), ("orange",), ("橙色", "橘色", "橙")),
    Color((140, 80, 190), ("purple", "violet"), ("紫色", "紫")),
    Color((250, 160, 195), ("pink", "light pink", "rose"), ("粉色", "粉红色", "粉紅色", "粉")),
    Color((125, 85, 55), ("brown",), ("棕色", "褐色", "咖啡色")),
    Color((150, 205, 245), ("light blue", "sky blue", "pale blue", "baby blue"), ("浅蓝色", "天蓝色", "淡蓝色")),
    Color((30, 45, 105), ("dark blue", "navy", "navy blue"), ("深蓝色", "海军蓝", "藏青色")),
    Color((170, 225, 165), ("light green", "mint", "mint green", "pale green"), ("浅绿色", "薄荷绿", "淡绿色")),
    Color((25, 80, 45), ("dark green", "forest green"), ("深绿色", "墨绿色")),
    Color((50, 180, 180), ("teal", "turquoise", "cyan"), ("青色", "蓝绿色", "青")),
    Color((240, 225, 195), ("beige", "cream", "ivory"), ("米色", "奶油色", "米白色")),
    Color((205, 185, 235), ("lavender", "lilac", "light purple"), ("淡紫色", "薰衣草色", "浅紫色")),
)

WHITE = 0
"""Index of the colour used where a prompt names none."""
