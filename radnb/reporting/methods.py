"""The methods section of a manuscript, sentence by sentence from the facts of the card."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from radnb.evaluation.methods import method
from radnb.learning.splits import ARROW
from radnb.reporting import numbers
from radnb.reporting.figures_patients import exclusion_reasons
from radnb.reporting.formula import formula
from radnb.reporting.story import Story, bare, inline
from radnb.reporting.texts import has
from radnb.reporting.wording import choice_words, metric_label, one_choice

TELLING = {"SimpleITK": "SimpleITK", "lifelines": "lifelines", "numpy": "NumPy", "pandas": "pandas",
           "scikit-learn": "scikit-learn", "scipy": "SciPy"}  # packages that a manuscript names, PyRadiomics above


def paragraphs(story: Story) -> list[str]:
    """Return the paragraphs: patients, images, features, models, validation, statistics, software."""
    made = (_patients(story), _images(story), _models(story), _design(story), _statistics(story),
            _text(story, *_how(story)), _software(story))
    return [paragraph for paragraph in made if paragraph]


def _text(story: Story, *parts: str) -> str:
    return ("" if story.language == "zh" else " ").join(part for part in parts if part)


def _patients(story: Story) -> str:
    n, events, reasons = len(story.cohort.table), story.events, exclusion_reasons(story)
    left = int(reasons["n"].sum())
    listed = story.joined([story.text("reason_count", reason=inline(r.reason), n=r.n) for r in reasons.itertuples()])
    centres = story.cohort.table["centre"].nunique() if "centre" in story.cohort.table else 1
    where = story.text("methods.centres", n=centres) if centres > 1 else story.text("methods.one_centre")
    source = story.say(story.facts.get("source")) or story.text("first.no_source")
    return _text(story, story.text("methods.patients", n=n, source=source, centres=where, events=events,
                                   had=story.text("methods.had", event=inline(story.event))),
                 story.text("methods.excluded", n=left, reasons=listed) if left else "",
                 story.text("methods.synthetic") if story.facts.get("synthetic") else "",
                 _survival(story) if story.survival else "")


def _survival(story: Story) -> str:
    facts = story.facts
    return story.text("methods.survival", time_zero=story.say(facts.get("time_zero")) or story.text("not_stated"),
                      endpoint=story.say(facts.get("endpoint")) or story.event,
                      closing=story.say(facts.get("closing_date")) or story.text("not_stated"))


def _images(story: Story) -> str:
    images, extraction = story.facts.get("images") or {}, story.facts.get("extraction") or {}
    if not any(map(_of_images, itertools.chain(*(story.facts.get("model_sets") or {"": ["radiomics"]}).values()))):
        return ""
    if isinstance(extraction, str):
        extraction = {"preset": extraction}
    phases = story.joined([story.known("phase", p) for p in images.get("phases", ())]) or story.text("not_stated")
    radiomics = len(story.cohort.blocks.get("radiomics", ()))
    rois = story.joined([story.known("roi", roi) for roi in _several(images.get("roi", "tumour"))])
    kind = "modalities" if extraction.get("by_phase") else "images"
    return _text(story, story.text(f"methods.{kind}", phases=phases, roi=rois, reader=images.get("reader", "R1")),
                 *_timepoints(story, images), _engine(story, extraction, radiomics),
                 *_all_settings(story, extraction))


def _of_images(block: str) -> bool:
    return block.split(":")[0] in ("radiomics", "delta")


def _several(value: Any) -> list[Any]:
    return [value] if isinstance(value, str) else list(value)


def _timepoints(story: Story, images: Mapping[str, Any]) -> list[str]:
    """Say which time points were compared and what was made of relative changes from nothing."""
    names = [story.known("timepoint", name) for name in _several(images.get("timepoint", "baseline"))]
    if len(names) < 2:
        return []
    empty = sum((story.facts.get("changes_from_nothing") or {}).values())
    changes = [story.text("methods.changes", first=names[0])] if images.get("delta") else []
    return [story.text("methods.timepoints", names=story.joined(names)), *changes,
            story.text("methods.changes_empty", n=empty) if empty else ""]


def _all_settings(story: Story, extraction: Mapping[str, Any]) -> list[str]:
    """Tell the settings, phase by phase where each has its own."""
    parts = extraction.get("by_phase") or {}
    if not parts:
        return [_settings(story, extraction.get("settings") or {})]
    return [_text(story, story.text("methods.of_phase", phase=story.known("phase", phase), preset=own["preset"]),
                  _settings(story, own["settings"])) for phase, own in parts.items()]


def _engine(story: Story, extraction: Mapping[str, Any], features: int) -> str:
    """Say what computed the features; radnb's engine with the definitions it follows and how well it agreed."""
    words = {"n": features, "preset": extraction.get("preset", "–"), "version": extraction.get("pyradiomics", "3.0.1")}
    if extraction.get("engine", "pyradiomics") == "pyradiomics":
        return story.text("methods.features", **words)
    checked, handed = extraction.get("verification") or {}, extraction.get("handed_over") or []
    version = words["version"]
    return _text(story, story.text("methods.features_radnb", radnb=story.facts.get("version", "–"), **words),
                 story.text("methods.handed_over", what=story.joined(handed), version=version) if handed else "",
                 story.text("methods.verified", n=checked["regions"], largest=f"{checked['largest']:.1g}",
                            version=version) if checked.get("regions") else "")


