"""What a UNet is told: weights, prompts of any length, and that nobody else's picture changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from diffusers import DiffusionPipeline  # noqa: E402

from engine.catalog import TINY_FOLDER, Catalog, Defaults, ModelSpec, Ranges  # noqa: E402
from engine.config import EngineConfig  # noqa: E402
from engine.embeddings import CHUNKS  # noqa: E402
from engine.errors import InvalidRequest  # noqa: E402
from engine.forwards import Forwards  # noqa: E402
from engine.loading import Diffusers  # noqa: E402
from engine.painting import Pixels  # noqa: E402
from engine.pipelines import DiffusersPipeline, UnetPipeline  # noqa: E402
from engine.stepper import Stepper  # noqa: E402
from engine.types import GenerationRequest, Sampler  # noqa: E402
from tests import tinypipes  # noqa: E402
from tests.marks import WITH_DIFFUSERS  # noqa: E402

pytestmark = WITH_DIFFUSERS

FAMILIES = ["sd1", "sdxl"]
READ = 75
"""Tokens that these text encoders read at once; their tokenizers make one of each letter."""
LETTERS = "abcdefghij" * 20
LONG = " ".join(LETTERS)
"""Two hundred words, which are read in three parts."""

Folders = dict[str, Path]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    place = tmp_path_factory.mktemp("tiny")
    return {
        "sd1": tinypipes.save_sd(place / "sd1"),
        "sdxl": tinypipes.save_sdxl(place / "sdxl"),
        "flux": tinypipes.save_flux(place / "flux"),
        "pixart": tinypipes.save_pixart(place / "pixart"),
    }


Loaded = Callable[[str], tuple[ModelSpec, DiffusersPipeline]]


def loaded_from(spec: ModelSpec) -> DiffusersPipeline:
    return Diffusers(EngineConfig(device="cpu")).load(spec, lambda fraction, text: None, lambda: False)


@pytest.fixture(scope="module")
def loaded(folders: Folders) -> Loaded:
    kept: dict[str, tuple[ModelSpec, DiffusersPipeline]] = {}

    def get(name: str) -> tuple[ModelSpec, DiffusersPipeline]:
        if name not in kept:
            defaults = Defaults(width=64, height=64, num_inference_steps=3, guidance_scale=5, sampler=Sampler.EULER)
            ranges = Ranges(size=(64, 128), guidance_scale=(1, 20))
            spec = ModelSpec(key=name, repository=str(folders[name]), defaults=defaults, ranges=ranges)
            kept[name] = (spec, loaded_from(spec))
        return kept[name]

    return get


def ask(spec: ModelSpec, prompt: str, **options: Any) -> GenerationRequest:
    return Catalog([spec]).request(spec.key, prompt, **{"seed": 7} | options)


def told(pair: tuple[ModelSpec, DiffusersPipeline], prompt: str, **options: Any) -> Any:
    """The conditions of a prompt; without guidance there is only its own row."""
    spec, pipeline = pair
    assert isinstance(pipeline, UnetPipeline)
    with torch.inference_mode():
        return pipeline.encode(ask(spec, prompt, **{"guidance_scale": 1} | options))


def as_diffusers_tells(pipe: Any, text: str) -> tuple[Any, Any]:
    with torch.inference_mode():
        if hasattr(pipe, "text_encoder_2"):
            embeddings, _, pooled, _ = pipe.encode_prompt(text, device="cpu", do_classifier_free_guidance=False)
            return embeddings, pooled
        return pipe.encode_prompt(text, "cpu", 1, False)[0], None


def equal(one: Any, other: Any) -> bool:
    return other is None if one is None else bool(torch.equal(one, other))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("text", ["a red fox", "a cat :)", "x" * READ])
def test_a_short_prompt_without_weights_is_told_as_diffusers_tells_it(
    folders: Folders, loaded: Loaded, family: str, text: str
) -> None:
    conditions = told(loaded(family), text, negative_prompt="blurry", guidance_scale=5)
    stock = DiffusionPipeline.from_pretrained(folders[family])
    for row, words in enumerate(["blurry", text]):
        embeddings, pooled = as_diffusers_tells(stock, words)
        assert torch.equal(conditions.embeddings[row], embeddings[0])
        assert pooled is None or torch.equal(conditions.pooled[row], pooled[0])


@pytest.mark.parametrize("family", FAMILIES)
def test_a_long_prompt_is_told_in_parts_each_as_diffusers_tells_it(
    folders: Folders, loaded: Loaded, family: str
) -> None:
    conditions = told(loaded(family), LONG)
    assert conditions.embeddings.shape[1] == 3 * 77
    stock = DiffusionPipeline.from_pretrained(folders[family])
    parts = [as_diffusers_tells(stock, " ".join(LETTERS[start : start + READ])) for start in range(0, 200, READ)]
    assert torch.equal(conditions.embeddings, torch.cat([embeddings for embeddings, _ in parts], dim=1))
    assert equal(conditions.pooled, parts[0][1])


def test_a_word_is_not_cut_in_two(loaded: Loaded) -> None:
    pair = loaded("sd1")
    words = told(pair, "x" * (READ - 2) + " fox").embeddings
    assert words.shape[1] == 2 * 77
    assert torch.equal(words[:, 77:], told(pair, "fox").embeddings)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_weight_of_one_changes_nothing(loaded: Loaded, family: str) -> None:
    pair = loaded(family)
    for prompt in ("a red fox", LONG):
        weighed, unweighed = (told(pair, text) for text in (prompt.replace("a", "(a:1.0)"), prompt))
        assert torch.equal(weighed.embeddings, unweighed.embeddings)
        assert equal(weighed.pooled, unweighed.pooled)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_more_a_word_weighs_the_further_its_tokens_move(loaded: Loaded, family: str) -> None:
    pair = loaded(family)
    unweighed = told(pair, "a red fox")
    red = slice(2, 5)  # after the start and the first word

    def moved(weight: float) -> tuple[float, float]:
        """How far the tokens of the word moved, and the others."""
        conditions = told(pair, f"a (red:{weight}) fox")
        assert equal(conditions.pooled, unweighed.pooled)
        distances = (conditions.embeddings - unweighed.embeddings)[0].norm(dim=-1)
        word = float(distances[red].sum())
        return word, float(distances.sum()) - word

    stronger = [moved(weight) for weight in (1.1, 1.3, 1.6, 2)]
    weaker = [moved(weight) for weight in (0.9, 0.6, 0.3, 0)]
    for words in ([word for word, _ in stronger], [word for word, _ in weaker]):
        assert words[0] > 0
        assert words == sorted(set(words))
    assert all(others == 0 for _, others in stronger)
    assert all(others > 0 for _, others in weaker), "what follows a weaker word has heard less of it"


@pytest.mark.parametrize("family", FAMILIES)
def test_the_shorter_of_two_prompts_goes_on_with_nothing(loaded: Loaded, family: str) -> None:
    pair = loaded(family)
    conditions = told(pair, "a red fox", negative_prompt=LONG, guidance_scale=5)
    assert conditions.embeddings.shape == (2, 3 * 77, 32 if family == "sd1" else 64)
    nothing = told(pair, "()").embeddings
    wanted = torch.cat([told(pair, "a red fox").embeddings, nothing, nothing], dim=1)
    assert torch.equal(conditions.embeddings[1:], wanted)
    assert torch.equal(conditions.embeddings[:1], told(pair, LONG).embeddings)


def test_sdxl_is_told_zeros_where_nothing_is_unwanted_however_long_the_prompt(loaded: Loaded) -> None:
    conditions = told(loaded("sdxl"), LONG, guidance_scale=5)
    assert not conditions.embeddings[0].any()
    assert not conditions.pooled[0].any()


@pytest.mark.parametrize("field", ["prompt", "negative_prompt"])
def test_a_prompt_that_nobody_could_read_is_refused(loaded: Loaded, field: str) -> None:
    texts = {"prompt": "a fox", "negative_prompt": "blurry"} | {field: "x" * (CHUNKS * READ + 1)}
    with pytest.raises(InvalidRequest, match=f"at most {CHUNKS * READ} tokens") as caught:
        told(loaded("sd1"), texts["prompt"], negative_prompt=texts["negative_prompt"], guidance_scale=5)
    assert caught.value.field == field
    fits = {**texts, field: "x" * (CHUNKS * READ)}
    conditions = told(loaded("sd1"), fits["prompt"], negative_prompt=fits["negative_prompt"], guidance_scale=5)
    assert conditions.embeddings.shape[1] == CHUNKS * 77


def test_a_prompt_with_more_weak_parts_than_there_is_time_for_is_refused(loaded: Loaded) -> None:
    weak = "[a]b" * 60
    assert told(loaded("sd1"), weak).embeddings.shape[1] == 2 * 77
    with pytest.raises(InvalidRequest, match=r"at most 63 parts that weigh less than 1.*; it has 64"):
        told(loaded("sd1"), "[a]b" * 64)


@pytest.mark.parametrize("nothing", ["( )", "[ ]", "( :0.3)", "(:0)", "((()))"])
def test_a_weight_of_nothing_changes_nothing(loaded: Loaded, nothing: str) -> None:
    pair = loaded("sdxl")
    for prompt in ("a fox {}", "a (red:1.2) [fox] {}", "{}"):
        assert torch.equal(told(pair, prompt.format(nothing)).embeddings, told(pair, prompt.format("()")).embeddings)


def test_a_text_is_encoded_once(loaded: Loaded) -> None:
    _, pipeline = pair = loaded("sd1")
    encoded: list[Any] = []
    hook = pipeline._pipe.text_encoder.register_forward_hook(lambda *_: encoded.append(1))
    told(pair, "a (rare:1.2) bird")
    first = len(encoded)
    told(pair, "a (rare:1.2) bird")
    assert len(encoded) == first > 0
    told(pair, "a (rare:1.3) bird")
    assert len(encoded) > first
    hook.remove()


def stepped(pipeline: Any, *requests: GenerationRequest) -> list[Pixels]:
    """All of them together, from one moment on."""
    stepper = Stepper(Forwards(), bucket=4)
    futures = [stepper.join(pipeline, request, request.seed) for request in requests]
    stepper.run()
    stepper.close()
    assert all(future.result().rows == 4 for future in futures), "called whole"
    return [future.result().pixels for future in futures]


@pytest.mark.parametrize("family", FAMILIES)
def test_who_writes_long_or_with_weights_paints_what_they_would_alone_and_so_do_the_others(
    loaded: Loaded, family: str
) -> None:
    spec, pipeline = loaded(family)
    requests = [
        ask(spec, "a red fox", seed=1),
        ask(spec, LONG, seed=2),
        ask(spec, "a (red:1.4) fox", seed=3, num_inference_steps=2),
        ask(spec, LONG.replace("a", "(a:0.7)"), seed=4, guidance_scale=1),
        ask(spec, "a fox", negative_prompt=LONG, seed=5),
        ask(spec, "a dog", seed=6, num_inference_steps=4),
    ]
    together = stepped(pipeline, *requests)
    alone = [stepped(pipeline, request)[0] for request in requests]
    assert all(np.array_equal(one, other) for one, other in zip(together, alone, strict=True))


def test_prompts_share_a_forward_where_they_are_equally_long(loaded: Loaded) -> None:
    spec, pipeline = loaded("sd1")
    assert isinstance(pipeline, UnetPipeline)
    forwards = Forwards()

    def group(prompt: str, **options: Any) -> Any:
        request = ask(spec, prompt, **options)
        table = pipeline.table(request)
        assert table is not None
        return forwards.prepare(pipeline, request, table, 1, lambda: False).group

    assert group("a fox") == group("a (red:1.3) bear", negative_prompt="[blurry]")
    assert group("a fox") != group("x" * 100)
    assert group("x" * 100) == group("a fox", negative_prompt="x" * 100)


def called(pipeline: DiffusersPipeline, request: GenerationRequest) -> Pixels:
    return pipeline.call(request, 7, lambda step, of, preview: None, lambda: False)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_sampler_that_is_called_whole_is_told_the_same(loaded: Loaded, family: str) -> None:
    spec, pipeline = loaded(family)
    request = ask(spec, "a (red:1.4) fox", negative_prompt="[blurry]")
    [steps] = stepped(pipeline, request)
    assert np.abs(called(pipeline, request).astype(int) - steps).max() <= 1
    assert not np.array_equal(called(pipeline, request), called(pipeline, ask(spec, "a red fox")))


@pytest.mark.parametrize("family", ["flux", "pixart"])
def test_a_model_that_knows_no_weights_gets_the_words_alone(loaded: Loaded, family: str) -> None:
    spec, pipeline = loaded(family)
    weighed = called(pipeline, ask(spec, r"a (red:1.4) [fox] \(small\)", negative_prompt="((blurry))"))
    assert np.array_equal(weighed, called(pipeline, ask(spec, r"a red fox \(small\)", negative_prompt="blurry")))
    assert not np.array_equal(weighed, called(pipeline, ask(spec, "a red fox small", negative_prompt="blurry")))


@pytest.mark.skipif(not (TINY_FOLDER / "model_index.json").is_file(), reason="no weights here")
class TestTheEmbeddedModel:
    @pytest.fixture(scope="class")
    def tiny(self) -> tuple[ModelSpec, DiffusersPipeline]:
        spec = Catalog().get("tiny")
        return spec, loaded_from(spec)

    def test_it_reads_long_prompts_by_its_own_length(self, tiny: tuple[ModelSpec, DiffusersPipeline]) -> None:
        assert told(tiny, "(red:1.4) apple").embeddings.shape[1] == 64
        assert told(tiny, "a red apple on a white table, " * 12).embeddings.shape[1] == 64 * 2

    def test_a_stronger_red_still_paints_an_apple_and_a_removed_one_does_not(
        self, tiny: tuple[ModelSpec, DiffusersPipeline]
    ) -> None:
        spec, pipeline = tiny
        prompts = ("a red apple", "a (red:1.4) apple", "a red (apple:0)", "（红色:1.3）的苹果", "红色的苹果")
        requests = [ask(spec, prompt, num_inference_steps=8) for prompt in prompts]
        apple, redder, removed, stronger, chinese = (
            pixels.astype(int) for request in requests for pixels in stepped(pipeline, request)
        )
        assert np.abs(redder - apple).mean() < 0.3 * np.abs(removed - apple).mean()
        assert np.abs(stronger - chinese).mean() < 0.3 * np.abs(removed - chinese).mean()

    def test_a_weight_inside_a_chinese_sentence_leaves_its_tokens_as_they_are(
        self, tiny: tuple[ModelSpec, DiffusersPipeline]
    ) -> None:
        plain, weighted = (told(tiny, text).embeddings for text in ("红色的苹果", "（红色:1.0001）的苹果"))
        torch.testing.assert_close(weighted, plain, rtol=0, atol=0.01)

    def test_a_weight_inside_a_word_does_no_harm(self, tiny: tuple[ModelSpec, DiffusersPipeline]) -> None:
        assert torch.isfinite(told(tiny, "t(h:1.3)e c(a:0.5)t").embeddings).all()
