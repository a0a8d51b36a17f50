"""What many test files say of themselves."""

from __future__ import annotations

import pytest

WITH_DIFFUSERS = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of diffusers' and transformers' own code
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]
"""Takes its time, and runs code whose warnings are others' business."""
