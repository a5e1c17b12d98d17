"""Writes test/fixtures/parity/: ten training steps in float64 that the tests hold our own steps against.

    python perf/pytorch/parity.py test/fixtures/parity

Weights after a step are stored as their change from the initial weights, in multiples of a float32 `unit` that fit
16 bits: that keeps the files small, and its rounding is checked here to be below a tenth of the tests' tolerance.

Batches are drawn so that clipping acts in some steps and not in others, and so that float32 training keeps to float64: where an activation lies so near ReLU's kink that rounding
decides its sign, the gradient jumps, and the next steps amplify that in any implementation.
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
    "learningRate": 0.002,
    "rho": 0.05,
}
CASES = {
    "sgd": {"clipNorm": 2.55, "shortcut": "pool-pad", "batch": "plain", "gradient": "plain"},
    "sam": {"clipNorm": 2.55, "shortcut": "pool-pad", "batch": "plain", "gradient": "sam"},
    "mixup": {"clipNorm": 2.4, "shortcut": "conv", "batch": "mixup", "gradient": "plain"},
    "sam-mixup": {"clipNorm": 2.4, "shortcut": "conv", "batch": "mixup", "gradient": "sam"},
}
ROUNDING = 1e-5
# Largest relative distance of float32 and float64 weights after the last step.
STEADY = 2e-7
# Every how many values of the momentum are stored.
MOMENTUM_STRIDE = 16


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
    """Initial weights of every style's parameters by our name: int8 values and the float32 unit they are multiples of.

    Scales and offsets are drawn away from 1 and 0, where an error in them could hide.
    """
    drawn = {}
    for name, parameter, axes in named_parameters(network):
        shape = parameter.permute(axes).shape
        if name.endswith(("/scale", "/offset", "/bias")):
            spread = 0.2
        else:
            spread = np.sqrt(2 / (np.prod(shape[:2]) * shape[-1])) if len(shape) == 4 else 0.15
        values = np.clip(np.rint(rng.standard_normal(shape) * 40), -127, 127).astype(np.int8)
        drawn[name] = (values, np.float32(spread / 40))
    return drawn


def set_weights(network, drawn):
    with torch.no_grad():
        for name, parameter, axes in named_parameters(network):
            values, unit = drawn[name]
            ours = values.astype(np.float32) * unit + np.float32(name.endswith("/scale"))
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


def in_16_bits(change, whole):
    unit = np.float32(np.abs(change).max() / 32767)
    values = np.rint(change / unit).astype(np.int16)
    rounding = np.linalg.norm(values * np.float64(unit) - change) / np.linalg.norm(whole)
    assert rounding < ROUNDING, f"16 bits round by {rounding:.1e}"
    return values, unit


def train(case, inputs, drawn, dtype):
    """Yields (weights, momentum, statistics, loss, was clipped) at the start and after every step."""
    network = WideResNet(SETTINGS["depth"], SETTINGS["width"], case["shortcut"]).to(dtype)
    set_weights(network, drawn)
    step = Step(
        network,
        torch.from_numpy(inputs["images"]).permute(0, 3, 1, 2),
        torch.from_numpy(inputs["labels"]).long(),
        momentum=SETTINGS["momentum"],
        weight_decay=SETTINGS["weightDecay"],
        clip_norm=case["clipNorm"],
    )
    yield flat_parameters(network).numpy(), None, None, None, False
    for n in range(SETTINGS["steps"]):
        batch = {
            "indices": torch.from_numpy(inputs["indices"][n]).long(),
            "learning_rate": SETTINGS["learningRate"],
            "mixing": float(inputs["lambda"][n]) if case["batch"] == "mixup" else None,
            "rho": SETTINGS["rho"] if case["gradient"] == "sam" else None,
        }
        penalty = 0.5 * SETTINGS["weightDecay"] * flat_parameters(network).square().sum().item()
        loss, norm = use_biased_variances(network, lambda: step(**batch))
        momentum = flat_parameters(network, lambda p: step.optimiser.state[p]["momentum_buffer"]).numpy()
        statistics = flat_statistics(network).numpy().copy()
        weights = flat_parameters(network).numpy()
        yield weights, momentum, statistics, loss + penalty, norm > case["clipNorm"]


def keeps_to_float64(states, case, inputs, drawn):
    exact = states[-1][0]
    rounded = list(train(case, inputs, drawn, torch.float32))[-1][0]
    return np.linalg.norm(rounded - exact) / np.linalg.norm(exact) < STEADY


def arrays_of(name, case, images, drawn):
    """The arrays of a case: its batches, and what its steps come to."""
    for seed in range(1000):
        batches = draw_batches(np.random.default_rng(seed))
        inputs = {**images, **batches}
        states = list(train(case, inputs, drawn, torch.float64))
        clipped = sum(state[4] for state in states)
        if 0 < clipped < SETTINGS["steps"] and keeps_to_float64(states, case, inputs, drawn):
            break
        print(f"{name}: passed over seed {seed}, clipped in {clipped} steps", flush=True)
    else:
        sys.exit(f"{name}: no batches found at which clipping acts in some steps and float32 keeps to float64")
    arrays = {**batches, "losses": np.array([state[3] for state in states[1:]], np.float32)}
    for n in (1, SETTINGS["steps"]):
        weights, momentum, statistics = states[n][:3]
        values, unit = in_16_bits(weights - states[0][0], weights)
        arrays[f"weights-{n}"] = values
        arrays[f"weights-{n}/unit"] = unit
        arrays[f"momentum-{n}"] = momentum[::MOMENTUM_STRIDE].astype(np.float32)
        arrays[f"statistics-{n}"] = statistics.astype(np.float32)
    print(f"{name}: batches of seed {seed}, clipped in {clipped} steps, losses {arrays['losses'].round(3)}", flush=True)
    return arrays


def main(folder):
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    images = draw_images(rng)
    # The network with 1x1 convolutions has all the parameters of the one without.
    networks = {style: WideResNet(SETTINGS["depth"], SETTINGS["width"], style) for style in ("pool-pad", "conv")}
    drawn = draw_weights(rng, networks["conv"])
    arrays = dict(images)
    for name, (values, unit) in drawn.items():
        arrays[f"initial/{name}"] = values.reshape(-1)
        arrays[f"initial/{name}/unit"] = unit
    for name, case in CASES.items():
        found = arrays_of(name, case, images, drawn)
        arrays.update({f"{name}/{key}": value for key, value in found.items()})
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(folder / "parity.npz", **arrays)
    manifest = {
        "madeBy": "python perf/pytorch/parity.py test/fixtures/parity",
        "torch": torch.__version__,
        "numpy": np.__version__,
        "momentumStride": MOMENTUM_STRIDE,
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
