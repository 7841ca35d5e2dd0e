"""Task files, read back by the isoxml library, which wrote none of them."""

import struct

import numpy as np
import pytest
from isoxml.util.isoxml_io import isoxml_from_path
from shapely.geometry import Point, box

from core.errors import DataError
from core.types import Disposition
from domains.crops.exports.isoxml_task import encode_grid, write_task
from domains.crops.exports.prescription import prescribe
from domains.crops.exports.rate_grid import rasterize
from tests.domains.crops.exports.fields import a_survey, a_table

ACT, OK, LOOK = Disposition.POSITIVE, Disposition.NEGATIVE, Disposition.DEFER


def unpacked(files, folder):
    for name, content in files.items():
        target = folder / name
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(content)
    return folder / "TASKDATA"


def a_task(field, table, folder, version=4):
    prescription = prescribe(field, table)
    grid = rasterize(prescription)
    files = write_task(prescription, grid, version)
    assert set(files) == {"TASKDATA/TASKDATA.XML", "TASKDATA/GRD00001.BIN"}
    task, _ = isoxml_from_path(unpacked(files, folder), read_bin_files=False)
    return task, files["TASKDATA/GRD00001.BIN"], prescription


def cells(task, binary):
    """Read the grid as its standard says, by what the XML alone says."""
    [grid] = task.tasks[0].grids
    south, west = float(grid.minimum_north_position), float(grid.minimum_east_position)
    high, wide = float(grid.cell_north_size), float(grid.cell_east_size)
    numbers = struct.unpack(f"<{len(binary) // 4}i", binary)
    for place, number in enumerate(numbers):
        row, column = divmod(place, grid.maximum_column)
        left, low = west + column * wide, south + row * high
        yield box(left, low, left + wide, low + high), number


def test_the_southern_row_comes_first_and_a_kilogram_a_hectare_is_a_hundred_steps():
    rates = np.array([[10.0, 20.0, 30.0], [40.0, 50.0, 60.0]])
    encoded = encode_grid(rates, a_table())
    assert len(encoded) == 24
    assert struct.unpack("<6i", encoded) == (1000, 2000, 3000, 4000, 5000, 6000)


@pytest.mark.parametrize("version", [3, 4])
def test_the_cell_in_the_north_east_has_the_rate_of_the_tile_in_the_north_east(tmp_path, version):
    field = a_survey([[OK, OK, ACT], [LOOK, OK, OK]])
    task, binary, _ = a_task(field, a_table(), tmp_path, version)
    assert task.version_major.value == str(version)
    # North east of the field, north west, south west.
    corners = {Point(11.00149, 47.99999): 6000, Point(11.00001, 47.99999): 2000}
    corners[Point(11.00001, 47.99901)] = 4000
    for corner, steps in corners.items():
        assert [number for cell, number in cells(task, binary) if cell.contains(corner)] == [steps]


def test_default_outside_and_lost_rates_are_named_and_each_is_its_own(tmp_path):
    table = a_table(default=40.0, outside=0.0, position_lost=10.0)
    task, _, _ = a_task(a_survey([[OK, ACT]]), table, tmp_path)
    [one] = task.tasks
    by_code = {
        zone.code: [
            (bytes(each.process_data_ddi), each.process_data_value)
            for each in zone.process_data_variables
        ]
        for zone in one.treatment_zones
    }
    assert by_code[one.default_treatment_zone_code] == [(b"\x00\x06", 4000)]
    assert by_code[one.out_of_field_treatment_zone_code] == [(b"\x00\x06", 0)]
    assert by_code[one.position_lost_treatment_zone_code] == [(b"\x00\x06", 1000)]
    assert one.grids[0].treatment_zone_code in by_code
    assert one.grids[0].filelength == 8


def test_the_field_keeps_its_boundary_and_its_area(tmp_path):
    task, _, prescription = a_task(a_survey([[OK, ACT]]), a_table(), tmp_path)
    [field] = task.partfields
    assert field.area == round(sum(one.tile.area_m2 for one in prescription.tiles))
    points = field.polygons[0].line_strings[0].points
    assert (points[0].north, points[0].east) == (points[-1].north, points[-1].east)
    assert {float(point.east) for point in points} == {11.0, 11.001}


def test_a_gap_in_the_field_is_spread_as_outside(tmp_path):
    off = {(0, 1): {"valid": 0.0}}
    task, binary, _ = a_task(
        a_survey([[ACT, None, ACT]], changed=off), a_table(outside=3.0, minimum=1.0), tmp_path
    )
    assert [number for _, number in cells(task, binary)] == [6000, 300, 6000]


def test_what_the_cells_spread_is_the_total_of_the_prescription():
    rng = np.random.default_rng(3)
    answers = [[[ACT, OK, LOOK][pick] for pick in row] for row in rng.integers(0, 3, (7, 9))]
    field = a_survey(answers)
    prescription = prescribe(field, a_table())
    grid = rasterize(prescription)
    spread = (grid.rates * grid.is_inside * grid.areas_m2()[:, None]).sum() / 10_000
    assert spread == pytest.approx(prescription.total, rel=1e-3)


def test_a_field_that_lies_askew_is_cut_finer_until_the_total_is_right():
    from dataclasses import replace

    from shapely.affinity import rotate
    from shapely.geometry import Polygon

    field = a_survey([[ACT, OK, OK, LOOK]] * 5)
    turned = [
        replace(
            tile,
            ring=tuple(
                rotate(Polygon(tile.ring), 20, origin=(11.001, 47.999)).exterior.coords[:-1]
            ),
        )
        for tile in field.tiles
    ]
    prescription = prescribe(replace(field, tiles=tuple(turned)), a_table())
    grid = rasterize(prescription)
    assert grid.rates.size > 4 * len(turned)
    spread = (grid.rates * grid.is_inside * grid.areas_m2()[:, None]).sum() / 10_000
    assert spread == pytest.approx(prescription.total, rel=1e-3)


def test_a_field_across_the_antimeridian_is_no_grid():
    prescription = prescribe(a_survey([[OK, OK, OK]], west=179.99925), a_table())
    with pytest.raises(DataError, match="antimeridian"):
        rasterize(prescription)


def test_texts_are_as_terminals_take_them(tmp_path):
    from dataclasses import replace

    field = replace(a_survey([[ACT]]), name="a\x00b\n<&\"'" + "x" * 40)
    task, _, _ = a_task(field, a_table(product="Ü" * 40), tmp_path)
    assert task.tasks[0].designator == "ab<&\"'" + "x" * 26
    assert task.products[0].designator == "Ü" * 32