def _settings(story: Story, settings: Mapping[str, Any]) -> str:
    inner = settings.get("setting", settings)
    parts = [story.text(f"setting.{key}", value=_shown(story, inner[key])) for key in
             ("resampledPixelSpacing", "interpolator", "binWidth", "binCount", "normalize", "resegmentRange")
             if inner.get(key) not in (None, False, [])]
    filters = settings.get("imageType")
    if filters:
        parts.append(story.text("setting.imageType", value=story.joined([story.known("filter", f) for f in filters])))
        own = {name: given or {} for name, given in (filters.items() if isinstance(filters, Mapping) else ())}
        if sigma := own.get("LoG", {}).get("sigma"):
            parts.append(story.text("setting.sigma", value=story.joined([f"{value:g}" for value in sigma])))
        parts += [story.text("setting.filtered_bin", filter=story.known("filter", name), value=given["binWidth"])
                  for name, given in own.items() if "binWidth" in given]
    return story.text("methods.settings", settings=story.text("separator").join(parts)) if parts else ""


def _shown(story: Story, value: Any) -> str:
    if isinstance(value, list | tuple):
        return " × ".join(f"{v:g}" for v in value)
    return story.known("interpolator", value) if isinstance(value, str) else str(value)


def _models(story: Story) -> str:
    facts = story.facts
    sets = story.text("separator").join(inline(story.model(m)) for m in story.models)
    chosen = facts.get("selector") or {}
    steps = [chosen] if isinstance(chosen, Mapping) else list(chosen)
    selectors = [one_choice(story, "selector", step) for step in steps if step and "none" not in step]
    prepare = {"impute": "median", "near_constant": 0.95, "correlation": 0.9, "scale": "standard",
               **(facts.get("prepare") or {})}
    prepare |= {"near_constant": _as_percent(prepare["near_constant"])}
    prepared = [_prepared(story, key, value) for key, value in prepare.items()
                if value is not None and has(f"prepare.{key}")]
    return _text(story, story.text("methods.models", sets=sets, predictors=story.predictors,
                                   model=choice_words(story, "model", family="learner")),
                 _blocks(story), *_fusions(story),
                 story.text("methods.prepare", steps=story.text("comma").join(prepared)),
                 story.text("methods.imputed"), _harmonised(story),
                 story.text("methods.selector", selectors=story.joined(selectors)) if selectors else "",
                 _grid(story), _imbalance(story), story.text("methods.recalibrated") if _recalibrates(story) else "",
                 story.text("methods.inside"), "" if formula(story).left_out else story.text("methods.formula"))


