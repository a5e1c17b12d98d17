"""Writes test/fixtures/parity/: training steps in float64 that the tests hold our own steps against.

    python perf/pytorch/parity.py test/fixtures/parity

Where an activation lies near ReLU's kink, rounding decides its sign and the gradient jumps, in any implementation. So weights are drawn at which none does: scales and offsets
of batch normalisation that keep every unit of a channel on one side, by a margin that is asserted here for every pass of every step. At natural scales and offsets, 1 and 0, only
what is continuous is compared: the first loss and the running statistics.
"""
import json
import sys
from pathlib import Path

import numpy as np
import torch

from network import WideResNet, flat_parameters, flat_statistics, named_parameters, normalisations
from step import Step

SETTINGS = {
    "depth": 10,
    "width": 1,
    "images": 16,
    "batchSize": 8,
    "steps": 10,
    "momentum": 0.9,
    "weightDecay": 0.0005,
    "learningRate": 0.02,
    "rho": 0.05,
}
# Clipping acts in some of a case's steps and not in others.
CASES = {
    "sgd": {"clipNorm": 1.0, "shortcut": "pool-pad", "batch": "plain", "gradient": "plain"},
    "sam": {"clipNorm": 1.0, "shortcut": "pool-pad", "batch": "plain", "gradient": "sam"},
    "mixup": {"clipNorm": 1.0, "shortcut": "conv", "batch": "mixup", "gradient": "plain"},
    "sam-mixup": {"clipNorm": 1.0, "shortcut": "conv", "batch": "mixup", "gradient": "sam"},
}
# How far from ReLU's kink every activation stays.
MARGIN = 0.05
# How far SAM's gradient is from the plain one at least.
SAM_DIFFERENCE = 0.02
# Every how many values of weights and momentum are stored: no divisor of numbers of channels, so that all channels are.
STRIDE = 7


def draw_images(rng):
    count = SETTINGS["images"]
    return {
        "images": rng.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8),
        "labels": rng.integers(0, 10, count, dtype=np.int32),
    }


def draw_batches(rng):
    batch, steps = SETTINGS["batchSize"], SETTINGS["steps"]
    return {
        "indices": np.stack([rng.permutation(SETTINGS["images"])[:batch] for _ in range(steps)]).astype(np.int32),
        "lambda": (0.5 + rng.random(steps) / 2).astype(np.float32),
    }


def draw_weights(rng, network):
    """Initial weights by our name: int8 values and the float32 unit they are multiples of."""
    drawn = {}
    for name, parameter, axes in named_parameters(network):
        shape = parameter.permute(axes).shape
        if name.endswith("/scale"):
            values, unit = rng.integers(80, 121, shape), 1 / 800
        elif name.endswith("/offset"):
            values, unit = rng.choice((-1, 1), shape) * rng.integers(90, 111, shape), 1 / 100
        else:
            values = np.clip(np.rint(rng.standard_normal(shape) * 40), -127, 127)
            unit = (np.sqrt(2 / (np.prod(shape[:2]) * shape[-1])) if len(shape) == 4 else 0.15) / 40
        drawn[name] = (values.astype(np.int8), np.float32(unit))
    return drawn


def natural(drawn):
    """The same weights with the scales and offsets that networks begin with."""
    begin = {"scale": 1, "offset": 0}
    return {
        name: (np.full_like(values, begin[kind]), np.float32(1)) if kind in begin else (values, unit)
        for name, (values, unit) in drawn.items()
        for kind in [name.split("/")[-1]]
    }


def set_weights(network, drawn):
    with torch.no_grad():
        for name, parameter, axes in named_parameters(network):
            values, unit = drawn[name]
            ours = values.astype(np.float32) * unit
            parameter.copy_(torch.from_numpy(ours).permute(tuple(np.argsort(axes))))


def use_biased_variances(network, call):
    """Runs a step so that running variances average the biased variances of the batches, as in the SAM authors' flax."""
    sizes = {}
    layers = normalisations(network)
    before = [layer.running_var.clone() for layer in layers]
    hooks = [
        layer.register_forward_hook(lambda layer, inputs, _: sizes.update({layer: inputs[0][:, 0].numel()}))
        for layer in layers
    ]
    result = call()
    for hook in hooks:
        hook.remove()
    for layer, old in zip(layers, before):
        n = sizes[layer]
        kept = (1 - layer.momentum) * old
        layer.running_var.copy_(kept + (layer.running_var - kept) * (n - 1) / n)
    return result


