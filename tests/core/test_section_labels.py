"""Labels of sections: decided together, by rules, with counts of real songs."""

import io
import itertools
import tarfile

import numpy as np
import pytest

from allin1_mlx.decoding import section_labels as decoder
from allin1_mlx.decoding.section_labels import (
    CERTAIN,
    CHORUS,
    IN_A_ROW,
    INTRO,
    LONGEST,
    NAMES,
    OUTRO,
    QUOTE,
    RETURNING,
    STRANGER,
    SUCCESSION,
    SectionFacts,
    label_sections,
    load_priors,
)
from allin1_mlx_training.music.section_priors import count

PRIORS = load_priors()


def facts_of(form, predicted=None, *, sure=0.9, louder="C", sung=None):
    """Sections of eight bars, one per letter. predicted: the network's label of each, or none."""
    m = len(form)
    probabilities = np.full((m, len(NAMES)), 1 / len(NAMES))
    if predicted is not None:
        probabilities[:] = (1 - sure) / (len(NAMES) - 1)
        probabilities[np.arange(m), [NAMES.index(name) for name in predicted]] = sure
    letters = list(dict.fromkeys(form))
    return SectionFacts(
        bars=np.full(m, 8),
        groups=np.array([letters.index(letter) for letter in form]),
        loudness=np.array([1.2 if letter in louder else 1.0 for letter in form]),
        voice=np.zeros(m) if sung is None else np.array([float(letter in sung) for letter in form]),
        predicted=probabilities,
    )


def longest_row(names, label):
    row = longest = 0
    for name in names:
        row = row + 1 if name == label else 0
        longest = max(longest, row)
    return longest


def test_a_certain_network_decides_the_labels():
    predicted = ("intro", "verse", "chorus", "verse", "chorus", "bridge", "chorus", "outro")
    assert label_sections(facts_of("AVCVCBCO", predicted), PRIORS).names == predicted


def test_a_network_with_one_label_everywhere_does_not_decide():
    form = "AVCVCBCO"
    without = label_sections(facts_of(form), PRIORS).names
    vague = label_sections(facts_of(form, ("inst",) * len(form), sure=0.3), PRIORS).names
    assert vague == without
    assert without[1:5] == ("verse", "chorus", "verse", "chorus")


def test_certainty_is_one_without_doubt_and_zero_where_all_labels_are_as_likely():
    assert facts_of("VC").certainty == pytest.approx(0)
    assert facts_of("VC", ("verse", "chorus"), sure=1.0).certainty == pytest.approx(1)


def test_sections_of_one_group_have_one_label_if_the_network_is_uncertain():
    names = label_sections(facts_of("AVCVCVCB"), PRIORS).names
    assert len({names[i] for i in (1, 3, 5)}) == 1
    assert len({names[i] for i in (2, 4, 6)}) == 1


def test_sections_without_singing_are_no_verses_if_the_network_is_uncertain():
    form = "AVIVCIVC"
    unknown = label_sections(facts_of(form), PRIORS).names
    sung = label_sections(facts_of(form, sung="VC"), PRIORS).names
    assert {sung[1], sung[3], sung[4], sung[6], sung[7]} <= {"verse", "chorus"}
    assert sung[2] == sung[5] == "inst"
    assert unknown[2] != "inst"


