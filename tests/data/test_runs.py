"""Runs made elsewhere: every layout that is read, and what is refused, with the option that decides."""

from __future__ import annotations

import json

import pytest

from sufficient.data.runs import read_runs
from sufficient.data.table_files import open_table
from sufficient.errors import DataError, UsageError


def read(tmp_path, text, wanted="accuracy", *, suffix=".csv", **options):
    path = tmp_path / f"runs{suffix}"
    path.write_text(text, encoding="utf-8")
    return read_runs(open_table(path, spec="runs"), wanted, spec="runs", **options)


def plain(runs):
    return {int(n): v.tolist() for n, v in zip(runs.sizes, runs.values, strict=True)}


LONG = "seed,n_train,val_accuracy,val_loss\n0,200,0.8,0.5\n1,100,0.7,0.9\n0,100,0.6,0.8\n1,200,0.9,0.4\n"


def test_long_tables_are_grouped_by_size(tmp_path):
    runs = read(tmp_path, LONG)
    assert plain(runs) == {100: [0.6, 0.7], 200: [0.8, 0.9]}
    assert (runs.kind, runs.columns, runs.notices) == ("accuracy", ("val_accuracy",), ())
    assert plain(read(tmp_path, LONG, "loss")) == {100: [0.8, 0.9], 200: [0.5, 0.4]}


@pytest.mark.parametrize(
    "sizes",
    [
        "n",
        "train_size",
        "train_sizes",
        "train_sizes_abs",
        "samples",
        "Train Samples",
        "config.n_train",
        "# images",
        "#Train_Images",
        "Training Set Size",
        "nSamples",
    ],
)
@pytest.mark.parametrize(
    "metric",
    [
        "accuracy",
        "acc",
        "val_acc",
        "test_score",
        "Val/Accuracy",
        "mean_test_accuracy",
        "Top-1 (%)",
        "TestAccuracy",
        "test_scores_mean",
    ],
)
def test_usual_names_are_known(tmp_path, sizes, metric):
    assert plain(read(tmp_path, f"{sizes},{metric}\n100,0.5\n")) == {100: [0.5]}


def test_learning_curve_of_scikit_learn(tmp_path):
    runs = read(
        tmp_path,
        ",train_sizes,train_scores_0,train_scores_1,test_scores_0,test_scores_1,fit_time\n"
        "0,100,1.0,0.99,0.5,0.6,0.1\n1,200,0.98,0.97,0.7,,0.2\n",
    )
    assert plain(runs) == {100: [0.5, 0.6], 200: [0.7]}
    assert runs.columns == ("test_scores_0", "test_scores_1")


def test_splits_of_a_grid_search(tmp_path):
    runs = read(tmp_path, "n_samples,split0_test_score,split1_test_score\n50,0.5,0.6\n")
    assert plain(runs) == {50: [0.5, 0.6]}


def test_sufficiency_output_of_dataeval(tmp_path):
    assert plain(read(tmp_path, "steps,Accuracy\n100,0.5\n200,0.6\n")) == {100: [0.5], 200: [0.6]}


def test_step_is_a_size_where_nothing_else_is_of_training(tmp_path):
    runs = read(tmp_path, "step,Accuracy\n100,0.5\n200,0.6\n")
    assert plain(runs) == {100: [0.5], 200: [0.6]}
    assert [notice.code for notice in runs.notices] == ["STEP-READ"]
    assert read(tmp_path, "step,acc\n1,0.5\n", n="step").notices == ()
    for log in ("_step,acc", "step,train_loss,acc", "step,loss,acc", "step,epoch,acc", "step,r - acc"):
        with pytest.raises(UsageError, match="--n COLUMN"):
            read(tmp_path, f"{log}\n{','.join('1' for _ in log.split(','))}\n")
    assert plain(read(tmp_path, "n,step,acc\n10,1,0.5\n10,2,0.6\n")) == {10: [0.6]}


