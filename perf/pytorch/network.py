"""The WideResNet of src/models/wide_resnet.ts, written a second time in PyTorch to check and to race the first one."""
import math

import torch
from torch import nn
from torch.nn import functional as F

CLASSES = 10


class Conv(nn.Conv2d):
    """A square convolution without bias, with TensorFlow's SAME padding: what is odd about it goes below and right."""

    def __init__(self, inputs, outputs, size, stride):
        super().__init__(inputs, outputs, size, stride, padding=size // 2 if stride == 1 else 0, bias=False)
        self.uneven = stride == 2 and size == 3

    def forward(self, x):
        return super().forward(F.pad(x, (0, 1, 0, 1)) if self.uneven else x)


def batch_norm(channels):
    return nn.BatchNorm2d(channels, eps=1e-5, momentum=0.1)


class Block(nn.Module):
    """A pre-activation block; `first` says whether it is the network's first."""

    def __init__(self, inputs, outputs, stride, shortcut, first):
        super().__init__()
        widens = inputs != outputs
        self.before = batch_norm(inputs)
        self.conv1 = Conv(inputs, outputs, 3, stride)
        self.between = batch_norm(outputs)
        self.conv2 = Conv(outputs, outputs, 3, 1)
        self.shortcut = Conv(inputs, outputs, 1, stride) if widens and shortcut == "conv" else None
        self.activate_shortcut = widens if shortcut == "conv" else first
        self.stride = stride
        self.missing = outputs - inputs

    def forward(self, x):
        activated = F.relu(self.before(x))
        residual = self.conv2(F.relu(self.between(self.conv1(activated))))
        base = activated if self.activate_shortcut else x
        if self.shortcut is not None:
            return residual + self.shortcut(base)
        if self.stride > 1:
            base = F.avg_pool2d(base, self.stride)
        return residual + (F.pad(base, (0, 0, 0, 0, 0, self.missing)) if self.missing else base)


class WideResNet(nn.Module):
    """WRN-depth-width; `shortcut` is "pool-pad" (the SAM authors' code) or "conv" (the original paper)."""

    def __init__(self, depth, width, shortcut):
        super().__init__()
        self.stem = Conv(3, 16, 3, 1)
        self.blocks = nn.ModuleDict()
        channels = 16
        for group, base in enumerate((16, 32, 64)):
            for i in range((depth - 4) // 6):
                stride = 2 if group > 0 and i == 0 else 1
                block = Block(channels, base * width, stride, shortcut, first=not self.blocks)
                self.blocks[f"group{group + 1}/block{i + 1}"] = block
                channels = base * width
        self.last = batch_norm(channels)
        self.classifier = nn.Linear(channels, CLASSES)
        self.initialise()

    def initialise(self):
        """He normal with fan-out; the classifier uniform in +-1/sqrt(classes), its bias zero."""
        for module in self.modules():
            if isinstance(module, Conv):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        nn.init.uniform_(self.classifier.weight, -1 / math.sqrt(CLASSES), 1 / math.sqrt(CLASSES))
        nn.init.zeros_(self.classifier.bias)

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks.values():
            x = block(x)
        return self.classifier(F.relu(self.last(x)).mean((2, 3)))


def _normalisations(network):
    """(our name, module) of every batch normalisation, in the order of our forward pass."""
    for name, block in network.blocks.items():
        yield f"{name}/before", block.before
        yield f"{name}/between", block.between
    yield "last", network.last


def named_parameters(network):
    """(our name, parameter, axes) in the order in which our vector of all parameters holds them.

    `parameter.permute(axes)` has our layout: convolutions are [height, width, inputs, outputs] there and
    [outputs, inputs, height, width] here, the classifier's weights are [inputs, outputs] there and transposed here.
    """
    hwio, vector = (2, 3, 1, 0), (0,)
    yield "stem", network.stem.weight, hwio
    for name, block in network.blocks.items():
        yield f"{name}/before/scale", block.before.weight, vector
        yield f"{name}/before/offset", block.before.bias, vector
        yield f"{name}/conv1", block.conv1.weight, hwio
        yield f"{name}/between/scale", block.between.weight, vector
        yield f"{name}/between/offset", block.between.bias, vector
        yield f"{name}/conv2", block.conv2.weight, hwio
        if block.shortcut is not None:
            yield f"{name}/shortcut", block.shortcut.weight, hwio
    yield "last/scale", network.last.weight, vector
    yield "last/offset", network.last.bias, vector
    yield "classifier/weights", network.classifier.weight, (1, 0)
    yield "classifier/bias", network.classifier.bias, vector


def flat_parameters(network, of=lambda parameter: parameter):
    """One vector in our order and layout of the parameters, or of what `of` says belongs to each."""
    parts = [of(parameter).detach().permute(axes).reshape(-1) for _, parameter, axes in named_parameters(network)]
    return torch.cat(parts)


def flat_statistics(network):
    """One vector of all running means and variances in our order."""
    parts = [part for _, norm in _normalisations(network) for part in (norm.running_mean, norm.running_var)]
    return torch.cat(parts)


def normalisations(network):
    """All batch normalisations."""
    return [norm for _, norm in _normalisations(network)]