def train(case, inputs, drawn, steps):
    """Trains from the drawn weights; returns what there is after every step, the first entry being before any."""
    network = WideResNet(SETTINGS["depth"], SETTINGS["width"], case["shortcut"]).to(torch.float64)
    set_weights(network, drawn)
    step = Step(
        network,
        torch.from_numpy(inputs["images"]).permute(0, 3, 1, 2),
        torch.from_numpy(inputs["labels"]).long(),
        momentum=SETTINGS["momentum"],
        weight_decay=SETTINGS["weightDecay"],
        clip_norm=case["clipNorm"],
    )
    # All that ReLU is given comes out of a batch normalisation.
    nearest = []
    for layer in normalisations(network):
        layer.register_forward_hook(lambda _, __, output: nearest.append(output.detach().abs().min().item()))
    states = [{"weights": flat_parameters(network).numpy()}]
    for n in range(steps):
        batch = {
            "indices": torch.from_numpy(inputs["indices"][n]).long(),
            "learning_rate": SETTINGS["learningRate"],
            "mixing": float(inputs["lambda"][n]) if case["batch"] == "mixup" else None,
            "rho": SETTINGS["rho"] if case["gradient"] == "sam" else None,
        }
        penalty = 0.5 * SETTINGS["weightDecay"] * flat_parameters(network).square().sum().item()
        loss, norm = use_biased_variances(network, lambda: step(**batch))
        states.append(
            {
                "weights": flat_parameters(network).numpy(),
                "momentum": flat_parameters(network, lambda p: step.optimiser.state[p]["momentum_buffer"]).numpy(),
                "statistics": flat_statistics(network).numpy().copy(),
                "loss": loss + penalty,
                "norm": norm,
            }
        )
    return states, min(nearest)


def distance(a, b):
    return np.linalg.norm(a - b) / np.linalg.norm(b)


def arrays_of(name, case, inputs, drawn):
    """The arrays of a case, what its steps come to, and its margin."""
    states, margin = train(case, inputs, drawn, SETTINGS["steps"])
    norms = [state["norm"] for state in states[1:]]
    print(f"{name}: margin {margin:.3f}, gradient norms {np.round(norms, 3)}", flush=True)
    assert margin >= MARGIN, f"{name}: an activation is {margin:.3f} from ReLU's kink"
    assert min(norms) < case["clipNorm"] < max(norms), f"{name}: clipping acts in all steps or in none"
    if case["gradient"] == "sam":
        plain, _ = train({**case, "gradient": "plain"}, inputs, drawn, 1)
        apart = distance(states[1]["momentum"], plain[1]["momentum"])
        print(f"{name}: SAM's gradient differs from the plain one by {apart:.3f}", flush=True)
        assert apart >= SAM_DIFFERENCE, f"{name}: SAM's gradient is the plain one but for {apart:.3f}"
    arrays = {"losses": np.array([state["loss"] for state in states[1:]], np.float32)}
    for n in (1, SETTINGS["steps"]):
        change = states[n]["weights"] - states[0]["weights"]
        arrays[f"change-{n}"] = change[::STRIDE].astype(np.float32)
        arrays[f"momentum-{n}"] = states[n]["momentum"][::STRIDE].astype(np.float32)
        arrays[f"statistics-{n}"] = states[n]["statistics"].astype(np.float32)
    return arrays, margin


def main(folder):
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    # The network with 1x1 convolutions has all the parameters of the one without.
    networks = {style: WideResNet(SETTINGS["depth"], SETTINGS["width"], style) for style in ("pool-pad", "conv")}
    drawn = draw_weights(rng, networks["conv"])
    inputs = {**draw_images(rng), **draw_batches(rng)}
    arrays = dict(inputs)
    for name, (values, unit) in drawn.items():
        arrays[f"initial/{name}"] = values.reshape(-1)
        arrays[f"initial/{name}/unit"] = unit
    margins = {}
    for name, case in CASES.items():
        found, margins[name] = arrays_of(name, case, inputs, drawn)
        arrays.update({f"{name}/{key}": value for key, value in found.items()})
        (_, first), _ = train(case, inputs, natural(drawn), 1)
        arrays[f"{name}/natural-loss"] = np.float32(first["loss"])
        arrays[f"{name}/natural-statistics"] = first["statistics"].astype(np.float32)
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / "parity.npz", **arrays)
    manifest = {
        "madeBy": "python perf/pytorch/parity.py test/fixtures/parity",
        "torch": torch.__version__,
        "numpy": np.__version__,
        "stride": STRIDE,
        "margins": margins,
        "settings": SETTINGS,
        "cases": CASES,
        "parameters": {
            style: {
                name: "x".join(str(size) for size in parameter.permute(axes).shape)
                for name, parameter, axes in named_parameters(network)
            }
            for style, network in networks.items()
        },
    }
    (folder / "parity.json").write_text(json.dumps(manifest, indent=2) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: parity.py FOLDER")
    main(Path(sys.argv[1]))
