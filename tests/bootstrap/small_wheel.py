"""A wheel of one line, and a lock that names it: an environment can be made of it without any network."""

import hashlib
import zipfile
from pathlib import Path


def write_wheel(folder: Path, version: str, name: str = "tiny") -> Path:
    """A wheel whose one module says its version."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: by hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{each},,\n" for each in (*files, f"{info}/RECORD"))
    with zipfile.ZipFile(path, "w") as wheel:
        for each, content in {**files, f"{info}/RECORD": record}.items():
            wheel.writestr(each, content)
    return path


def lock_of(wheel: Path, digest: str | None = None) -> str:
    """The lock that installs this wheel from its folder and from nowhere else."""
    name, version = wheel.name.split("-")[:2]
    found = digest or hashlib.sha256(wheel.read_bytes()).hexdigest()
    return f"--no-index\n--find-links {wheel.parent}\n{name}=={version} \\\n    --hash=sha256:{found}\n"