def _prepared(story: Story, key: str, value: Any) -> str:
    """Tell one step of the preparation; what is refused or not done has words of its own."""
    own = f"prepare.{key}.{value}"
    return story.text(own) if has(own) else story.known("prepare", key, value=story.known("way", value))


def _harmonised(story: Story) -> str:
    (name, given), = (story.facts.get("harmonise") or {"none": {}}).items()
    if name == "none":
        return ""
    options = {"batch": "centre", "unseen": "unharmonised", "covariates": [], **(given or {})}
    kept = story.joined([bare(story.label(column)) for column in options["covariates"]])
    told = {key: value for key, value in (given or {}).items() if key not in ("batch", "unseen", "covariates")}
    return story.text("methods.harmonised", batch=bare(story.label(options["batch"])),
                      way=one_choice(story, "harmonise", {name: told}),
                      unseen=story.text(f"unseen.{options['unseen']}"),
                      covariates=story.text("methods.covariates", names=kept) if kept else "")


def _grid(story: Story) -> str:
    """Tell what was compared and chosen inside: a whole grid, or options that nesting tunes."""
    given = story.facts.get("grid") or {}
    if not given:
        return story.text("methods.tuned") if "nested" in (story.facts.get("design") or {}) else ""
    chains = [chain if isinstance(chain, list) else [chain] for chain in given.get("selectors") or []]
    chains = chains or [list(_several(story.facts.get("selector") or []))]
    selectors = [" + ".join(one_choice(story, "selector", step) for step in chain) for chain in chains]
    models = [one_choice(story, "learner", model) for model in given.get("models") or [story.facts.get("model")]]
    numbers_said = story.joined([str(number) for number in given.get("features") or ()])
    return story.text("methods.grid", selectors=story.joined(selectors), models=story.joined(models),
                      features=story.text("methods.grid_features", numbers=numbers_said) if numbers_said else "")


def _imbalance(story: Story) -> str:
    (name, _), = (story.facts.get("imbalance") or {"none": {}}).items()
    if name != "none":
        return story.text("methods.imbalance", way=one_choice(story, "imbalance", {name: {}}))
    balanced = any((given or {}).get("balanced") for given in (story.facts.get("model") or {}).values())
    return story.text("methods.balanced") if balanced else ""


def _recalibrates(story: Story) -> bool:
    """Say whether some final model needed recalibration that no other sentence tells of."""
    return not _imbalance(story) and any(made.get("recalibration") for made in story.final.values())


def _blocks(story: Story) -> str:
    """Tell the blocks that are neither clinical nor made from the images."""
    used = set(itertools.chain(*(story.facts.get("model_sets") or {}).values()))
    told = [_block(story, name, given.get("columns") or []) for name, given in (story.facts.get("blocks") or {}).items()
            if name in used]
    return story.text("methods.blocks", blocks=story.text("separator").join(told)) if told else ""


def _block(story: Story, name: str, columns: Sequence[str]) -> str:
    if not columns:
        return story.text("methods.block_table", name=story.known("block", name), n=len(story.cohort.blocks[name]))
    labels = story.joined([bare(story.label(column)) for column in columns])
    return story.text("methods.block_columns", name=story.known("block", name), columns=labels)


def _fusions(story: Story) -> list[str]:
    """Tell the models that combine scores of blocks."""
    found = []
    for model, choice in (story.facts.get("fusions") or {}).items():
        given = choice.get("late") or {}
        parts = [[part] if isinstance(part, str) else part for part in given.get("scores", ())]
        scores = story.joined([" + ".join(story.known("block", block) for block in part) for part in parts])
        code = "late_mean" if given.get("by") == "mean" else "late"
        found.append(story.text(f"methods.{code}", name=inline(story.model(model)), scores=scores))
    return found


def _as_percent(share: object) -> str | None:
    return None if share is None else numbers.percent(float(str(share)))


