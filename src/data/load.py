"""The images and labels of this export, of CIFAR-10 from its binary or python version (others are in the export).
NumPy:   data = load("cifar-10-batches-py")   PyTorch: {name: torch.from_numpy(a) for name, a in load(...).items()}"""
import hashlib, json, pathlib, pickle, sys
import numpy as np

HERE = pathlib.Path(__file__).resolve().parent


class Arrays(pickle.Unpickler):
    def find_class(self, module, name):  # a pickle can call anything; this one may only make arrays
        if module.split(".")[0] == "numpy" and name in ("_reconstruct", "ndarray", "dtype"):
            return getattr(np, name, None) or np.zeros(0).__reduce__()[0]
        raise ValueError(f"a batch of CIFAR-10 has arrays only, no {module}.{name}")


def batch(folder, name):
    binary = folder / f"{name}.bin"
    if binary.exists():
        rows = np.fromfile(binary, np.uint8).reshape(-1, 1 + 3 * 32 * 32)
        return rows[:, 1:], rows[:, 0]
    with open(folder / name, "rb") as file:
        content = Arrays(file, encoding="bytes").load()
    return content[b"data"], np.array(content[b"labels"], np.uint8)


def load(cifar10=None):
    """train_images, train_labels (given), train_labels_true, validation_..., test_...: bytes [n, 32, 32, 3], int64 [n]."""
    manifest, data = json.loads((HERE / "manifest.json").read_text()), {}
    names = {"train": [f"data_batch_{i}" for i in range(1, 6)], "test": ["test_batch"]}
    if manifest["imagesFrom"] == "cifar10":
        official = {of: [np.concatenate(a) for a in zip(*(batch(pathlib.Path(cifar10), n) for n in names[of]))] for of in names}
    for split, about in manifest["splits"].items():
        if manifest["imagesFrom"] == "cifar10":
            images, labels = (a[np.load(HERE / f"{split}_indices.npy")] for a in official[about["from"]])
            images = np.ascontiguousarray(images.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
        else:
            true = "train_labels_true" if split == "train" else f"{split}_labels"
            images, labels = np.load(HERE / f"{split}_images.npy"), np.load(HERE / f"{true}.npy").astype(np.uint8)
        if (hashlib.sha256(images).hexdigest(), hashlib.sha256(np.ascontiguousarray(labels)).hexdigest()) != (about["imagesSha256"], about["labelsSha256"]):
            raise ValueError(f"{cifar10 or HERE}: its {split} images or labels are not those of the export (SHA-256)")
        data[f"{split}_images"], data[f"{split}_labels"] = images, labels.astype(np.int64)
    data["train_labels_true"], data["train_labels"] = data["train_labels"], np.load(HERE / "train_labels_given.npy")
    if hashlib.sha256(data["train_labels"].astype(np.uint8)).hexdigest() != manifest["givenLabelsSha256"]:
        raise ValueError("train_labels_given.npy is not as it was exported (SHA-256)")
    return data


if __name__ == "__main__":
    for name, array in load(*sys.argv[1:2]).items():
        print(name, array.dtype, array.shape)
