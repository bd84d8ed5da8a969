"""Files for several cameras: the same results, of all of them and of each one alone."""

import numpy as np
import onnx
import pytest
from export_equality import compare_objects
from exported_models import make_trained, noise
from PIL import Image

import msa_backbone
from msa_backbone.config.load import load_config
from msa_backbone.config.modalities.sensors import switch_sensors
from msa_backbone.errors import DataError
from msa_backbone.export.runtime.file_model import for_people
from msa_backbone.export.runtime.predictor import RuntimePredictor
from msa_backbone.export.to_onnx import export_onnx
from msa_backbone.export.to_openvino import convert_to_openvino
from msa_backbone.files.modality import Modality
from msa_backbone.inference.predictor import Predictor

SIZES = ((128, 160), (97, 131), (60, 299))
NAMES = ("visible", "infrared")


def scene(*size: int, seed: int = 0) -> dict[str, np.ndarray]:
    return {"visible": noise(*size, seed), "infrared": noise(*size, seed + 50)[..., :1]}


def eager(trained, kind: str, pictures: dict[str, np.ndarray]):
    """The toolbox's prediction; cameras that are not in `pictures` are switched off."""
    model = trained(kind)
    cfg = load_config(str(model.config), None, {})
    if len(pictures) < 2:
        switch_sensors(cfg, list(pictures))
    size = next(iter(pictures.values())).shape[:2]
    visible = pictures.get("visible", np.zeros((*size, 3), np.uint8))
    infrared = pictures.get("infrared", np.zeros((*size, 1), np.uint8))
    stack = np.concatenate([visible[..., ::-1], infrared], axis=2)
    (sample,) = Predictor(cfg, str(model.checkpoint))([stack], ["scene"])
    return sample


def in_both_runtimes(file, folder) -> tuple[RuntimePredictor, RuntimePredictor]:
    """An exported file by ONNX Runtime, and converted by OpenVINO."""
    pytest.importorskip("openvino")
    onnx_file = RuntimePredictor(file)
    convert_to_openvino(file, onnx_file.info, folder / "model.xml")
    return onnx_file, RuntimePredictor(folder / "model.xml")


def chosen(pictures: dict, names: tuple[str, ...]) -> dict:
    return {name: pictures[name] for name in names}


@pytest.mark.slow
@pytest.mark.parametrize("names", [NAMES, NAMES[:1], NAMES[1:]])
def test_the_same_objects(names, trained, exported):
    runtime = RuntimePredictor(exported("cameras"))
    for number, size in enumerate(SIZES):
        pictures = chosen(scene(*size, seed=number), names)
        found = runtime(pictures)
        sample = eager(trained, "cameras", pictures)
        difference = compare_objects(sample, found, runtime.info.score_thr)
        assert difference.matched >= 20 and difference.alone == 0
        assert difference.boxes < 0.01 and difference.scores < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("names", [NAMES, NAMES[:1], NAMES[1:]])
def test_the_same_logits(names, trained, exported):
    runtime = RuntimePredictor(exported("cameras-unet"))
    for number, size in enumerate(SIZES):
        pictures = chosen(scene(*size, seed=number), names)
        logits = eager(trained, "cameras-unet", pictures).seg_logits.data.numpy()
        assert logits.std() > 0.1
        assert np.abs(runtime(pictures)["logits"] - logits).max() < 1e-3


@pytest.mark.slow
def test_an_absent_camera_is_not_a_black_one(exported):
    runtime, pictures = RuntimePredictor(exported("cameras-unet")), scene(97, 131)
    absent = runtime(chosen(pictures, NAMES[:1]))["logits"]
    black = runtime(pictures | {"infrared": np.zeros((97, 131, 1), np.uint8)})["logits"]
    assert np.abs(absent - black).max() > 0.01


@pytest.mark.slow
def test_the_file_tells_its_cameras(exported):
    info = RuntimePredictor(exported("cameras")).info
    assert [(m.name, m.channels, m.bgr_to_rgb) for m in info.modalities] == [
        ("visible", 3, True),
        ("infrared", 1, False),
    ]
    inputs = onnx.load(exported("cameras")).graph.input
    assert [given.name for given in inputs] == ["visible", "infrared", "present"]
    assert info.input == (
        "visible: RGB, uint8, (N, height, width, 3); infrared: uint8, (N, height, width, 1); "
        "present: bool, (2,)"
    )


