"""From options to what a study runs on: a record, and what it grows by.

Three ways: pixels or given features, all read at once; a pretrained model's features made as the sizes grow;
or, with `--all-features`, all of them made first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from sufficient.data.images import LARGEST_OWN_SIDE
from sufficient.data.labelled import PAPER_MODEL, LabelledData, LargeImagesError
from sufficient.data.sources import catalogue, read
from sufficient.errors import DataError, UsageError
from sufficient.extending import extended_by, require_same
from sufficient.features.backbone import backbone
from sufficient.features.checkpoint import NotLoadedError
from sufficient.features.choose import ScaleChoice, choose, remarks
from sufficient.intake_model import ByModel, all_made_first, made_as_sizes_grow
from sufficient.options import RunOptions
from sufficient.progress import Progress
from sufficient.study.found import CannotExtendError
from sufficient.study.record import Record
from sufficient.study.run import at_once, new_record
from sufficient.taken import Intake, described, heads_over, identified, ordered, with_account

if TYPE_CHECKING:
    import torch

Model = Callable[[list[Any]], Any]  # a user's own: RGB images → features (N, d)
MODEL_ONLY = ("pooling", "revision", "all_features")  # options that pixels and given features ignore


def intake(
    options: RunOptions,
    data: Any,
    labels: Any,
    *,
    device: torch.device,
    progress: Progress,
    features: str | Model | None = None,
    earlier: Record | None = None,
) -> Intake:
    """Return what a study of the data runs on. Raises DataError for data or a model that cannot be used.

    `features`: a callable in place of the name in the options, images → (N, d). `earlier`: the record of the
    run that is extended, of which the data has grown; raises CannotExtendError where it has not.
    """
    if options.features == "pixels":
        _refuse(options, MODEL_ONLY, "is for a pretrained model, and --features pixels takes none")
        return _given(options, read_data(options, data, labels, progress), device, earlier)
    if options.features != "auto":
        model = options.features if features is None else features
        return _pretrained(options, data, labels, model, "as asked", device, progress, earlier)
    try:
        return _given(options, read_data(options, data, labels, progress), device, earlier)
    except LargeImagesError as large:
        if earlier is not None and earlier.features["name"].startswith("pixels"):
            raise CannotExtendError(
                f"the run has {earlier.features['name']}, and an image that came has {large.side:,} pixels "
                f"on its longer side, more than {LARGEST_OWN_SIDE}: leave it out, or run anew without "
                "--extend."
            ) from large
        reason = f"the images are larger than {LARGEST_OWN_SIDE} pixels (the largest seen {large.side:,})"
    return _pretrained(options, data, labels, PAPER_MODEL, reason, device, progress, earlier)


def read_data(options: RunOptions, data: Any, labels: Any, progress: Progress) -> LabelledData:
    """Return the labelled objects that the options name, read as pixels need them."""
    return read(
        data,
        labels=labels,
        size=options.source.size,
        largest_side=LARGEST_OWN_SIDE if options.features == "auto" else None,
        progress=progress.data_progress,
        **_reading(options),
    )


def _reading(options: RunOptions) -> dict[str, Any]:
    """Return the options of reading that `read` and `catalogue` share."""
    source = options.source
    return {
        "label_column": source.label_column,
        "image_column": source.image_column,
        "group_column": source.group_column,
        "group_level": source.group_level,
        "drop": source.drop,
        "split": source.split,
        "max_pixels": source.max_pixels,
        "root": None if source.root is None else Path(source.root),
        "download": source.download,
    }


def _given(
    options: RunOptions, labelled: LabelledData, device: torch.device, earlier: Record | None
) -> Intake:
    """Return pixels or given features, all at once."""
    if labelled.kind == "features":
        _refuse(options, MODEL_ONLY, f"is for images, and {labelled.spec} holds features already")
    held = f"is for a pretrained model, and the images of {labelled.spec} are small, so pixels are taken"
    _refuse(options, MODEL_ONLY, held)
    chosen = choose(
        labelled,
        features="pixels" if options.features == "pixels" else "auto",
        size=options.source.size,
        scale=cast(ScaleChoice, options.scale if earlier is None else earlier.features["scale"]),
    )
    if earlier is not None:
        chosen = replace(chosen, reason=earlier.features["reason"])
    audit = labelled.audit
    if earlier is None:
        record = new_record(
            labelled.labels, labelled.classes, options.study, groups=labelled.groups, twins=labelled.twins
        )
        record = identified(record, labelled.identities)
    else:
        record, audit = extended_by(earlier, labelled, options.study)
    notices = (*audit.notices, *remarks(labelled), *record.notices)
    groups = labelled.groups
    if groups is not None and record.objects is not None:
        groups = groups[record.objects]
    record = replace(record, notices=notices)
    record = with_account(record, options, audit, labelled.fingerprint, groups=groups)
    chosen = ordered(chosen, record)
    heads = heads_over(chosen, record, options.study, device)
    record = described(record, chosen, heads, options, device)
    if earlier is not None:
        require_same(earlier, record)
    skipped = audit.skipped  # and not `labelled`, whose values would stay in memory
    return Intake(record, at_once(heads), lambda: skipped)


def _pretrained(
    options: RunOptions,
    data: Any,
    labels: Any,
    model: str | Model,
    reason: str,
    device: torch.device,
    progress: Progress,
    earlier: Record | None,
) -> Intake:
    model_name = model if isinstance(model, str) else options.features
    _refuse(options, ("size",), f"is for pixels, and {model_name} prepares images in its own way ({reason})")
    images = catalogue(data, labels=labels, **_reading(options))
    progress.model_loading(model_name)
    try:
        network = backbone(model, pooling=options.pooling, revision=options.revision, seed=options.study.seed)
    except NotLoadedError as error:
        if options.features != "auto":
            raise
        raise DataError(
            f"{reason}, so {model_name} is needed, and {error.cause}; give --features FOLDER (what "
            "save_pretrained writes) or --features pixels."
        ) from error
    way = all_made_first if options.all_features else made_as_sizes_grow
    return way(ByModel(options, images, network, reason, device, progress, earlier))


def _refuse(options: RunOptions, names: tuple[str, ...], why: str) -> None:
    """Raise UsageError for the first of these options that is given, since it would have no effect."""
    for name in names:
        value = options.source.size if name == "size" else getattr(options, name)
        if value is not None and value is not False:
            given = f"--{name.replace('_', '-')}{'' if value is True else f' {value}'}"
            raise UsageError(f"{given} {why}; leave it out.")