@pytest.mark.parametrize("seed", range(20))
def test_labels_obey_the_rules_for_any_output_of_the_network(seed):
    rng = np.random.default_rng(seed)
    m = int(rng.integers(1, 30))
    facts = SectionFacts(
        bars=rng.integers(2, 17, m),
        groups=rng.integers(0, max(m // 2, 1), m),
        loudness=rng.uniform(0.5, 1.5, m),
        voice=rng.uniform(0, 1, m),
        predicted=rng.dirichlet(np.full(len(NAMES), 0.1), m),
    )
    found = label_sections(facts, PRIORS)
    assert longest_row(found.names, "chorus") <= IN_A_ROW
    after_intro = found.names.index("verse") if "verse" in found.names else m
    assert all(name != "intro" for name in found.names[after_intro:])
    first_outro = found.names.index("outro") if "outro" in found.names else m
    assert set(found.names[first_outro:]) <= {"outro"}
    assert all(0 < confidence <= 1 for confidence in found.confidence)


def test_twelve_choruses_in_a_row_are_not_returned():
    names = label_sections(facts_of("C" * 12, ("chorus",) * 12), PRIORS).names
    assert longest_row(names, "chorus") == IN_A_ROW


def test_instrumental_music_may_stay_instrumental():
    names = label_sections(facts_of("I" * 12, ("inst",) * 12), PRIORS).names
    assert longest_row(names, "inst") >= 10


def test_the_best_sequence_is_found_and_confidence_compares_it_with_others():
    """Against all sequences of four sections, of which two are one group."""
    rng = np.random.default_rng(2)
    facts = SectionFacts(
        bars=np.array([4, 8, 8, 6]),
        groups=np.array([0, 1, 2, 1]),
        loudness=np.array([0.8, 1.0, 1.3, 1.1]),
        voice=np.array([0.1, 0.9, 0.8, 0.5]),
        predicted=rng.dirichlet(np.ones(len(NAMES)), 4),
    )
    each = decoder._score_each(facts, PRIORS)
    scores = {}
    for names in itertools.product(range(len(NAMES)), repeat=4):
        score = PRIORS.first[names[0]] + PRIORS.last[names[-1]]
        score = SUCCESSION * (score + sum(PRIORS.following[p] for p in itertools.pairwise(names)))
        strangers = [
            (names[1] != label) * STRANGER
            + (0 if names[3] == label else QUOTE if names[3] == OUTRO else STRANGER)
            for label in RETURNING
        ]
        inside = any(a != INTRO and b == INTRO for a, b in itertools.pairwise(names))
        early = any(a == OUTRO and b != OUTRO for a, b in itertools.pairwise(names))
        absurd = inside or early or names == (CHORUS,) * 4
        if not absurd:
            own = sum(each[i, name] for i, name in enumerate(names))
            scores[names] = score + own - min(strangers)
    best = max(scores, key=scores.__getitem__)
    found = label_sections(facts, PRIORS)
    assert found.names == tuple(NAMES[name] for name in best)
    rivals = [max(v for k, v in scores.items() if k[1] == name) for name in range(len(NAMES))]
    odds = np.exp((np.array(rivals) - max(rivals)) / CERTAIN)
    assert found.confidence[1] == pytest.approx(odds.max() / odds.sum())


def test_priors_have_the_known_facts_about_songs():
    assert PRIORS.lengths.argmax() + 1 == 8
    assert NAMES[int(PRIORS.first.argmax())] == "intro"
    assert NAMES[int(PRIORS.last.argmax())] == "outro"
    assert NAMES[int(PRIORS.following[NAMES.index("verse")].argmax())] == "chorus"


def test_priors_are_counts_of_annotations(tmp_path):
    """One song: 4 bars intro, 8 verse, 8 chorus, 8 verse."""
    bars = 28
    beats = "".join(f"{beat / 2} {beat % 4 + 1} {beat // 4 + 1}\n" for beat in range(4 * bars))
    segments = "0.0 intro\n8.0 verse\n24.0 chorus\n40.0 verse\n56.0 end\n"
    texts = {
        "h/metadata.csv": "File,Genre\nsong,Pop\n",
        "h/beats_and_downbeats/song.txt": beats,
        "h/segments/song.txt": segments,
    }
    with tarfile.open(tmp_path / "annotations.tar.xz", "w:xz") as archive:
        for name, text in texts.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    counts = count(tmp_path / "annotations.tar.xz")
    assert [counts["lengths"][n - 1] for n in (4, 8)] == [1, 3]
    assert sum(counts["lengths"]) == 4
    assert len(counts["lengths"]) == LONGEST
    assert counts["following"]["<"]["intro"] == 1
    assert counts["following"]["verse"] == {**dict.fromkeys([*NAMES, ">"], 0), "chorus": 1, ">": 1}
    assert counts["times"]["verse"] == [0, 1, 0, 0]
    assert sum(counts["places"]["verse"]) == 2