@pytest.mark.slow
def test_loaded_in_python(exported, tmp_path):
    """By arrays, by the path of the first camera's file, and in tiles."""
    model, pictures = msa_backbone.load(exported("cameras-unet")), scene(97, 131)
    for name, values in pictures.items():
        (tmp_path / name).mkdir()
        Image.fromarray(values.squeeze()).save(tmp_path / name / "a.png")
    found = model.predict(pictures)
    assert np.array_equal(model.predict(tmp_path / "visible/a.png").logits, found.logits)
    drawn = model.draw(tmp_path / "visible/a.png", found)
    assert drawn.shape == (97, 2 * 131 + 6, 3)
    tiles = model.predict(pictures, tiles=64, overlap=0.5)
    assert tiles.labels.shape == (97, 131) and not np.array_equal(tiles.logits, found.logits)
    corner = model.predict({name: values[:64, :64] for name, values in pictures.items()})
    assert np.allclose(tiles.logits[:, 0, 0], corner.logits[:, 0, 0], atol=1e-4)


@pytest.mark.slow
def test_what_is_no_scene_is_refused(exported):
    runtime, pictures = RuntimePredictor(exported("cameras-unet")), scene(97, 131)
    for wrong in (pictures["visible"], {}, {"depth": pictures["infrared"]}):
        with pytest.raises(DataError, match=r"takes pictures of visible, infrared: give a dict"):
            runtime(wrong)
    with pytest.raises(DataError, match=r"infrared: 130 x 97 pixels, but the first camera has 131"):
        runtime(pictures | {"infrared": pictures["infrared"][:, 1:]})
    with pytest.raises(DataError, match=r"a picture of infrared, shape .* uint8, \(height, width"):
        runtime(pictures | {"infrared": pictures["visible"]})


@pytest.mark.slow
def test_openvino(exported, tmp_path):
    onnx_file, openvino = in_both_runtimes(exported("cameras-unet"), tmp_path)
    assert openvino.info == onnx_file.info
    for names in (NAMES, NAMES[1:]):
        pictures = chosen(scene(97, 160), names)
        assert np.allclose(openvino(pictures)["logits"], onnx_file(pictures)["logits"], atol=1e-3)


@pytest.mark.slow
def test_a_model_without_one_of_its_cameras_is_refused(trained, tmp_path):
    model = trained("cameras")
    cfg = model.cfg()
    switch_sensors(cfg, ["visible"])
    with pytest.raises(DataError, match=r"has LoadModalities with absent.*cannot be exported"):
        export_onnx(cfg, str(model.checkpoint), tmp_path / "one.onnx")
    cfg = model.cfg()
    cfg.model.data_preprocessor.black = ["infrared"]
    with pytest.raises(DataError, match=r"leaves cameras out .*: export the model with all"):
        export_onnx(cfg, str(model.checkpoint), tmp_path / "one.onnx")


