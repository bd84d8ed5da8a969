"""Tables of costs: sums, ratios, and every number in its column."""

import pytest

from msa_backbone import MSAVGG
from msa_backbone.costs.backbones import BackboneCosts, Costs
from msa_backbone.costs.parts import part_costs
from msa_backbone.costs.tables import costs_table, growth_table, parts_table, totals_table


def test_costs_are_ratios_to_the_first_and_missing_ones_are_dashes():
    measured = {
        "plain": Costs([0.1, 0.1, 0.1], [0.4, 0.4, 0.4], 2**20, 2**21),
        "fused": Costs([0.2, 0.3, 0.4], [], 0, 0),
    }
    plain, fused = costs_table(measured).splitlines()[2:]
    assert plain.startswith("| plain | 1.000 (100.0 ms, 100.0 to 100.0) | 1.000 (400.0 ms,")
    assert plain.endswith("| 1.000 (1 MiB) | 1.000 (2 MiB) |")
    assert fused == "| fused | 3.000 (300.0 ms, 250.0 to 350.0) | - | - | - |"


def test_exponents_of_time_and_memory_have_their_columns():
    costs = [{"plain": Costs([size], [size**2], int(size**3), 0)} for size in (1.0, 2.0, 4.0)]
    row = growth_table([1, 2, 4], costs).splitlines()[-1]
    assert row == "| plain | 1.00 | 2.00 | 3.00 |"


def test_tables_show_sums_and_what_is_added():
    costs = part_costs(MSAVGG(), (2, 3, 64, 96), rounds=2)
    *_, vgg, attention = parts_table(costs).splitlines()
    assert "| all | VGG | 14,714,688 |" in vgg and "| all | attention | 1,529,812 |" in attention
    shares = [float(line.split("|")[-2].split()[0]) for line in (vgg, attention)]
    assert sum(shares) == pytest.approx(100, abs=0.11)
    totals = {
        "plain": BackboneCosts(1_000_000, 10**9, 1, 1),
        "own": BackboneCosts(1_104_000, 2 * 10**9, 1.5, 1.25),
    }
    assert totals_table(totals).splitlines()[-1] == (
        "| own | 1.10 M | +10.4 % | 2.000 | +100.0 % | 1.25 | 1.50 |"
    )
