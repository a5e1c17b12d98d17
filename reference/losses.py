"""Losses of the methods by their papers' formulas, in PyTorch and float64, with their gradients: writes test/fixtures/losses.json.

python reference/losses.py > test/fixtures/losses.json
"""
import json

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
torch.manual_seed(1)
EXAMPLES, CLASSES = 6, 10
LOGITS = 2 * torch.randn(EXAMPLES, CLASSES)
LABELS = torch.randint(CLASSES, (EXAMPLES,))
# One image is surely of its label, one surely of another.
LOGITS[0, LABELS[0]] += 8
LOGITS[1, (LABELS[1] + 1) % CLASSES] += 8
TARGET = F.softmax(torch.randn(EXAMPLES, CLASSES), 1)
TRANSITION = F.softmax(3 * torch.eye(CLASSES) + torch.randn(CLASSES, CLASSES), 1)
KEPT = torch.tensor([1.0, 0, 1, 1, 0, 1])


def label_smoothing(z, y):
    return F.cross_entropy(z, y, reduction="none", label_smoothing=0.1)


def symmetric(z, y, alpha=0.1, beta=1.0, log_of_zero=-4.0):
    p = F.softmax(z, 1)
    one_hot = F.one_hot(y, CLASSES).to(p)
    logs = torch.where(one_hot > 0, torch.zeros_like(p), torch.full_like(p, log_of_zero))
    return alpha * F.cross_entropy(z, y, reduction="none") - beta * (p * logs).sum(1)


def gce(z, y, q=0.7):
    return (1 - F.softmax(z, 1).gather(1, y[:, None])[:, 0] ** q) / q


def truncated(z, y, q=0.7, k=0.5):
    return (gce(z, y, q) - (1 - k**q) / q) * KEPT


def forward(z, y):
    return F.nll_loss((F.softmax(z, 1) @ TRANSITION).log(), y, reduction="none")


def elr(z, y, beta=0.7, weight=3.0):
    p = F.softmax(z, 1).clamp(1e-4, 1 - 1e-4)
    detached = p.detach()
    target = beta * TARGET + (1 - beta) * detached / detached.sum(1, keepdim=True)
    loss = F.cross_entropy(z, y, reduction="none") + weight * (1 - (target * p).sum(1)).log()
    return loss, target


def selc(z, y, momentum=0.9):
    p = F.softmax(z, 1)
    target = momentum * TARGET + (1 - momentum) * p.detach()
    return -(F.log_softmax(z, 1) * target).sum(1), target


def eps_softmax(z, y, m=1e5, alpha=0.01, beta=5.0):
    p = F.softmax(z, 1)
    pushed = p.clone()
    pushed[torch.arange(EXAMPLES), p.argmax(1)] += m
    pushed = (pushed / (m + 1)).clamp(min=1e-8)
    mae = 2 * (1 - p.gather(1, y[:, None])[:, 0])
    return alpha * F.nll_loss(pushed.log(), y, reduction="none") + beta * mae


def case(loss):
    z = LOGITS.clone().requires_grad_()
    found = loss(z, LABELS)
    losses, target = found if isinstance(found, tuple) else (found, None)
    losses.mean().backward()
    return {
        "losses": losses.tolist(),
        "gradient": z.grad.tolist(),
        **({} if target is None else {"target": target.tolist()}),
    }


print(
    json.dumps(
        {
            "logits": LOGITS.tolist(),
            "labels": LABELS.tolist(),
            "target": TARGET.tolist(),
            "transition": TRANSITION.tolist(),
            "kept": KEPT.tolist(),
            "cases": {
                "label-smoothing": case(label_smoothing),
                "symmetric-cross-entropy": case(symmetric),
                "gce": case(gce),
                "truncated-gce": case(truncated),
                "forward": case(forward),
                "elr": case(elr),
                "selc": case(selc),
                "eps-softmax": case(eps_softmax),
            },
        }
    )
)