def test_tables_of_spreadsheets_in_europe(tmp_path):
    def opened(text, suffix=".csv"):
        path = tmp_path / f"sheet{suffix}"
        path.write_text(text, encoding="utf-8-sig")
        return read_runs(open_table(path, spec="runs", any_delimiter=True), "accuracy", spec="runs")

    assert plain(opened("# images;Top-1 (%)\n100;79,5\n100;80,5\n200;84\n")) == {
        100: [0.795, 0.805], 200: [0.84]
    }  # fmt: skip
    assert plain(opened("n;acc\n100;0.5\n")) == {100: [0.5]}
    assert plain(opened("n\tacc\n100\t0,5\n")) == {100: [0.5]}
    assert plain(opened("n\tacc\n1.000,0\t0,5\n", ".tsv")) == {1000: [0.5]}
    with pytest.raises(DataError, match="'0,5' in row 0"):
        opened('n,acc\n100,"0,5"\n')


def test_exports_of_wandb(tmp_path):
    """A table of runs keeps configuration columns and loses steps; a chart has a column for each run."""
    table = (
        "Name,_step,config.train_size,val_accuracy,accuracy\n"
        "brave-sun-1,900,100,0.5,0.9\nold-sea-2,800,100,0.6,0.9\n"
    )
    assert plain(read(tmp_path, table)) == {100: [0.5, 0.6]}
    chart = (
        "train_size,run-1 - val_accuracy,run-1 - val_accuracy__MIN,run-1 - val_accuracy__MAX,"
        "run-2 - val_accuracy\n100,0.5,0.1,0.9,\n200,0.6,0.1,0.9,0.7\n"
    )
    assert plain(read(tmp_path, chart)) == {100: [0.5], 200: [0.6, 0.7]}
    with pytest.raises(UsageError, match="--n COLUMN"):
        read(tmp_path, "Step,run-1 - val_accuracy\n1,0.5\n")


@pytest.mark.parametrize(
    ("text", "paired"),
    [
        ("n,seed,acc\n1,0,0.5\n1,1,0.6\n2,1,0.7\n2,0,0.8\n", True),
        ("n,test_score_0,test_score_1\n1,0.5,0.6\n2,0.7,0.8\n", True),
        ("n,test_score_0,test_score_1\n1,0.5,0.6\n2,0.7,\n", False),
        ("n,name,acc\n1,a,0.5\n1,b,0.6\n2,c,0.7\n2,d,0.8\n", False),
        ("n,acc\n1,0.5\n1,0.6\n2,0.7\n2,0.8\n", False),
    ],
)
def test_replicates_that_every_size_has_are_paired(tmp_path, text, paired):
    assert read(tmp_path, text).paired is paired


def test_paired_replicates_stand_in_one_order(tmp_path):
    runs = read(tmp_path, "n,seed,acc\n1,0,0.5\n1,1,0.6\n2,1,0.7\n2,0,0.8\n")
    assert plain(runs) == {1: [0.5, 0.6], 2: [0.8, 0.7]}


def test_only_the_last_epoch_of_a_run_counts(tmp_path):
    history = (
        "n,seed,epoch,val_loss,loss\n100,0,1,0.9,0.1\n100,0,3,0.7,0.1\n100,0,2,0.8,0.1\n100,1,1,0.6,0.1\n"
    )
    assert plain(read(tmp_path, history, "loss")) == {100: [0.7, 0.6]}


def test_the_metric_of_unseen_objects_goes_before_a_bare_name(tmp_path):
    runs = read(tmp_path, "n,accuracy,val_accuracy,train_accuracy\n10,0.99,0.5,1.0\n")
    assert runs.columns == ("val_accuracy",)
    bare = read(tmp_path, "n,accuracy,train_accuracy\n10,0.5,1.0\n")
    assert bare.columns == ("accuracy",)


def test_error_answers_for_accuracy_and_back(tmp_path):
    assert read(tmp_path, "n,error\n10,0.2\n").kind == "error"
    assert read(tmp_path, "n,acc\n10,0.2\n", "error").kind == "accuracy"
    assert read(tmp_path, "n,acc,err\n10,0.8,0.2\n", "error").columns == ("err",)


