"""The palette: distinguishable for colour-blind readers, with legible texts."""

from itertools import combinations

import numpy as np
import pytest

from allin1_mlx.display.pictures.palette import DARK, LIGHT, SECTION_INK, section_colour
from allin1_mlx.types import LABELS

# Machado, Oliveira & Fernandes 2009, full severity, on linear RGB.
EYES = {
    "usual": np.eye(3),
    "protan": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deutan": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritan": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}


def linear(colour: str) -> np.ndarray:
    value = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    white = np.array([0.9505, 1.0, 1.089])
    x = xyz @ rgb.clip(0, 1) / white
    f = np.where(x > 0.008856, np.cbrt(x), 7.787 * x + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast(one: str, other: str) -> float:
    light = [linear(c) @ [0.2126, 0.7152, 0.0722] + 0.05 for c in (one, other)]
    return max(light) / min(light)


@pytest.mark.parametrize("eyes", EYES)
def test_labels_look_different_to_all_eyes(eyes: str) -> None:
    labels = [label for label in LABELS if label != "end"] + ["something else"]
    for one, other in combinations(labels, 2):
        seen = [lab(EYES[eyes] @ linear(section_colour(label))) for label in (one, other)]
        assert np.linalg.norm(seen[0] - seen[1]) > 9, (one, other)


def test_writing_on_sections_is_legible() -> None:
    for label in [*LABELS, "pre-chorus"]:
        assert contrast(section_colour(label), SECTION_INK) >= 4.5, label


@pytest.mark.parametrize("ground", [LIGHT, DARK])
def test_writing_on_the_ground_is_legible(ground: object) -> None:
    for name in ("ink", "muted", "tempo"):
        assert contrast(getattr(ground, name), ground.paper) >= 4.5, name
    for name in ("beat_activation", "downbeat_activation", "section_activation", "bar"):
        assert contrast(getattr(ground, name), ground.paper) >= 3, name


def test_case_of_a_label_does_not_matter() -> None:
    assert section_colour("Chorus") == section_colour("chorus")
