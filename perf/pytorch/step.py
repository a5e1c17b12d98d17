"""The training step of src/training/training_program.ts in PyTorch: L2 in the loss, clipping, SAM, Nesterov momentum."""
import contextlib

import torch
from torch.nn import functional as F

from network import CLASSES, normalisations

PIXEL_MEAN = (0.49139968, 0.48215841, 0.44653091)
PIXEL_DEVIATION = (0.24703223, 0.24348513, 0.26158784)


class Step:
    """Trains `network` in place, one batch a call, on images [n, 3, 32, 32] of bytes and their labels.

    `autocast` is the element type of convolutions, or None for that of the weights.
    """

    def __init__(self, network, images, labels, *, momentum, weight_decay, clip_norm, autocast=None):
        self.network = network
        self.parameters = list(network.parameters())
        self.images = images
        self.labels = labels
        self.weight_decay = weight_decay
        self.clip_norm = clip_norm
        self.autocast = autocast
        self.optimiser = torch.optim.SGD(self.parameters, lr=0, momentum=momentum, nesterov=True, fused=True)
        dtype = self.parameters[0].dtype
        self.mean = torch.tensor(PIXEL_MEAN, dtype=dtype).view(3, 1, 1)
        self.deviation = torch.tensor(PIXEL_DEVIATION, dtype=dtype).view(3, 1, 1)

    def __call__(self, indices, learning_rate, mixing=None, rho=None):
        """One step; returns its loss and the norm of the gradient before clipping.

        `mixing`: mixup's lambda, the partners being the batch in reverse order. `rho`: radius of SAM's ascent step.
        """
        images = self.images[indices].to(self.mean.dtype)
        images = ((images / 255 - self.mean) / self.deviation).contiguous(memory_format=torch.channels_last)
        targets = F.one_hot(self.labels[indices], CLASSES).to(self.mean.dtype)
        if mixing is not None:
            images = mixing * images + (1 - mixing) * images.flip(0)
            targets = mixing * targets + (1 - mixing) * targets.flip(0)
        loss = self._gradient(images, targets)
        if rho is not None:
            gradients = [parameter.grad for parameter in self.parameters]
            scale = rho / torch.stack(torch._foreach_norm(gradients)).norm()
            ascent = torch._foreach_mul(gradients, scale)
            with torch.no_grad():
                torch._foreach_add_(self.parameters, ascent)
            with self._statistics_kept():
                self._gradient(images, targets)
            with torch.no_grad():
                torch._foreach_sub_(self.parameters, ascent)
        norm = torch.nn.utils.clip_grad_norm_(self.parameters, self.clip_norm, foreach=True)
        self.optimiser.param_groups[0]["lr"] = learning_rate
        self.optimiser.step()
        return loss.item(), norm.item()

    def _gradient(self, images, targets):
        """Fills the parameters' gradients with that of cross-entropy + 0.5 * weight_decay * ||w||^2; returns the former."""
        self.optimiser.zero_grad(set_to_none=True)
        casting = torch.autocast("cpu", dtype=self.autocast) if self.autocast else contextlib.nullcontext()
        with casting:
            logits = self.network(images)
        loss = F.cross_entropy(logits.to(self.mean.dtype), targets)
        loss.backward()
        with torch.no_grad():
            gradients = [parameter.grad for parameter in self.parameters]
            torch._foreach_add_(gradients, self.parameters, alpha=self.weight_decay)
        return loss.detach()

    @contextlib.contextmanager
    def _statistics_kept(self):
        """Passes within it leave batch normalisation's running statistics alone."""
        layers = normalisations(self.network)
        decay = layers[0].momentum
        for layer in layers:
            layer.momentum = 0.0
        try:
            yield
        finally:
            for layer in layers:
                layer.momentum = decay
