"""Checkpoints that a kill at any moment leaves intact."""

import logging
import os
from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.fileio import LocalBackend, register_backend
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner

from ...files.whole_files import write_whole


class AtomicLocalBackend(LocalBackend):
    """Local files that are either the old ones or the new ones, never half-written."""

    def put(self, obj: bytes, filepath: str | os.PathLike) -> None:
        write_whole(Path(filepath), obj)


register_backend("atomic_local", AtomicLocalBackend, force=True)


def _not_mmengines_own(record: logging.LogRecord) -> bool:
    """False for warnings of what mmengine's checkpoint hook itself uses: users can do nothing."""
    return not record.getMessage().startswith(('"FileClient"', '"HardDiskBackend"'))


def _remove(backend: LocalBackend, path: str) -> None:
    if backend.isfile(path):
        backend.remove(path)
    elif backend.isdir(path):  # deepspeed's checkpoints are folders
        backend.rmtree(path)


class _RemovingLater:
    """A file backend whose removals are only noted, in `removed`."""

    def __init__(self, backend: LocalBackend) -> None:
        self._backend = backend
        self.removed: list[str] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._backend, name)

    def remove(self, path: str) -> None:
        self.removed.append(path)

    rmtree = remove


class AtomicCheckpointHook(CheckpointHook):
    """mmengine's CheckpointHook, made safe against being killed; it takes the same arguments.

    A checkpoint gets its name when it is complete and on the disk, `last_checkpoint` names it only
    then, and only after that an older one is deleted (mmengine deletes first and writes in place).
    What a kill left undeleted is deleted by the run that resumes, but for a best checkpoint that it
    has not been told of. What `published_keys` asks for is written by mmengine, after training.
    """

    def before_train(self, runner: Runner) -> None:
        runner.logger.addFilter(_not_mmengines_own)
        local = "://" not in str(self.out_dir or runner.work_dir)
        if local and self.file_client_args is None and self.backend_args is None:
            self.backend_args = {"backend": "atomic_local"}
        super().before_train(runner)
        self._follow_best()
        if local and is_main_process():  # what a killed run was writing
            names = Path(runner.work_dir).glob("last_checkpoint*.part")
            for part in (*names, *Path(self.out_dir).glob("*.pth*.part")):
                part.unlink()

    def _follow_best(self) -> None:
        """Look for a resumed run's best checkpoints where this run saves.

        They are known by absolute paths. In a copied work dir these lead into the first one, where
        a better score would delete what is not this run's.
        """

        def here(path: str | None) -> str | None:
            file = path and self.file_backend.join_path(self.out_dir, Path(path).name)
            return file if file and self.file_backend.exists(file) else None

        if hasattr(self, "best_ckpt_path"):
            self.best_ckpt_path = here(self.best_ckpt_path)
        if hasattr(self, "best_ckpt_path_dict"):
            paths = self.best_ckpt_path_dict
            self.best_ckpt_path_dict = {score: here(path) for score, path in paths.items()}

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict) -> None:
        expired: list[int] = []
        if self.max_keep_ckpts > 0 and step not in self.keep_ckpt_ids:
            steps = [*self.keep_ckpt_ids, step]
            expired = steps[: -self.max_keep_ckpts]
            self.keep_ckpt_ids.append(step)  # of limited length: drops the expired ones
            # The expired ones are saved too, for a resumed run to delete if this one cannot.
            runner.message_hub.update_info("keep_ckpt_ids", steps)
        name = self.filename_tmpl.format(step)
        self.last_ckpt = self.file_backend.join_path(self.out_dir, name)
        runner.message_hub.update_info("last_ckpt", self.last_ckpt)
        runner.save_checkpoint(
            self.out_dir,
            name,
            self.file_client_args,
            save_optimizer=self.save_optimizer,
            save_param_scheduler=self.save_param_scheduler,
            meta=meta,
            by_epoch=self.by_epoch,
            backend_args=self.backend_args,
            **self.args,
        )
        if is_main_process():
            write_whole(Path(runner.work_dir, "last_checkpoint"), str(self.last_ckpt))
            for old in expired:
                name = self.filename_tmpl.format(old)
                _remove(self.file_backend, self.file_backend.join_path(self.out_dir, name))

    def _save_best_checkpoint(self, runner: Runner, metrics: dict[str, float]) -> None:
        backend = self.file_backend
        self.file_backend = later = _RemovingLater(backend)
        try:
            super()._save_best_checkpoint(runner, metrics)
        finally:
            self.file_backend = backend
        best = {getattr(self, "best_ckpt_path", None)}
        best.update(getattr(self, "best_ckpt_path_dict", {}).values())
        for path in set(later.removed) - best:
            _remove(backend, path)
