import pytest

from sufficient.errors import UsageError
from sufficient.paper.plan import PaperOptions, pairs, plan


def names(**options):
    return [sweep.name for sweep in plan(PaperOptions(**options))]


def test_everything_is_figures_2_to_5_in_order():
    assert names() == [
        "mnist-pixels",
        "mnist-pooler",
        "mnist-cls",
        "fashionmnist-pixels",
        "cifar10-pixels",
        "cifar100-pixels",
        *(f"{name}-{mode}" for name in ("fashionmnist", "cifar10", "cifar100") for mode in ("pooler", "cls")),
    ]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"figures": (2,)}, ["mnist-pixels"]),
        ({"figures": (4, 2, 2), "datasets": ("mnist", "cifar10")}, ["mnist-pixels", "cifar10-pixels"]),
        ({"datasets": ("cifar100",)}, ["cifar100-pixels", "cifar100-pooler", "cifar100-cls"]),
        ({"figures": (3,), "features_files": ("mnist=f.npz",)}, ["mnist-features"]),
        ({"figures": (2,), "data": ("mine=folder",)}, ["mnist-pixels", "mine"]),
        ({"datasets": ("mine",), "data": ("mine=folder",)}, ["mine"]),
        ({"figures": (4,), "data": ("CIFAR10=folder",), "datasets": ("Cifar10",)}, ["cifar10-pixels"]),
        ({"figures": (3,), "features_files": ("MNIST=f.npz",)}, ["mnist-features"]),
        ({"datasets": ("own",), "features_files": ("own=f.npz",)}, ["own-features"]),
    ],
)
def test_filters_and_own_data(options, expected):
    assert names(**options) == expected


def test_stand_ins_keep_the_name_and_change_the_spec():
    (sweep,) = plan(PaperOptions(figures=(4,), datasets=("cifar10",), data=("cifar10=a=b",)))
    assert (sweep.name, sweep.spec, sweep.figure) == ("cifar10-pixels", "a=b", 4)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"figures": (1,)}, "--figure 1 shows no sweep; give 2, 3, 4, 5"),
        ({"datasets": ("digits",)}, "--data digits=SPEC"),
        ({"seeds": 0}, "--seeds 0"),
        ({"data": ("mine",)}, "has no value"),
        ({"data": ("mine=",)}, "has no value"),
        ({"data": ("../x=folder",)}, "letters, digits and _ only"),
        ({"data": ("a=x", "A=y")}, "given twice"),
        ({"data": ("own=x",), "features_files": ("own=y",)}, "name the two sweeps differently"),
        ({"figures": (2,), "datasets": ("cifar10",)}, "no figure among 2 shows cifar10"),
        ({"figures": (2,), "data": ("cifar10=x",)}, "--data cifar10=x is used by no sweep"),
        ({"figures": (2,), "features_files": ("mnist=x",)}, "--features-file mnist=x is used by no sweep"),
    ],
)
def test_what_cannot_be_meant(options, words):
    with pytest.raises(UsageError, match=words):
        plan(PaperOptions(**options))


def test_pairs_keep_later_equals_signs():
    assert pairs("--data", ["a=b=c", "d=e"]) == {"a": "b=c", "d": "e"}