def depth_scene(folder, height: int, width: int, seed: int) -> dict[str, np.ndarray]:
    """A colour picture and millimetres, 0 where nothing was measured; as files, too."""
    visible = noise(height, width, seed)
    depth = noise(height, width, seed + 50)[..., :1].astype(np.uint16) * 20 + 500
    depth[: height // 3, width // 4 : width // 2] = 0
    depth[np.random.default_rng(seed).random(depth.shape) < 0.05] = 0
    for name, values in (("visible", visible), ("depth", depth.squeeze())):
        (folder / name).mkdir(exist_ok=True)
        Image.fromarray(values).save(folder / name / f"{seed}.png")
    return {"visible": visible, "depth": depth}


@pytest.mark.slow
def test_depth_with_unknown_places(trained, exported, tmp_path):
    model, file = msa_backbone.load(trained("depth-unet").checkpoint), exported("depth-unet")
    runtime = msa_backbone.load(file)
    assert RuntimePredictor(file).info.input == (
        "visible: RGB, float32, (N, height, width, 3); depth: float32, (N, height, width, 1); "
        "present: bool, (2,)"
    )
    for seed, size in enumerate(SIZES):
        pictures = depth_scene(tmp_path, *size, seed)
        path = tmp_path / "visible" / f"{seed}.png"
        expected, found = model.predict(path).logits, runtime.predict(path).logits
        assert expected.std() > 0.1 and np.abs(found - expected).max() < 1e-3
        assert np.array_equal(runtime.predict(pictures).logits, found)
        unknown = pictures["depth"] == 0
        for odd in (np.nan, np.inf, -np.inf):
            values = np.where(unknown, np.float32(odd), pictures["depth"])
            assert np.array_equal(runtime.predict(pictures | {"depth": values}).logits, found)
        # What was not measured is no depth of 0: the place beside it tells the difference.
        near = np.where(unknown, np.uint16(1), pictures["depth"])
        assert np.abs(runtime.predict(pictures | {"depth": near}).logits - found).max() > 0.01
        without = runtime.predict({"visible": pictures["visible"]}).logits
        nothing = runtime.predict(pictures | {"depth": np.zeros_like(pictures["depth"])}).logits
        assert np.array_equal(without, nothing) and np.abs(without - found).max() > 0.01
    tiles = runtime.predict(pictures, tiles=64, overlap=0.5)
    corner = runtime.predict({name: values[:64, :64] for name, values in pictures.items()})
    assert tiles.labels.shape == size
    assert np.allclose(tiles.logits[:, 0, 0], corner.logits[:, 0, 0], atol=1e-4)
    arrays = model.predict(pictures).logits  # the checkpoint takes them, too
    assert np.array_equal(arrays, model.predict(path).logits)
    drawn = runtime.draw(path, runtime.predict(path))
    assert drawn.dtype == np.uint8 and drawn.shape == (size[0], 2 * size[1] + 6, 3)


@pytest.mark.slow
def test_depth_in_openvino(exported, tmp_path):
    onnx_file, openvino = in_both_runtimes(exported("depth-unet"), tmp_path)
    pictures = depth_scene(tmp_path, 97, 160, 3)
    unknown = pictures["depth"] == 0
    odds = [np.where(unknown, np.float32(v), pictures["depth"]) for v in (np.nan, np.inf, -np.inf)]
    for given in (
        pictures,
        chosen(pictures, ("depth",)),
        *({**pictures, "depth": odd} for odd in odds),
    ):
        assert np.allclose(openvino(given)["logits"], onnx_file(given)["logits"], atol=1e-3)


@pytest.mark.slow
def test_more_than_8_bits_are_asked_for(trained, exported, tmp_path):
    """A thermal camera in degrees: nothing in its settings tells of float32."""
    model, file = trained("cameras-unet"), tmp_path / "model.onnx"
    pictures = scene(97, 131)
    for name, values in pictures.items():
        (tmp_path / name).mkdir()
        if name == "visible":
            Image.fromarray(values).save(tmp_path / name / "a.png")
        else:
            np.save(tmp_path / name / "a.npy", values / np.float32(7) - 5)
    path = tmp_path / "visible/a.png"
    with pytest.raises(DataError, match=r"a.png or a partner has more than 8 bits .*--dtype float"):
        msa_backbone.load(exported("cameras-unet")).predict(path)
    export_onnx(model.cfg(), str(model.checkpoint), file, dtype="float32")
    found = msa_backbone.load(file).predict(path).logits
    expected = msa_backbone.load(model.checkpoint).predict(path).logits
    assert np.abs(found - expected).max() < 1e-3
    odd = pictures["infrared"].astype(np.float32)
    odd[3, 4] = np.nan
    with pytest.raises(DataError, match=r"infrared: NaN or infinite values; mend the picture"):
        RuntimePredictor(file)(pictures | {"infrared": odd})


@pytest.mark.slow
def test_none_is_absent(exported):
    runtime, pictures = RuntimePredictor(exported("cameras-unet")), scene(97, 131)
    for name in NAMES:
        without = runtime(pictures | {name: None})["logits"]
        assert np.array_equal(without, runtime(chosen(pictures, set(NAMES) - {name}))["logits"])
    with pytest.raises(DataError, match=r"a picture of visible, shape None and None"):
        runtime({"visible": [[0]]})
    with pytest.raises(DataError, match=r"of infrared, shape \(5,\) .* takes uint8"):
        runtime({"infrared": np.zeros(5, np.uint8)})
    with pytest.raises(
        DataError, match=r"uint16: .* takes uint8, .*; export it with --dtype float"
    ):
        runtime(pictures | {"infrared": pictures["infrared"].astype(np.uint16)})
    model = msa_backbone.load(exported("cameras-unet"))
    for tiles in (None, 64):
        found = model.predict(pictures | {"infrared": None}, tiles=tiles).logits
        assert np.array_equal(found, model.predict(chosen(pictures, NAMES[:1]), tiles=tiles).logits)
    with pytest.raises(
        DataError, match=r"several sizes: visible 131 x 97, infrared 130 x 97 pixels"
    ):
        model.predict(pictures | {"infrared": pictures["infrared"][:, 1:]}, tiles=64)


@pytest.mark.slow
def test_arrays_for_a_checkpoint(trained):
    model, pictures = msa_backbone.load(trained("cameras-unet").checkpoint), scene(97, 131)
    with pytest.raises(
        DataError, match=r"pictures of visible: the model takes visible, infrared; "
    ):
        model.predict(pictures | {"infrared": None})
    with pytest.raises(DataError, match=r"of shape \(97, 130, 1\).* of shape \(97, 131, 1\) here"):
        model.predict(pictures | {"infrared": pictures["infrared"][:, 1:]})
    model.source.predictor.absent = ("infrared",)
    assert model.predict({"visible": pictures["visible"]}).labels.shape == (97, 131)
    one = msa_backbone.load(trained("unet").checkpoint)
    with pytest.raises(DataError, match=r"one camera: give an array instead of a dict"):
        one.predict({"image": pictures["visible"]})


@pytest.mark.slow
def test_a_single_camera_with_a_name(tmp_path):
    """Depth alone: the same file form as of several."""
    trained = make_trained("depth-alone-unet", tmp_path)
    export_onnx(trained.cfg(), str(trained.checkpoint), tmp_path / "model.onnx")
    pictures = depth_scene(tmp_path, 97, 131, 0)
    path = tmp_path / "depth/0.png"
    found = msa_backbone.load(tmp_path / "model.onnx").predict(path).logits
    expected = msa_backbone.load(trained.checkpoint).predict(path).logits
    assert expected.std() > 0.01 and np.abs(found - expected).max() < 1e-3
    again = msa_backbone.load(tmp_path / "model.onnx").predict({"depth": pictures["depth"]})
    assert np.array_equal(again.logits, found)


@pytest.mark.slow
def test_older_files_take_8_bits(exported, tmp_path):
    model = onnx.load(exported("cameras-unet"))
    kept = [entry for entry in model.metadata_props if entry.key != "dtype"]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    onnx.save(model, tmp_path / "old.onnx")
    assert RuntimePredictor(tmp_path / "old.onnx").info.dtype == "uint8"


@pytest.mark.slow
def test_unknown_places_have_no_8_bits(trained, tmp_path):
    model = trained("depth-unet")
    with pytest.raises(
        DataError, match=r"unknown places are resized as float32; leave --dtype out"
    ):
        export_onnx(model.cfg(), str(model.checkpoint), tmp_path / "model.onnx", dtype="uint8")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["checkpoint", "file"])
