"""Chinese captions. Chinese says what a thing does before its name: "孩子们在山坡上堆的雪人"."""

from __future__ import annotations

from engine.tiny import fillers
from engine.tiny.colors import COLORS, Color
from engine.tiny.vocabulary import Vocabulary
from engine.tiny.words import ZH
from engine.tiny.writer import Writer


class Chinese(Writer):
    """Chinese: other subjects may come first."""

    def joined(self, name: str, second: str) -> str:
        pick = self._random.choice
        return f"{name}{pick(('和', '和', '和', '与', '跟', '以及'))}{pick(('', '', *ZH['measures']))}{second}"

    def _tidy(self, name: str, color: Color | None) -> str:
        """ "画一只可爱的猫，高清，蓝色背景"."""
        pick, roll = self._random.choice, self._random.random
        words = name
        for adjective in self._some(ZH["adjectives"], (0.35, 0.2)):
            words = f"{adjective}{pick(('的', '的', ''))}{words}"
        if roll() < 0.5:
            words = pick(ZH["measures"]) + words
        if roll() < 0.15:
            words = pick(ZH["openings"]) + words
        for scene in self._some(ZH["scenes"], (0.35, 0.15)):
            words += pick(("，", "", ",")) + scene.format(other=pick(self._others), color=pick(pick(COLORS).zh))
        for tail in self._some(ZH["qualities"], (0.35, 0.5, 0.4)):
            words += pick(("，", ",", "、", " ")) + tail
        if color is not None:
            words = pick(ZH["backgrounds"]).format(words=words, color=pick(color.zh))
        return words

    def _loose(self, name: str, color: Color | None) -> str:
        pick, roll = self._random.choice, self._random.random
        words = name
        if roll() < 0.3:
            words = f"{self._kind()}{pick(('的', '的', ''))}{words}"
        if roll() < 0.3:
            words = pick(ZH["measures"]) + words
        for _ in range(pick((0, 1, 1, 1, 1, 2))):
            words = f"{self._clause()}{pick(('的', '的', '的', '的', ''))}{words}"
        if roll() < 0.25:
            words = pick(ZH["measures"]) + words
        if roll() < 0.25:
            words += pick(("，", "", ",", " ")) + self._clause()
        if roll() < 0.12:
            words += f"{pick(('旁边有', '追着', '拿着', '吃着', '看着', '身边是', '面前放着'))}{pick(self._others)}"
        if roll() < 0.6:
            words = pick(fillers.FRAMES_ZH).format(x=words)
        else:
            words = pick(fillers.IN_MEDIA_ZH).format(x=words, medium=pick(fillers.MEDIA_ZH))
        if roll() < 0.1:
            words = f"{pick(fillers.TIMES_ZH)}，{words}"
        return self._finished(words, color)

    def _free(self, name: str, vocabulary: Vocabulary, color: Color | None) -> str:
        pick, roll = self._random.choice, self._random.random
        words = name
        if roll() < 0.35:
            words = f"{pick(self._adjectives)}{pick(('的', '的', ''))}{words}"
        if roll() < 0.35:
            words = pick(ZH["measures"]) + words
        if roll() < 0.65:
            words = f"{self._phrase(vocabulary)}{pick(('的', '的', '，', '', '！', '：'))}{words}"
        if roll() < 0.12:
            words = (
                f"{pick(('在', '', '从', '坐在', '对着', '吃'))}{pick(self._others)}{pick(fillers.WHERE_ZH)}的{words}"
            )
        if roll() < 0.25:
            words = pick(ZH["measures"]) + words
        for _ in range(pick((0, 0, 1, 1, 2))):
            words += pick(("", "", "，", "，", " ", "。", "；", "吧，")) + self._phrase(vocabulary)
        if roll() < 0.1:
            words = f"{pick(vocabulary.nouns_zh)}{pick(('：', '，', ':'))}{words}"
        return self._finished(words, color)

    def _phrase(self, vocabulary: Vocabulary) -> str:
        pick = self._random.choice
        if self._random.random() < 0.5:
            words = vocabulary.words_zh
            return "".join(words[int(len(words) * self._random.random() ** 3)] for _ in range(pick((1, 1, 2, 3, 4, 5))))
        kinds = (
            vocabulary.nouns_zh,
            vocabulary.nouns_zh,
            vocabulary.verbs_zh,
            vocabulary.verbs_zh,
            vocabulary.adjectives_zh,
            vocabulary.adverbs_zh,
            vocabulary.places_zh,
            vocabulary.people_zh,
        )
        return "".join(
            pick(("", "", pick(fillers.GLUE_ZH))) + pick(pick(kinds)) + pick(("", "", "", pick(fillers.GLUE_ZH)))
            for _ in range(pick((1, 1, 2, 2, 3, 4)))
        )

    def _finished(self, words: str, color: Color | None) -> str:
        pick, roll = self._random.choice, self._random.random
        for _ in range(pick((0, 0, 0, 1, 1, 2))):
            words += pick(("，", ",", "、", " ")) + pick(fillers.KINDS_ZH if roll() < 0.5 else ZH["qualities"])
        if color is not None:
            words = pick(fillers.BACKGROUNDS_ZH if roll() < 0.4 else fillers.GROUNDS_ZH).format(
                x=words,
                color=pick(color.zh),
                de=pick(("", "的")),
                in_=pick(fillers.IN_ZH),
                tail=pick(fillers.KINDS_ZH),
                place=pick(fillers.PLACES_OF_BACKGROUND_ZH),
                is_=pick(fillers.IS_ZH),
                some=pick(fillers.SOME_ZH),
                ground=pick(("背景", "背景", "底色", "背景色")),
                before=pick(fillers.BEFORE_ZH),
                make=pick(fillers.MAKE_ZH),
                into=pick(fillers.INTO_ZH),
                quite=pick(fillers.QUITE_ZH),
                word=self._phrase(self._words) if self._words else pick(fillers.RARE_ZH),
            )
        return words

    def _kind(self) -> str:
        roll = self._random.random()
        if roll < 0.15:
            return "".join(self._random.sample(fillers.RARE_ZH, self._random.randint(1, 3)))
        if roll < 0.25:
            return self._random.choice(self._random.choice(COLORS).zh)
        return self._random.choice(fillers.KINDS_ZH if roll < 0.6 else ZH["adjectives"])

    def _clause(self) -> str:
        pick, roll = self._random.choice, self._random.random
        parts = []
        if roll() < 0.3:
            parts.append(pick(fillers.TIMES_ZH))
        if roll() < 0.35:
            parts.append(pick(fillers.PEOPLE_ZH))
        if roll() < 0.5:
            parts.append(pick(("在", "", "", "从", "被")) + pick(fillers.PLACES_ZH) + pick(fillers.WHERE_ZH))
        if roll() < 0.55:
            parts.append(pick(("", "", "正在", "刚", "会")) + pick(fillers.DOING_ZH))
        if roll() < 0.12:
            parts.append(pick(self._others) + pick(("", "上", "里", "旁边")))
        if not parts or roll() < 0.15:
            parts.append("".join(self._random.sample(fillers.RARE_ZH, self._random.randint(1, 4))))
        return "".join(parts)