@pytest.mark.parametrize(
    ("text", "named", "option"),
    [
        ("n,samples,acc\n1,1,0.5\n", "n and samples", "--n"),
        ("n,val_accuracy,test_accuracy\n1,0.5,0.6\n", "val_accuracy and test_accuracy", "--metric"),
        ("n,acc,accuracy\n1,0.5,0.6\n", "acc and accuracy", "--metric"),
        ("n,f1\n1,0.5\n", "n, f1", "--metric"),
        ("rows,acc\n1,0.5\n", "rows, acc", "--n"),
        ("n,acc_1,acc_5\n1,0.5,0.6\n", "n, acc_1, acc_5", "--metric"),
        ("n,seed,acc\n10,0,0.5\n10,0,0.6\n", r"rows 0 and 1 \(n 10, seed 0\)", "--replicate"),
        ("n,train_accuracy\n1,0.5\n", "n, train_accuracy", "--metric"),
    ],
)
def test_what_fits_no_rule_or_two_is_asked_back(tmp_path, text, named, option):
    with pytest.raises(UsageError, match=f"{named}.*{option}"):
        read(tmp_path, text)


def test_named_columns_decide(tmp_path):
    two = "n,samples,val_accuracy,test_accuracy,f1,arm\n1,7,0.5,0.6,0.4,a\n1,7,0.55,0.65,0.45,b\n"
    assert plain(read(tmp_path, two, n="samples", metric="test_accuracy")) == {7: [0.6, 0.65]}
    assert plain(read(tmp_path, two, n="n", metric="f1", replicate="arm")) == {1: [0.4, 0.45]}
    folds = "n,test_score_0,test_score_1,val_acc\n5,0.1,0.2,0.3\n"
    assert plain(read(tmp_path, folds, metric="test_score")) == {5: [0.1, 0.2]}
    assert plain(read(tmp_path, folds, metric="test_score_1")) == {5: [0.2]}
    for option, flag in (("n", "--n"), ("metric", "--metric"), ("replicate", "--replicate")):
        with pytest.raises(DataError, match=rf"no column nowhere \({flag}\)"):
            read(tmp_path, "n,acc\n1,0.5\n", **{option: "nowhere"})
    with pytest.raises(UsageError, match="holds a loss"):
        read(tmp_path, LONG, metric="val_loss")
    with pytest.raises(UsageError, match="holds the sizes"):
        read(tmp_path, "n,acc\n1,0.5\n", metric="n")


def test_percent_is_divided_and_said(tmp_path):
    runs = read(tmp_path, "n,acc\n10,0.9\n20,51.5\n")
    assert plain(runs) == {10: [pytest.approx(0.009)], 20: [0.515]}
    assert [notice.code for notice in runs.notices] == ["PERCENT-READ"]
    assert plain(read(tmp_path, "n,acc\n10,50%\n20,60%\n")) == {10: [0.5], 20: [0.6]}
    assert read(tmp_path, "n,loss\n10,2.5\n", "loss").notices == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("n,acc\n10,-0.5\n", "never negative"),
        ("n,acc\n10,300\n", "more than any accuracy"),
        ("n,acc\n0.1,0.5\n", "no number of objects"),
        ("n,acc\n10,high\n", "'high' in row 0 of column acc"),
        ("n,acc\n10,\n", "holds no number"),
        ("n,acc\n", "no rows"),
    ],
)
def test_cells_that_cannot_be_meant(tmp_path, text, said):
    with pytest.raises(DataError, match=said):
        read(tmp_path, text)


def test_rows_without_a_size_are_no_runs(tmp_path):
    assert plain(read(tmp_path, "n,acc\n10,0.5\n,0.9\n20,0.6\n")) == {10: [0.5], 20: [0.6]}


def test_json_lines_and_exact_numbers(tmp_path):
    rows = [{"n": 16_777_217, "acc": 0.9057}, {"n": 100, "acc": None}]
    runs = read(tmp_path, "\n".join(map(json.dumps, rows)), suffix=".jsonl")
    assert plain(runs) == {16_777_217: [0.9057]}
