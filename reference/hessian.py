"""Hessians of the loss in PyTorch and float64, to hold ours against.

python reference/hessian.py > test/fixtures/hessian.json     a small network's, dense: its eigenvalues, and what SAM climbs
python reference/hessian.py ASKED.json                       products with vectors, for weights of any size: {"model", "weights", "images",
                                                             "labels", "vector", "training"}, the arrays as files of NumPy's
"""
import json
import sys

import numpy as np
import torch
import torch.nn.functional as F

from weights import CIFAR10, Network, load, normalised

torch.set_num_threads(1)
IMAGES, SIZE, CLASSES = 12, 8, 3
MODEL = {"kind": "wide-resnet", "shortcut": "pool-pad"}
SHAPES = {
    "stem": (3, 3, 3, 4),
    "group2/block1/before/scale": (4,),
    "group2/block1/before/offset": (4,),
    "group2/block1/conv1": (3, 3, 4, 6),
    "group2/block1/between/scale": (6,),
    "group2/block1/between/offset": (6,),
    "group2/block1/conv2": (3, 3, 6, 6),
    "last/scale": (6,),
    "last/offset": (6,),
    "classifier/weights": (6, CLASSES),
    "classifier/bias": (CLASSES,),
}
STATISTICS = {name: SHAPES[f"{name}/scale"] for name in ("group2/block1/before", "group2/block1/between", "last")}


def rounded(values):
    """What float32 can hold, so that both begin with the same."""
    return np.asarray(values, np.float32).astype(np.float64)


def small(random):
    weights = {}
    for name, shape in SHAPES.items():
        values = random.standard_normal(shape) * (0.3 if len(shape) > 1 else 0.2)
        weights[name] = rounded(values + (1 if name.endswith("scale") else 0))
    for name, shape in STATISTICS.items():
        weights[f"{name}/mean"] = rounded(random.standard_normal(shape) * 0.2)
        weights[f"{name}/variance"] = rounded(0.5 + random.random(shape))
    return weights


class Loss:
    """Mean cross-entropy as a function of one vector of all parameters."""

    def __init__(self, network, images, labels, training):
        self.network = network.double().train(training)
        self.images, self.labels = images.double(), torch.tensor(labels)
        self.names = list(self.network._parameters)
        self.start = torch.cat([self.network._parameters[name].detach().reshape(-1) for name in self.names])

    def __call__(self, vector):
        parts, at = {}, 0
        for name in self.names:
            old = self.network._parameters[name]
            parts[name] = vector[at : at + old.numel()].reshape(old.shape)
            at += old.numel()
        logits = torch.func.functional_call(self.network, parts, (self.images,))
        return F.cross_entropy(logits, self.labels)

    def gradient(self, at, create_graph=False):
        at = at if create_graph else at.detach().requires_grad_()
        return torch.autograd.grad(self(at), at, create_graph=create_graph)[0]

    def product(self, vector):
        at = self.start.clone().requires_grad_()
        return torch.autograd.grad(self.gradient(at, True) @ vector, at)[0]


def sharpness(loss, rho, scale):
    """SAM's step in the ball whose axes have these scales: ones, or ASAM's."""
    climbed = scale * loss.gradient(loss.start)
    return float(loss(loss.start + rho * scale * climbed / climbed.norm()) - loss(loss.start))


def fixture():
    random = np.random.default_rng(3)
    weights = small(random)
    images = random.integers(0, 256, (IMAGES, SIZE, SIZE, 3), dtype=np.uint8)
    labels = random.integers(0, CLASSES, IMAGES)
    vector = rounded(random.standard_normal(sum(int(np.prod(shape)) for shape in SHAPES.values())))
    result = {}
    for name, training in (("running", False), ("batch", True)):
        loss = Loss(Network(MODEL, weights), normalised(images, *CIFAR10), labels, training)
        hessian = torch.stack([loss.product(row) for row in torch.eye(len(loss.start), dtype=torch.float64)])
        eigenvalues = torch.linalg.eigvalsh((hessian + hessian.T) / 2).flip(0)
        scale = loss.start.abs() + 0.01
        result[name] = {
            "loss": float(loss(loss.start)),
            "gradient": loss.gradient(loss.start).tolist(),
            "product": (hessian @ torch.tensor(vector)).tolist(),
            "eigenvalues": eigenvalues.tolist(),
            "trace": float(torch.trace(hessian)),
            "sharpness": {str(rho): sharpness(loss, rho, torch.ones_like(scale)) for rho in (0.01, 0.1, 0.5)},
            "adaptive": {str(rho): sharpness(loss, rho, scale) for rho in (0.1, 0.5)},
        }
    arrays = {name: {"shape": list(values.shape), "values": values.reshape(-1).tolist()} for name, values in weights.items()}
    data = {"size": SIZE, "classes": CLASSES, "pixels": images.reshape(-1).tolist(), "labels": labels.tolist()}
    return {"weights": arrays, "vector": vector.tolist(), **data, **result}


def asked(file):
    with open(file, encoding="utf8") as text:
        what = json.load(text)
    images = normalised(np.load(what["images"]), *CIFAR10)
    network = load(what["weights"], what["model"])
    loss = Loss(network, images, np.load(what["labels"]), what["training"])
    return {"product": loss.product(torch.tensor(np.load(what["vector"]).astype(np.float64))).tolist()}


if __name__ == "__main__":
    json.dump(asked(sys.argv[1]) if len(sys.argv) > 1 else fixture(), sys.stdout)