def _design(story: Story) -> str:
    return _text(story, choice_words(story, "design"), story.text("methods.patient_unit"),
                 story.text("methods.directions") if ARROW in story.set else "",
                 "" if story.survival else story.text("methods.threshold", threshold=choice_words(story, "threshold")),
                 story.text("methods.cutoff", threshold=choice_words(story, "threshold")) if story.survival else "")


def _statistics(story: Story) -> str:
    declared, comparator = story.facts.get("decision") or {}, story.comparator
    decision = "" if story.survival or not declared else story.text(
        "methods.decision", low=numbers.percent(declared.get("low")), high=numbers.percent(declared.get("high")),
        reason=inline(story.say(declared.get("reason")).rstrip(".。 ")))
    compared = story.text("methods.primary", primary=story.model(story.primary), comparator=story.model(comparator),
                          metric=story.text(f"metric.{story.headline}")) if comparator else ""
    ordered = story.cohort.outcome.ordered and len(story.of(story.evaluation.classes))
    return _text(story, compared, decision, story.text("methods.grades") if ordered else "", _subgroups(story))


def _subgroups(story: Story) -> str:
    found = story.evaluation.subgroups
    names = [bare(story.label(name)) for name in pd.unique(found["column"])] if len(found) else []
    return story.text("methods.subgroups", names=story.joined(names)) if names else ""


def _how(story: Story) -> list[str]:
    """Say how the headline, the difference, what hangs on the threshold, calibration and each p came about."""
    mark = "" if story.survival or story.cohort.outcome.binary else f"[{story.target}]"
    names = [story.headline, f"sensitivity{mark}", f"calibration_slope{mark}", "permutation_p", "logrank_p",
             f"survival_{story.months}m[high]"]
    rows = [story.metric(story.primary, name) for name in names]
    added = story.metric(f"{story.primary} - {story.comparator}", "permutation_p")
    rows[1:1] = [story.difference(), added and {**added, "metric": "added"}]
    said = [_said(story, row, rows[0]) for row in rows if row is not None]
    kind = "cv" if any(str(row["method"]).startswith("cv") for row in rows if row is not None) else "frozen"
    curves = ("kaplan_meier",) if story.survival else ("roc", "calibration", "decision")
    return said + [way(story, f"{curve}_{kind}") for curve in curves] + [way(story, code) for code in _beside(story)]


def _beside(story: Story) -> list[str]:
    """Return what there is to say of controls, stability, the learning curve and the leak certificate."""
    found = story.evaluation.controls
    ran = set(found.loc[found["value"].notna(), "control"]) if len(found) else set()
    return [code for code, there in (("controls", ran & {"permuted_labels", "random_features", "volume_only"}),
                                     ("control_stability", "stability" in ran),
                                     ("learning_curve", len(story.evaluation.learning) > 0),
                                     ("certificate", bool(story.certificate))) if there]


def _said(story: Story, row: Mapping[str, Any], headline: Mapping[str, Any] | None) -> str:
    code, first = str(row["method"]), str((headline or {}).get("method", ""))
    if row is not headline and code.endswith("_plain") and code.split("_")[:2] == first.split("_")[:2]:
        return story.text("methods.same_way")
    return story.text("methods.way", what=_what(story, str(row["metric"])), way=inline(way(story, code)))


def _what(story: Story, metric: str) -> str:
    bare = metric.split("[")[0].split("_")[0]
    return story.text(f"methods.what.{bare}") if has(f"methods.what.{bare}") else metric_label(story, metric)


def way(story: Story, code: str) -> str:
    """Return the sentence of a method code in the report's language."""
    known = method(code)
    return story.say({"en": known.en, "zh": known.zh}).replace(" x ", " × ")


def _software(story: Story) -> str:
    given = story.facts.get("versions") or {}
    python, names = given.get("python", "–"), [name for name in TELLING if name in given]
    others = story.joined([f"{TELLING[name]} {given[name]}" for name in names])
    return story.text("methods.software", version=story.facts.get("version", "–"), python=python,
                      others=others or "PyRadiomics 3.0.1", seed=story.facts.get("seed", "–"))
