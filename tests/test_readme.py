"""The README's code does what it says."""

import re
from pathlib import Path

import pytest
import torch
from test_house import FLOORS, MOST_FILES, MOST_LINES

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
HOUSE = (ROOT / "msa_backbone/README.md").read_text(encoding="utf-8")
MODULE = (ROOT / "msa_backbone/layers/README.md").read_text(encoding="utf-8")
CHINESE = (ROOT / "README_zh-CN.md").read_text(encoding="utf-8")
PAGES = [
    ROOT / "README.md",
    ROOT / "README_zh-CN.md",
    *(ROOT / "configs").rglob("README.md"),
    ROOT / "tools/README.md",
    ROOT / "msa_backbone/README.md",
    ROOT / "msa_backbone/layers/README.md",
]
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def block(word: str) -> str:
    """The one Python block that mentions `word`."""
    (found,) = [code for code in BLOCKS if word in code]
    return found


def test_torchvision_detector_trains_without_openmmlab():
    names = {}
    exec(block("FasterRCNN"), names)
    detector = names["detector"].train()
    target = {"boxes": torch.tensor([[8.0, 8, 60, 50]]), "labels": torch.tensor([3])}
    detector.transform.min_size, detector.transform.max_size = (96,), 128
    losses = detector([torch.rand(3, 96, 128)], [target])
    total = sum(losses.values())
    total.backward()
    assert len(losses) == 4 and total.isfinite()
    attention = detector.backbone.body.attentions["9"].fusion_conv.weight
    assert attention.grad.any()


def test_config_for_mmdet_builds(tmp_path):
    pytest.importorskip("mmdet")
    from mmengine.config import Config
    from mmengine.registry import MODELS, init_default_scope

    path = tmp_path / "readme.py"
    path.write_text(block("mmdet::"))
    cfg = Config.fromfile(path)
    init_default_scope(cfg.default_scope)
    model = MODELS.build(cfg.model)
    assert list(model.backbone.out_strides) == [4, 8, 16, 32]
    key = "backbone.attentions."
    assert cfg.optim_wrapper.paramwise_cfg.custom_keys[key].lr_mult == 0.1
    assert any(name.startswith(key) for name, _ in model.named_parameters())


def test_config_for_mmseg_builds(tmp_path):
    pytest.importorskip("mmseg")
    from mmengine.config import Config
    from mmengine.registry import MODELS, init_default_scope

    from msa_backbone.config.options import drop_pretrained

    path = tmp_path / "readme.py"
    path.write_text(block("UNetHead"))
    cfg = Config.fromfile(path)
    init_default_scope("mmseg")
    drop_pretrained(cfg)
    model = MODELS.build(cfg.model).eval()
    assert type(model.decode_head).__name__ == "UNetHead"
    image = torch.zeros(3, 33, 47, dtype=torch.uint8)
    with torch.no_grad():
        (result,) = model.test_step({"inputs": [image], "data_samples": None})
    assert result.seg_logits.data.shape == (21, 33, 47)


def test_the_front_page_is_read_to_the_end():
    assert len(README.splitlines()) <= 200


def test_the_chinese_page_says_the_same():
    """Headings, commands, code, links and the figures of tables, in one order."""

    def code(text: str) -> list[str]:
        """Without comments, which are translated."""
        lines = "".join(re.findall(r"```(.*?)```", text, re.DOTALL)).splitlines()
        return [line.partition("# ")[0].rstrip() for line in lines]

    def rows(text: str) -> list[list[str]]:
        """The figures of each row of a table."""
        table = re.findall(r"^\| .*\|$", text, re.MULTILINE)
        return [re.findall(r"\d[\d.,]*", row) for row in table]

    def outside(text: str) -> str:
        return re.sub(r"```.*?```", "", text, flags=re.DOTALL)

    def links(text: str) -> list[str]:
        return re.findall(r"\]\(([^)]+)\)", outside(text))[1:]  # the first leads to the other page

    def figures(text: str) -> list[str]:
        """In each section."""
        sections = re.split(r"^## ", outside(text), flags=re.MULTILINE)
        return [sorted(re.findall(r"\d+(?:[.,]\d+)*", section)) for section in sections]

    assert code(CHINESE) == code(README)
    assert rows(CHINESE) == rows(README)
    assert links(CHINESE) == links(README)
    assert figures(CHINESE) == figures(README)
    assert len(re.findall(r"^## ", CHINESE, re.MULTILINE)) == 10


def anchors(text: str) -> set[str]:
    """What links to a page's headings end in, by GitHub's rules."""
    titles = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    assert links
    for link in links:
        if link.startswith(("http:", "https:")):
            continue
        target, _, anchor = link.partition("#")
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), link
        assert not anchor or anchor in anchors(file.read_text(encoding="utf-8")), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_and_pictures_it_names_exist(page):
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"(?<![\w/.])(?:configs|tools|\.github)/[\w./-]+\.(?:py|png|sh)", text)
    assert [name for name in named if not (ROOT / name).is_file()] == []
    assert named or page.parent.name in ("layers", "msa_backbone")


def test_paths_that_the_house_names_exist():
    named = re.findall(r"`([\w./]+(?:/|\.py))`|\]\(([^)]+)\)", HOUSE)
    paths = [ROOT / "msa_backbone" / (code or link) for code, link in named]
    assert len(paths) >= 50
    assert [str(path) for path in paths if not path.exists()] == []


def test_the_house_lists_every_room_on_its_floor():
    listed = re.findall(r"^\| `(\w+)(?:/|\.py)` \|", HOUSE, re.MULTILINE)
    folder = ROOT / "msa_backbone"
    entries = [path for path in folder.iterdir() if not path.is_symlink()]
    rooms = {path.stem for path in entries if path.suffix == ".py" or path.is_dir()}
    rooms -= {"__pycache__"}
    assert sorted(listed) == sorted(rooms)
    floor = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
    floors = [floor[room] for room in listed]
    assert floors == sorted(floors, reverse=True)
    assert f"at most {MOST_LINES} lines" in HOUSE and f"at most {MOST_FILES} Python files" in HOUSE


def test_parameter_counts_are_the_models():
    from msa_backbone import MSAVGG, vgg16_msa

    def count(model) -> int:
        return sum(p.numel() for p in model.parameters())

    plain = count(MSAVGG(attention=None))
    classifier = count(vgg16_msa()) - count(MSAVGG()) + plain
    assert f"{plain / 1e6:.2f} M" in MODULE and f"{classifier / 1e6:.2f} M" in MODULE
    for total in (plain, classifier):
        shares = []
        for ratio in (8, 16, 32):
            attention = {"type": "MultiScaleAttention", "reduction_ratio": ratio}
            shares.append(f"+{100 * (count(MSAVGG(attention=attention)) - plain) / total:.1f} %")
        assert " | ".join(shares) in MODULE
    assert f"{count(MSAVGG()) - plain:,}" in MODULE
