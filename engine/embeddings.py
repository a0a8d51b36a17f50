"""Prompts as a UNet is told them: embeddings of their words, with weights, of any sensible length.

What is short and weighs the same throughout is diffusers' own `encode_prompt`, bit for bit. The rest is made by compel
(https://github.com/damian0815/compel), which understands other signs than people write but takes words and weights:

- Stronger words (w > 1): their hidden states move away from those of the empty prompt, h' = empty + w·(h − empty).
- Weaker words (w < 1): blended with the prompt encoded without seeing them, as the weight tan((1 − w)·π/2) to 1; at 0
  they are gone. Scaling alone, as AUTOMATIC1111's web UI does it, leaves them in what the end of the prompt says.
- Long prompts: chunks of what the text encoder reads at once, cut between words, one after the other.
"""

from __future__ import annotations

import bisect
import functools
import itertools
import math
from typing import Any

import torch
from compel import EmbeddingsProvider, ReturnedEmbeddingsType, SplitLongTextMode

from engine.errors import InvalidRequest
from engine.prompting import parse, plain

TEXTS = 64
"""How many encoded prompts are kept; the empty one is asked for with each guided request, so it stays."""

CHUNKS = 16
"""Longest prompt, in what the text encoder reads at once. English of 2,000 letters takes about six of CLIP's."""

PASSES = 128
"""Most that the text encoder reads for one prompt, some seconds: every weaker part has all of it read once more."""


class TextEncoder:
    """The text encoder of an SD pipeline, or the two of an SDXL one."""

    def __init__(self, pipe: Any, device: torch.device) -> None:
        self._pipe, self._device = pipe, device
        self._sdxl = hasattr(pipe, "text_encoder_2")
        kinds = ReturnedEmbeddingsType
        kind = kinds.PENULTIMATE_HIDDEN_STATES_NON_NORMALIZED if self._sdxl else kinds.LAST_HIDDEN_STATES_NORMALIZED
        parts = [(pipe.tokenizer, pipe.text_encoder)]
        if self._sdxl:
            parts.append((pipe.tokenizer_2, pipe.text_encoder_2))
        self._providers: list[Any] = [
            _Joined(
                tokenizer,
                encoder,
                truncate=False,
                returned_embeddings_type=kind,
                split_long_text_mode=SplitLongTextMode.WORDS,
                device=device,
            )
            for tokenizer, encoder in parts
            if encoder is not None  # some SDXL models come with the second one alone
        ]
        self._kept = functools.lru_cache(TEXTS)(self._embedded)

    @property
    def readable(self) -> int:
        """Tokens that are read at once, without the start and the end."""
        clip = self._providers[0]
        tokens: int = clip.max_token_count - len(clip.bos_sequence) - len(clip.eos_sequence)
        return tokens

    def embed(self, text: str, field: str = "prompt") -> tuple[torch.Tensor, Any]:
        """The embeddings of one text (1, tokens, channels), and SDXL's pooled ones (1, channels) or None.

        Raises InvalidRequest of that field for a text that is too long, or has too many weaker parts.
        """
        try:
            return self._kept(text)
        except _TooMuch as problem:
            raise InvalidRequest(field, text[:57] + "…", str(problem), **problem.rule) from None

    def alike(self, one: torch.Tensor, other: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Both as long as the longer one: the other goes on with empty prompts."""
        tokens = max(one.shape[1], other.shape[1])
        return self._filled(one, tokens), self._filled(other, tokens)

    def close(self) -> None:
        """Lets go of the networks, and of what they said."""
        self._pipe = None
        self._providers.clear()
        self._kept.cache_clear()

    def _filled(self, embeddings: torch.Tensor, tokens: int) -> torch.Tensor:
        if embeddings.shape[1] == tokens:
            return embeddings
        empty = self.embed("")[0]
        missing = (tokens - embeddings.shape[1]) // empty.shape[1]
        return torch.cat([embeddings, *[empty] * missing], dim=1)

    def _embedded(self, text: str) -> tuple[torch.Tensor, Any]:
        words = plain(text)
        counted = [(each, self._tokens(each.text)) for each in parse(text)]
        fragments = [each for each, tokens in counted if tokens]  # compel stumbles over weights of nothing
        tokens = sum(tokens for _, tokens in counted)
        weights = [each.weight for each in fragments]
        self._check(tokens, sum(weight < 1 for weight in weights))
        if tokens <= self.readable and set(weights) <= {1.0}:
            return self._by_diffusers(words)
        texts = [each.text for each in fragments]
        embeddings = [
            clip.get_embeddings_for_weighted_prompt_fragments([texts], [weights], device=self._device).to(self._device)
            for clip in self._providers
        ]
        # SDXL was trained with one pooled embedding for each picture: of the beginning, as if nothing weighed more.
        pooled = self._providers[-1].get_pooled_embeddings([words], device=self._device) if self._sdxl else None
        return torch.cat(embeddings, dim=-1), pooled

    def _tokens(self, text: str) -> int:
        return len(self._providers[0].get_token_ids([text], include_start_and_end_markers=False)[0])

    def _check(self, tokens: int, weaker: int) -> None:
        if tokens > (most := CHUNKS * self.readable):
            allowed = f"at most {most} tokens, which are words and parts of words; it has {tokens}"
            raise _TooMuch(allowed, rule="tokens", high=most, found=tokens)
        if weaker > (most := PASSES // math.ceil(max(tokens, 1) / self.readable) - 1):
            allowed = f"at most {most} parts that weigh less than 1, in a prompt of this length; it has {weaker}"
            raise _TooMuch(allowed, rule="weaker", high=most, found=weaker)

    def _by_diffusers(self, text: str) -> tuple[torch.Tensor, Any]:
        if not self._sdxl:
            return self._pipe.encode_prompt(text, self._device, 1, False)[0], None
        embeddings, _, pooled, _ = self._pipe.encode_prompt(
            text, device=self._device, do_classifier_free_guidance=False
        )
        return embeddings, pooled


class _Joined(EmbeddingsProvider):  # type: ignore[misc]  # compel has no types
    """Reads fragments as the one text that they are.

    Chinese has no spaces: a fragment read by itself would end a word where none ends, which is another token.
    """

    def get_token_ids(
        self, texts: list[str], include_start_and_end_markers: bool = True, *args: Any, **kwargs: Any
    ) -> list[list[int]]:
        """As compel's. Without markers these are the fragments of one prompt, each with the tokens that begin in it."""
        if not include_start_and_end_markers:
            read = self.tokenizer("".join(texts), add_special_tokens=False, return_offsets_mapping=True)
            ends = list(itertools.accumulate(map(len, texts)))
            parts: list[list[int]] = [[] for _ in texts]
            for token, (start, _) in zip(read["input_ids"], read["offset_mapping"], strict=True):
                parts[bisect.bisect_right(ends, start)].append(token)
            if all(parts):  # otherwise a token is longer than a fragment, as in a(b)c
                return parts
        ids: list[list[int]] = super().get_token_ids(texts, include_start_and_end_markers, *args, **kwargs)
        return ids


class _TooMuch(Exception):
    """What is allowed instead, in a sentence and in parts."""

    def __init__(self, allowed: str, **rule: Any) -> None:
        super().__init__(allowed)
        self.rule = rule
