"""The options of the model menu: what each does, its time, size and terms.

Times are for a song of four minutes. static/choice.js shows the result of `describe_choices`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from allin1_mlx.network.backend import has_gpu
from allin1_mlx.weights.registry import PUBLISHED, WeightFile

from .choice import DEMIXES, Choice, Choices, Delivery

TITLES = {
    "bundled": "Built-in",
    "harmonix-all": "Harmonix",
    "auto": "Automatic",
    "spectral": "From the spectrum",
    "htdemucs": "Separator (htdemucs)",
}
NO_STEMS = "The built-in network analyses the song itself: there is nothing to take apart."
AWAY = "Not on this computer, and downloads are switched off."


def describe_choices(choices: Choices) -> dict[str, Any]:
    """Return the contents of the menu.

    offers: the download of each missing set of weights. `needs` of an option is one of its keys, or
    "". unavailable: why an option cannot be chosen, or "".
    """
    current, delivery = choices.current, choices.delivery
    shown = delivery.wanted if delivery and delivery.state == "running" else current
    models = list(dict.fromkeys(["bundled", "harmonix-all", current.model, shown.model]))
    offers = {name: _offer(choices, name) for name in (*models[1:], "htdemucs")}
    return {
        "model": shown.model,
        "demix": shown.demix,
        "inForce": _title(current.model),
        "hint": _hint(current, offers["harmonix-all"]),
        "models": [_option(choices, name, _describe_network(name)) for name in models],
        "demixes": [_option(choices, name, _describe_stems(choices, name)) for name in DEMIXES],
        "noStems": {"bundled": NO_STEMS},
        "offers": {name: offer for name, offer in offers.items() if offer is not None},
        "delivery": delivery and _describe_delivery(delivery, current),
    }


def megabytes(files: Sequence[WeightFile]) -> str:
    """Return the size of files as text."""
    return f"{sum(file.size for file in files) / 1e6:.1f} MB"


def progress(delivery: Delivery) -> str:
    """Return the state of a download as text."""
    done, size = delivery.arrived / 1e6, delivery.size / 1e6
    return f"Downloading {_titles(delivery.sets)}: {done:.1f} of {size:.1f} MB"


def _titles(sets: Sequence[str]) -> str:
    return " and ".join(_title(name) for name in sets)


def _title(name: str) -> str:
    return TITLES.get(name, name)


def _option(choices: Choices, name: str, text: str) -> dict[str, Any]:
    option = {"value": name, "title": _title(name), "text": text, "needs": "", "unavailable": ""}
    if name not in PUBLISHED:
        return option
    missing, option["unavailable"] = choices.look_for(name)
    if missing and choices.access.is_offline:
        option["unavailable"] = AWAY
    elif missing:
        option["needs"] = name
        option["text"] = f"{text} One-time download, {megabytes(missing)}."
    else:
        option["text"] = f"{text} Already on this computer."
    return option


def _offer(choices: Choices, name: str) -> dict[str, str] | None:
    """Return size, source and terms of a download; None if there is none, or if it is not
    allowed.
    """
    missing, _ = choices.look_for(name)
    if not missing or choices.access.is_offline:
        return None
    publisher = missing[0].publisher
    return {
        "title": publisher.title,
        "size": megabytes(missing),
        "host": urlsplit(choices.access.mirror or publisher.url).netloc,
        "terms": publisher.terms,
    }


def _hint(current: Choice, offer: dict[str, str] | None) -> str:
    if current.model != "bundled" or offer is None:
        return ""
    licence = offer["terms"].partition(",")[0]
    return f"A larger one can be downloaded ({offer['size']}, {licence})"


def _describe_network(name: str) -> str:
    if name == "bundled":
        return "Part of this program. A song takes seconds."
    cost = "seconds" if has_gpu() else "about a minute on this computer's processor"
    if name == "harmonix-all":
        return (
            "The eight published networks of Kim and Nam together, trained on 912 songs "
            f"that people annotated by hand. A song takes {cost}."
        )
    return "One of the eight published networks of Kim and Nam. A song takes seconds."


def _describe_stems(choices: Choices, name: str) -> str:
    if name == "spectral":
        return "A rough division of the spectrum. Adds about a second."
    if name == "htdemucs":
        cost = "seconds" if has_gpu() else "about ten minutes on this computer's processor"
        return f"A network that separates drums, bass, voices and the rest. A song takes {cost}."
    if not has_gpu():
        return "The spectrum, as there is no graphics processor here."
    if choices.look_for("htdemucs")[0]:
        return "The spectrum, as long as the separator is not on this computer."
    return "The separator, as there is a graphics processor and it is on this computer."


def _describe_delivery(delivery: Delivery, current: Choice) -> dict[str, Any]:
    text = progress(delivery)
    if delivery.state == "failed":
        text = f"{_titles(delivery.sets)} could not be downloaded: {delivery.message}."
        if current != delivery.wanted:
            text += f" The analysis model stays: {_title(current.model)}."
    return {
        "state": delivery.state,
        "wanted": {"model": delivery.wanted.model, "demix": delivery.wanted.demix},
        "text": text,
        "share": delivery.arrived / delivery.size,
    }
