"""Weights that a suite with "keepWeights": true has kept, in PyTorch: the network with its logits, written a second time.

python reference/weights.py OUT/weights/ID.npz OUT/runs/ID.json images.npy logits.npy   logits of [n, size, size, 3] bytes

Of the run's training images, in the order of "labelnoise export", it also says how many predicted labels are the record's.
From Python: `network = load("OUT/weights/ID.npz", model)` with the record's spec.model, `network(normalised(images, *CIFAR10))`;
`network.train()` normalises by the batch. Parameters have our names and layouts ([height, width, inputs, outputs]).
"""
import json
import sys

import numpy as np
import torch
import torch.nn.functional as F

CIFAR10 = (0.49139968, 0.48215841, 0.44653091), (0.24703223, 0.24348513, 0.26158784)
CIFAR100 = (0.50707516, 0.48654887, 0.44091784), (0.26733429, 0.25643846, 0.27615047)
BATCH = 250


def convolved(x, filters, stride=1):
    """TensorFlow's SAME padding: of an odd number of zeros, the one more goes below and right."""
    size = filters.shape[0]
    total = [max(0, (-(-n // stride) - 1) * stride + size - n) for n in x.shape[2:]]
    (height, width) = [(t // 2, t - t // 2) for t in total]
    return F.conv2d(F.pad(x, (*width, *height)), filters.permute(3, 2, 0, 1), stride=stride)


class Network(torch.nn.Module):
    """`model` is the record's spec.model; `weights` are arrays by name, running statistics among them."""

    def __init__(self, model, weights):
        super().__init__()
        self.model = model
        for name, values in weights.items():
            tensor = torch.tensor(np.asarray(values))
            if name.endswith(("/mean", "/variance")):
                self.register_buffer(name, tensor)
            else:
                self.register_parameter(name, torch.nn.Parameter(tensor))

    def of(self, name):
        return self._parameters[name] if name in self._parameters else self._buffers[name]

    def normalise(self, name, x):
        scale, offset = self.of(f"{name}/scale"), self.of(f"{name}/offset")
        if self.training:
            return F.batch_norm(x, None, None, scale, offset, True, 0.1, 1e-5)
        return F.batch_norm(x, self.of(f"{name}/mean"), self.of(f"{name}/variance"), scale, offset, False, 0, 1e-5)

    def activate(self, name, x):
        return F.relu(self.normalise(name, x))

    def conv(self, name, x, stride=1):
        return convolved(x, self.of(name), stride)

    def blocks(self):
        """(name, stride, whether it is the first) of each."""
        groups, first = {}, True
        for name in self._parameters:
            if name.endswith("/conv1"):
                group, _ = name.split("/", 1)
                stride = 2 if group != "group1" and group not in groups else 1
                groups[group] = True
                yield name[: -len("/conv1")], stride, first
                first = False

    def wide_block(self, name, x, stride, first):
        activated = self.activate(f"{name}/before", x)
        residual = self.conv(f"{name}/conv1", activated, stride)
        residual = self.conv(f"{name}/conv2", self.activate(f"{name}/between", residual))
        widens = residual.shape[1] != x.shape[1]
        by_convolution = self.model["shortcut"] == "conv"
        base = activated if (widens if by_convolution else first) else x
        if widens and by_convolution:
            return residual + self.conv(f"{name}/shortcut", base, stride)
        base = F.avg_pool2d(base, stride) if stride > 1 else base
        return residual + F.pad(base, (0, 0, 0, 0, 0, residual.shape[1] - base.shape[1]))

    def block(self, name, x, stride):
        residual = self.activate(f"{name}/between", self.conv(f"{name}/conv1", x, stride))
        residual = self.normalise(f"{name}/after", self.conv(f"{name}/conv2", residual))
        base = x[:, :, ::stride, ::stride]
        return F.relu(residual + F.pad(base, (0, 0, 0, 0, 0, residual.shape[1] - base.shape[1])))

    def forward(self, images):
        """Logits of [n, channels, height, width]."""
        is_wide = self.model["kind"] == "wide-resnet"
        x = self.conv("stem", images, self.model.get("stemStride", 1))
        if not is_wide:
            x = self.activate("stem/after", x)
        for name, stride, first in self.blocks():
            x = self.wide_block(name, x, stride, first) if is_wide else self.block(name, x, stride)
        if is_wide:
            x = self.activate("last", x)
        return x.mean((2, 3)) @ self.of("classifier/weights") + self.of("classifier/bias")


def load(file, model, network=1):
    """The network of a file of weights; of methods with two networks, the second has `network=2`."""
    with np.load(file) as arrays:
        prefix = "" if network == 1 else f"{network}/"
        names = [name for name in arrays.files if name.startswith(prefix) and (prefix or not name.startswith("2/"))]
        return Network(model, {name[len(prefix) :]: arrays[name] for name in names}).eval()


def normalised(images, mean, deviation):
    """[n, size, size, channels] bytes as the networks are given them."""
    x = torch.tensor(np.asarray(images)).to(torch.float32).permute(0, 3, 1, 2) / 255
    shape = (1, -1, 1, 1)
    return (x - torch.tensor(mean).reshape(shape)) / torch.tensor(deviation).reshape(shape)


def main(weights, record, images, logits):
    with open(record, encoding="utf8") as file:
        record = json.load(file)
    network = load(weights, record["spec"]["model"])
    moments = CIFAR100 if record["spec"]["data"]["dataset"] == "cifar100" else CIFAR10
    images = np.load(images)
    with torch.no_grad():
        parts = [network(normalised(images[i : i + BATCH], *moments)) for i in range(0, len(images), BATCH)]
    found = torch.cat(parts).numpy()
    np.save(logits, found)
    classes = found.shape[1]
    width = 1 if classes <= 10 else 2
    text = record["predictions"]
    if len(text) == width * len(found):
        labels = [int(text[i : i + width], 10 if width == 1 else 16) for i in range(0, len(text), width)]
        print(f"{int((found.argmax(1) == labels).sum())} of {len(labels)} predicted labels are the record's")


if __name__ == "__main__":
    main(*sys.argv[1:])
