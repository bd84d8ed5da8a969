# `make demo` and `make test` set up .venv by themselves; only Python >= 3.10 with venv is assumed.
# PYTHON=python3.12 make demo chooses another interpreter. TORCH_INDEX=URL takes torch and torchvision
# from there: packages for the CPU alone are a tenth as large.
PYTHON ?= python3
PIP_FLAGS ?= --quiet --disable-pip-version-check --no-compile
BIN := .venv/bin
# Imported modules stay compiled, whatever the shell says: a test suite starts many processes.
export PYTHONDONTWRITEBYTECODE :=
INSTALL = $(BIN)/python -m pip install $(PIP_FLAGS)

.PHONY: demo demo-segmentation demo-pairs demo-vqa test test-gpu clean

DEMO := configs/detection/faster-rcnn_msa-vgg16_fpn_1xb1-2e_demo.py

demo: .venv/.demo
	$(BIN)/python tools/make_demo_data.py data/demo
	$(BIN)/python tools/train.py $(DEMO) --seed 0 --work-dir work_dirs/demo
	@echo
	@echo "Found digits: work_dirs/demo/predictions.png. What comes next:"
	@echo "  $(BIN)/python tools/predict.py $(DEMO) work_dirs/demo/epoch_2.pth PICTURES/"
	@echo "  $(BIN)/python tools/train.py configs/detection/faster-rcnn_msa-vgg16_fpn_1xb1-5e_320x240.py --data YOUR_FOLDER --dry-run"
	@echo "  make demo-segmentation"

# The demo's detector, fine-tuned for segmentation; it is trained first where it is missing.
demo-segmentation: work_dirs/demo/epoch_2.pth .venv/.demo
	$(BIN)/python tools/train.py configs/segmentation/unet_msa-vgg16_1xb2-600i_demo-192x192.py \
		--weights $< --seed 0 --work-dir work_dirs/demo-segmentation

work_dirs/demo/epoch_2.pth:
	$(MAKE) demo

# Digits that the visible camera sees, or the infrared one, or both.
demo-pairs: .venv/.demo
	$(BIN)/python tools/make_demo_data.py --pairs data/demo-pairs
	$(BIN)/python tools/train.py \
		configs/multimodal/faster-rcnn_multimodal-msa-vgg16_fpn_1xb1-2e_demo-pairs.py \
		--seed 0 --work-dir work_dirs/demo-pairs

# Questions about coloured digits: which, how many, yes or no, where.
demo-vqa: .venv/.demo
	$(BIN)/python tools/make_demo_data.py --questions data/demo-questions
	$(BIN)/python tools/train.py configs/multimodal/vqa_msa-vgg16-bn-c16_1xb128-2k_demo-64x64.py \
		--seed 0 --work-dir work_dirs/demo-vqa

# SELECT= runs the slow tests as well, SELECT="-m slow" these alone.
SELECT ?= -m "not slow"

test: .venv/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile $(SELECT)

# On a machine with a GPU: the kernels against float64, then what attention costs there (10 minutes).
test-gpu: .venv/.ready
	$(BIN)/python -m pytest tests/ops/gpu/test_gpu.py
	for form in eager graph compiled-graph; do \
		$(BIN)/python tools/benchmark.py --device cuda --amp --shapes 2x800x1333 16x224x224 \
			--variants plain ours SE CBAM --rounds 30 --form $$form || exit 1; \
	done

# What the demos need, then what the tests need, too; renewed when the dependencies change.
.venv/.demo: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "error: Python >= 3.10 is needed, set PYTHON=")'
	$(PYTHON) -m venv .venv
	$(if $(TORCH_INDEX),$(INSTALL) --index-url $(TORCH_INDEX) torch torchvision)
	$(INSTALL) --editable ".[demo]"
	touch $@

.venv/.ready: .venv/.demo
	$(INSTALL) --editable ".[test]"
	touch $@

clean:
	rm -rf .venv work_dirs/demo work_dirs/demo-segmentation work_dirs/demo-vqa work_dirs/demo-pairs data/demo data/demo-pairs data/demo-questions
