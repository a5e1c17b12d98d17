"""Times PyTorch's training steps for `labelnoise perf`, which starts it once and asks it for one batch of steps a line.

Arguments: depth, width, batch size, threads. A line on stdin is {"variant": ..., "steps": n}, the variants being
sgd-float32, sgd-bfloat16, sam-float32 and sam-bfloat16, each also with -compiled, by torch.compile; the answer is {"milliseconds": [...]} or {"error": ...}.
"""
import json
import sys
import time

import torch

from network import WideResNet
from step import Step

AUTOCAST = {"float32": None, "bfloat16": torch.bfloat16}


def make_step(depth, width, batch, precision, compiled):
    network = WideResNet(depth, width, "pool-pad").to(memory_format=torch.channels_last)
    if compiled:
        network.forward = torch.compile(network.forward)
    images = torch.randint(0, 256, (batch, 3, 32, 32), dtype=torch.uint8)
    labels = torch.randint(0, 10, (batch,))
    options = {"momentum": 0.9, "weight_decay": 5e-4, "clip_norm": 5.0}
    return Step(network, images, labels, autocast=AUTOCAST[precision], **options)


def main(depth, width, batch, threads):
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    indices = torch.arange(batch)
    made = {}
    for line in sys.stdin:
        command = json.loads(line)
        gradient, mode = command["variant"].split("-", 1)
        try:
            # SGD and SAM share a network: it is the step that is timed, whatever the weights are.
            if mode not in made:
                precision, *compiled = mode.split("-")
                made[mode] = make_step(depth, width, batch, precision, bool(compiled))
            times = []
            for _ in range(command["steps"]):
                started = time.perf_counter()
                made[mode](indices, 0.01, rho=0.05 if gradient == "sam" else None)
                times.append(1000 * (time.perf_counter() - started))
            answer = {"milliseconds": times}
        except (RuntimeError, MemoryError, OSError) as error:
            answer = {"error": str(error).splitlines()[0]}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
