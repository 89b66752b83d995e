"""Do the schema of results files and their reader agree?"""

import jsonschema
import pytest

from reports import grouping, load
from reports.synthetic import SCHEMA, full


def test_a_synthetic_run_is_valid():
    jsonschema.Draft202012Validator(SCHEMA).validate(full())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda run: run.update(schema=2),
        lambda run: run["rows"][0].pop("sharpness"),
        lambda run: run["rows"][0].update(extra=1),
        lambda run: run["rows"][0].update(verdict="ok"),
        lambda run: run["rows"][0].update(worst_ratio="Infinity"),
        lambda run: run["rows"][0].update(check="speed"),
        lambda run: run["rows"][2]["witness"]["arguments"]["input"]["data"].append(0.5),
        lambda run: run["header"]["deviations"][0].update(severity="bad"),
        lambda run: run["header"].pop("seed"),
        lambda run: run["footer"].pop("complete"),
    ],
)
def test_the_schema_refuses_a_spoilt_run(spoil):
    run = full()
    spoil(run)
    assert not jsonschema.Draft202012Validator(SCHEMA).is_valid(run)


def test_the_reader_orders_every_check_that_the_schema_names():
    assert {None, *grouping.CHECKS} == set(SCHEMA["$defs"]["check"]["enum"])


def test_the_reader_and_the_schema_name_the_same_keys():
    for name, keys in (("row", load._ROW), ("witness", load._WITNESS), ("footer", load._FOOTER)):
        assert set(SCHEMA["$defs"][name]["properties"]) == set(keys)
    assert set(SCHEMA["$defs"]["header"]["properties"]) == set(load._HEADER)
    assert set(SCHEMA["$defs"]["deviation"]["properties"]) == set(load._DEVIATION)
