"""The training loop, on Lightning Fabric, resumable from checkpoints."""

import math
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from diascope.card import ModelCard
from diascope.errors import TableError, WeightsError
from diascope.network import Network
from diascope.training.checkpoint import load_checkpoint, save_checkpoint, version_changes
from diascope.training.dataset import iterate_batches
from diascope.training.depthwise import FastDepthwise
from diascope.training.dry_run import check_single_picture
from diascope.training.filters import kept_epochs, save_filters
from diascope.training.loss import Objective
from diascope.training.mixup import mix_pictures
from diascope.training.optimization import make_average, make_optimizer, make_schedule
from diascope.training.plan import Plan
from diascope.training.processes import precision_note, training_precision
from diascope.training.sampling import EpochSampler
from diascope.training.scoring import Figures, merit, validate
from diascope.training.teachers import Teachers


@dataclass(frozen=True)
class Progress:
    """The progress of a training after a step; after an epoch with the validation metrics."""

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    figures: Figures | None = None


@dataclass
class Trainer:
    """One training from start to end, in each of the processes that Fabric launched.

    Attributes:
        fabric: launched; the first process writes checkpoints and validates.
        watch: called after each step and each epoch.
        tell: called with messages to the user, such as that a training resumes.
        workers: number of processes that read and augment pictures.
        warnings: about the resulting weights, for the training page.
        precisions: those that the epochs were trained in, in order.
    """

    plan: Plan
    network: Network
    card: ModelCard
    directory: Path
    workers: int
    fabric: Any
    watch: Callable[[Progress], None]
    tell: Callable[[str], None]
    history: list[Figures] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.options, self.versions = self.plan.options, self.plan.versions()
        self.precisions: list[str] = [training_precision(self.options)]
        self.training = self.plan.pictures("train", self.card)
        self.validation = self.plan.pictures("validation", self.card)

    def fit(self) -> list[Figures]:
        """Train, load the best epoch's weights into the network, and return each epoch's metrics.

        Raises:
            WeightsError: if the loss diverges, or the checkpoint was made for fewer steps in total,
                as on another number of devices.
            TableError: if there are too few pictures for a batch.
            RecipeError: if a batch is too small for the backbone.
        """
        fabric, options = self.fabric, self.options
        self._place_network()
        optimizer = fabric.setup_optimizers(make_optimizer(self.network, options))
        self._objective = Objective(options, self.card.task, self.training.targets)
        self._objective.to(fabric.device)
        self._teachers: Teachers | None = None
        if options.teachers:
            device = str(fabric.device)
            self._teachers = Teachers(options.teachers, self.card, options.teacher_share, device)
        sampler = EpochSampler(
            self.training.targets, options, (fabric.global_rank, fabric.world_size)
        )
        loader = self._loader(sampler)
        schedule = make_schedule(optimizer.optimizer, options, len(loader))
        self._average = make_average(self.network, options)
        best = self._resume(optimizer, schedule)
        if not self.history:
            self._save_filters()
        if not self._is_done() and (note := precision_note(options)):
            self.tell(note)
        model: Any = None
        while not self._is_done():
            epoch = len(self.history)
            if model is None or epoch == options.frozen_epochs:
                self.network.backbone.requires_grad_(not self._is_frozen(epoch))
                model = fabric.setup_module(self.network, move_to_device=False)
            sampler.epoch = epoch
            seed = (options.seed + epoch) * fabric.world_size + fabric.global_rank
            fabric.seed_everything(seed % 2**32, verbose=False)
            loss = self._train_epoch(model, optimizer, schedule, loader, epoch)
            figures = self._validate(loss, optimizer, epoch)
            self.history.append(figures)
            steps = len(loader)
            self.watch(Progress(epoch + 1, options.epochs, steps, steps, loss, figures))
            score = merit(figures, options.monitor)
            if best["network"] is None or score >= best["told"]:
                best = {"told": score, "network": self._copy_weights()}
            self._save_filters()
            if fabric.is_global_zero:
                self._save(optimizer, schedule, best)
        self.network.load_state_dict(best["network"])
        return self.history

    def _place_network(self) -> None:
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.network.to(self.fabric.device)
        if self.fabric.device.type == "cuda" and self.fabric.world_size > 1:
            # each GPU has small batches only
            nn.SyncBatchNorm.convert_sync_batchnorm(self.network)  # type: ignore[no-untyped-call]

    def _is_done(self) -> bool:
        return len(self.history) >= self.options.epochs or self._is_out_of_patience()

    def _is_frozen(self, epoch: int) -> bool:
        """Whether only the head is trained in an epoch, counted from 0."""
        return self.options.freeze_backbone or epoch < self.options.frozen_epochs

    def _train_epoch(
        self, model: Any, optimizer: Any, schedule: Any, loader: Any, epoch: int
    ) -> float:
        model.train()
        if self._is_frozen(epoch):
            self.network.backbone.eval()
        device = self.fabric.device
        quick = FastDepthwise() if device.type == "cpu" else nullcontext()
        total = 0.0
        for step, batch in enumerate(iterate_batches(loader), 1):
            pictures, targets, row_weights = self._prepare_batch(batch)
            with quick:
                loss = self._objective(model(pictures), targets, row_weights)
            optimizer.zero_grad()
            self.fabric.backward(loss)
            optimizer.step()
            schedule.step()
            if self._average is not None:
                self._average.update_parameters(self.network)
            total += loss.item()
            if not math.isfinite(total):
                raise WeightsError(
                    f"the loss is no longer a finite number at step {step} of epoch {epoch + 1}",
                    hint="Choose a smaller learning_rate, or precision: 32-true.",
                )
            self.watch(Progress(epoch + 1, self.options.epochs, step, len(loader), total / step))
        mean_loss = self.fabric.all_reduce(torch.tensor(total / len(loader)), reduce_op="mean")
        return float(mean_loss)

    def _prepare_batch(self, batch: Any) -> tuple[Any, Tensor, Tensor]:
        """Return the network's input, the targets and the rows' weights of a batch."""
        device, options = self.fabric.device, self.options
        pictures = batch[0]
        targets, row_weights = (part.to(device, non_blocking=True) for part in batch[1:])
        if options.mixup:
            pictures, targets, row_weights = mix_pictures(
                pictures.to(device), targets, row_weights, options.mixup
            )
        if self._teachers is not None:
            with self.fabric.autocast():
                targets = self._teachers.soften(pictures.to(device), targets)
        return self.training.to_device(pictures, device), targets, row_weights

    def _validate(self, loss: float, optimizer: Any, epoch: int) -> Figures:
        """Validate in the first process, and return its metrics in all of them."""
        found: Figures = {"epoch": epoch + 1, "loss": loss}
        if self.fabric.is_global_zero:
            network = self._kept_network()
            found |= validate(network, self.card, self.validation, self.workers)
            found["learning_rate"] = optimizer.param_groups[-1]["lr"]
        shared: Figures = self.fabric.broadcast(found)
        return shared

    def _kept_network(self) -> Network:
        """Return the network whose weights are kept: the running average, if there is one."""
        if self._average is None:
            return self.network
        return cast(Network, self._average.module)

    def _copy_weights(self) -> dict[str, Tensor]:
        state = self._kept_network().state_dict()
        return {name: value.detach().cpu().clone() for name, value in state.items()}

    def _is_out_of_patience(self) -> bool:
        """Whether the first best epoch is at least the recipe's ``patience`` epochs ago."""
        scores = [merit(figures, self.options.monitor) for figures in self.history]
        patience = self.options.patience
        return bool(patience and scores and len(scores) - 1 - scores.index(max(scores)) >= patience)

    def _save_filters(self) -> None:
        """Save the first layer's filters, at the start and at ``kept_epochs``, if it is trained."""
        epoch, options = len(self.history), self.options
        if options.freeze_backbone or epoch not in kept_epochs(options.epochs):
            return
        if self.fabric.is_global_zero:
            save_filters(self._kept_network().backbone, epoch, self.directory)

    @property
    def _local_batch(self) -> int:
        """Batch size of this process."""
        return max(1, self.options.batch // int(self.fabric.world_size))

    def _loader(self, sampler: EpochSampler) -> DataLoader[tuple[Tensor, Tensor, Tensor]]:
        """Return the loader of batches, after checking that it has any, and of a usable size."""
        loader = DataLoader(
            self.training,
            batch_size=self._local_batch,
            sampler=sampler,
            num_workers=self.workers,
            collate_fn=self.training.collate_or_error,
            drop_last=len(sampler) > self._local_batch,
            pin_memory=self.fabric.device.type == "cuda",
            persistent_workers=self.workers > 0,
            generator=torch.Generator(),  # leaves the global one to dropout and mixup
        )
        if not len(loader):
            raise TableError(
                f"{len(self.training)} training pictures ({self.options.epoch_size or 'all'} per "
                f"epoch) are too few for {self.fabric.world_size} processes"
            )
        if min(self._local_batch, len(sampler)) == 1 and not self.options.freeze_backbone:
            check_single_picture(self.network.backbone, self.card)
        return loader

    def _resume(self, optimizer: Any, schedule: Any) -> dict[str, Any]:
        plan = self.plan
        state = load_checkpoint(self.directory, plan.digest, plan.parts, plan.contents)
        if state is None:
            return {"told": -math.inf, "network": None}
        steps = schedule.total_steps
        self.network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        self.fabric.strategy.precision.load_state_dict(state["precision"])
        if self._average is not None:
            self._average.load_state_dict(state["average"])
        self.history.extend(state["history"])
        done = self._is_done()
        if not done and schedule.total_steps < steps:  # the schedule would end too early
            raise WeightsError(
                f"was started with {schedule.total_steps} steps in all, but would have {steps} now",
                where=str(self.directory),
                hint="Resume with the same number of devices, `train.devices`.",
            )
        self.tell(f"resumes after epoch {len(self.history)} of {self.options.epochs}")
        self.warnings.extend(state["doubts"])
        if not done and (changed := version_changes(state["versions"], self.versions)):
            self.warnings.append(f"the weights were trained with several versions: {changed}")
        self._resume_precisions(state.get("precisions", [self.options.precision]), done)
        for warning in self.warnings:
            self.tell(f"warning: {warning}; train into another --output to use only one")
        best: dict[str, Any] = state["best"]
        return best

    def _resume_precisions(self, before: list[str], done: bool) -> None:
        """Take over the precisions of earlier epochs, with a warning if the rest has another."""
        (used,), self.precisions = self.precisions, list(before)
        if not done and used != before[-1]:
            self.precisions.append(used)
            several = ", then ".join(self.precisions)
            self.warnings.append(f"the weights were trained in several precisions: {several}")

    def _save(self, optimizer: Any, schedule: Any, best: dict[str, Any]) -> None:
        state = {
            "digest": self.plan.digest,
            "parts": self.plan.parts,
            "contents": dict(self.plan.contents),
            "versions": self.versions,
            "doubts": self.warnings,
            "network": self.network.state_dict(),
            "optimizer": optimizer.state_dict(),
            "schedule": schedule.state_dict(),
            "precision": self.fabric.strategy.precision.state_dict(),
            "precisions": self.precisions,
            "average": None if self._average is None else self._average.state_dict(),
            "history": self.history,
            "best": best,
        }
        save_checkpoint(self.directory, state)
