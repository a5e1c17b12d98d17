"""The mixtures of M-DYR-H and DivideMix in NumPy and float64, by their papers: writes test/fixtures/mixtures.json.

python reference/mixtures.py > test/fixtures/mixtures.json
"""
import json
import math

import numpy as np

rng = np.random.default_rng(1)
# As losses are: most labels are learned, the others are not.
LOSSES = np.concatenate([rng.gamma(1.5, 0.25, 180), 2.5 + rng.normal(0, 0.6, 120)]).clip(0.001).astype(np.float32)
rng.shuffle(LOSSES)


def beta_density(x, a, b):
    log = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    return np.exp(log + (a - 1) * np.log(x) + (b - 1) * np.log1p(-x))


def beta_mixture(losses):
    low, high = np.percentile(losses, [5, 95])
    kept = losses[(losses >= low) & (losses <= high)]
    least, most = kept.min(), kept.max()
    x = ((kept - least) / (most - least + 1e-6)).clip(1e-3, 1 - 1e-3)
    a, b, weight = np.array([1.0, 2.0]), np.array([2.0, 1.0]), np.array([0.5, 0.5])
    for _ in range(10):
        density = np.stack([weight[k] * beta_density(x, a[k], b[k]) for k in (0, 1)]).clip(1e-12)
        r = density / density.sum(0)
        mean = (r * x).sum(1) / r.sum(1)
        variance = (r * (x - mean[:, None]) ** 2).sum(1) / r.sum(1)
        a = mean * (mean * (1 - mean) / variance - 1)
        b = a * (1 - mean) / mean
        weight = r.sum(1) / r.sum()
    x = np.arange(101).clip(1e-2, 100 - 1e-2) / 100
    density = np.stack([weight[k] * beta_density(x, a[k], b[k]) for k in (0, 1)])
    table = density[1] / (density.sum(0) + 1e-12)
    table[table.argmax() :] = table.max()
    return {"alphas": a.tolist(), "betas": b.tolist(), "weights": weight.tolist(), "table": table.tolist()}


def gaussian_mixture(losses, floor=5e-4):
    x = (losses - losses.min()) / (losses.max() - losses.min())
    mean, variance, weight = np.array([0.0, 1.0]), np.full(2, x.var() + floor), np.array([0.5, 0.5])
    for _ in range(10):
        density = weight / np.sqrt(variance) * np.exp(-((x[:, None] - mean) ** 2) / (2 * variance))
        r = density / density.sum(1, keepdims=True)
        mean = (r * x[:, None]).sum(0) / r.sum(0)
        variance = (r * (x[:, None] - mean) ** 2).sum(0) / r.sum(0) + floor
        weight = r.mean(0)
    density = weight / np.sqrt(variance) * np.exp(-((x[:, None] - mean) ** 2) / (2 * variance))
    return {
        "means": mean.tolist(),
        "variances": variance.tolist(),
        "weights": weight.tolist(),
        "posteriors": (density[:, 1] / density.sum(1)).tolist(),
    }


double = LOSSES.astype(np.float64)
print(
    json.dumps(
        {
            "losses": double.tolist(),
            "logGamma": {str(x): math.lgamma(x) for x in (0.1, 0.5, 1, 3.7, 40)},
            "beta": beta_mixture(double),
            "gaussian": gaussian_mixture(double),
        }
    )
)