def test_found_from_python_as_the_tool_finds_them(kind, trained, exported, tmp_path, monkeypatch):
    """In folders of other names, by a relative path, in a folder of both, and as arrays."""
    source = (
        trained("cameras-unet").checkpoint if kind == "checkpoint" else exported("cameras-unet")
    )
    model, pictures = msa_backbone.load(source), scene(97, 131)
    for folder, values in zip(("rgb", "thermal"), pictures.values(), strict=True):
        (tmp_path / folder).mkdir()
        Image.fromarray(values.squeeze()).save(tmp_path / folder / "a.png")
    expected = model.predict(pictures).logits
    assert np.array_equal(model.predict(tmp_path / "rgb/a.png").logits, expected)
    (found,) = model.predict(tmp_path)
    assert np.array_equal(found.logits, expected)
    monkeypatch.chdir(tmp_path / "rgb")
    assert np.array_equal(model.predict("a.png").logits, expected)


def test_depth_is_drawn_whatever_its_unit():
    values = np.array([[0.5, 10.0], [np.nan, 0.0]], np.float32)[..., None]
    drawn = for_people(values, Modality("depth", 1, unknown=True))
    assert drawn[..., 0].tolist() == [[55, 255], [0, 0]] and drawn.shape == (2, 2, 3)
    infrared = Modality("infrared", 1)
    for celsius in ([-10, 40], [20.5, 31.2], [0.1, 0.9]):
        values = np.array([celsius], np.float32)[..., None]
        assert for_people(values, infrared)[0, :, 0].tolist() == [0, 255]
    for dtype in (np.uint8, np.float32):  # beside a deeper camera
        grey = np.array([[3, 250]], dtype)[..., None]
        assert for_people(grey, infrared)[0, :, 2].tolist() == [3, 250]
