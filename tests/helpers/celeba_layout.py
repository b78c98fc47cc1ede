"""A generated folder in CelebA's official layout."""

from pathlib import Path

from PIL import Image

IDENTITIES, EACH = 20, 3


def write_celeba(data_dir: Path) -> Path:
    """Write 20 identities of 3 images, 178 x 218; red is 10 x the identity and green 4 x the number of the image."""
    folder = data_dir / "celeba"
    (folder / "img_align_celeba").mkdir(parents=True)
    names = [f"{i + 1:06d}.jpg" for i in range(IDENTITIES * EACH)]
    for i, name in enumerate(names):
        colour = (10 * (i % IDENTITIES), 4 * i, 128)
        Image.new("RGB", (178, 218), colour).save(folder / "img_align_celeba" / name, quality=95)
    write = {
        "identity_CelebA.txt": [f"{name} {100 + i % IDENTITIES}" for i, name in enumerate(names)],
        "list_eval_partition.txt": [f"{name} {0 if i < 40 else 1 if i < 50 else 2}" for i, name in enumerate(names)],
        "list_attr_celeba.txt": [
            str(len(names)),
            " ".join(f"Attribute_{a}" for a in range(40)),
            *(
                f"{name} " + "  ".join("1" if (i >> a % 6) & 1 else "-1" for a in range(40))
                for i, name in enumerate(names)
            ),
        ],
    }
    for name, lines in write.items():
        (folder / name).write_text("\n".join(lines) + "\n")
    return data_dir
