"""Generate libs/protocol from contracts/proto, and keep the contract that clients already hold.

`python tools/generate_protocol.py` writes the checked-in code; `--check` regenerates into a temporary folder and
exits 1 if anything differs. contracts/promised.binpb.gz is the contract as last generated: `buf breaking` compares with
it, and it is renewed by what does not break it (or with `--break-promise`, for the changelog to tell).

The definition of the validation rules (buf/validate) comes from the descriptor that the installed protovalidate package
carries, so that generator and validator can never disagree.
"""

import argparse
import filecmp
import gzip
import os
import shutil
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path

from google.protobuf import descriptor_pb2, descriptor_pool

ROOT = Path(__file__).resolve().parent.parent
CONTRACTS = ROOT / "contracts" / "proto"
TARGET = ROOT / "libs" / "protocol" / "src"
PACKAGES = ("trading", "buf")
PROMISED = ROOT / "contracts" / "promised.binpb.gz"
# buf's extension of FileDescriptorProto (field 8042) with is_import = true: a file to read, not one to judge.
IMPORT_MARK = bytes([0xD2, 0xF6, 0x03, 0x02, 0x08, 0x01])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    parser.add_argument("--break-promise", action="store_true", help="renew the promised contract even if it breaks")
    parser.add_argument("--image", type=Path, help="only write the descriptor image for buf to this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rules = Path(folder) / "rules.binpb"
        rules.write_bytes(rules_image().SerializeToString())
        image = options.image or Path(folder) / "image.binpb"
        write_image(rules, image)
        if options.image:
            return 0
        generated = Path(folder) / "generated"
        generated.mkdir()
        generate(rules, generated)
        if options.check:
            return report(differences(generated, TARGET))
        for name in differences(generated, TARGET):
            replace(generated / name, TARGET / name)
        return promise(image, options.break_promise)


def promise(image: Path, even_if_broken: bool) -> int:
    """Renew the promised contract from the image, unless that breaks what clients hold."""
    if PROMISED.exists() and not even_if_broken:
        compared = buf("breaking", str(image), "--against", str(PROMISED))
        if compared.returncode != 0:
            print(compared.stdout, "Clients would break: see CONTRIBUTING.md, Contracts.", file=sys.stderr)
            return 1
    new = gzip.compress(without_comments(image.read_bytes()), mtime=0)
    PROMISED.write_bytes(new)
    return 0


def buf(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [str(Path(sys.executable).parent / "buf"), *arguments, "--config", str(ROOT / "buf.yaml")]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def rules_image() -> descriptor_pb2.FileDescriptorSet:
    """buf/validate/validate.proto and what it imports, as descriptors."""
    carried = import_module("protovalidate._gen.buf.validate.validate_pb")
    file = descriptor_pb2.FileDescriptorProto.FromString(carried.desc().proto.to_binary())
    image = descriptor_pb2.FileDescriptorSet()
    for dependency in file.dependency:
        import_module(dependency.removesuffix(".proto").replace("/", ".") + "_pb2")
        descriptor_pool.Default().FindFileByName(dependency).CopyToProto(image.file.add())
    image.file.append(file)
    return image


def sources() -> list[str]:
    return sorted(str(path.relative_to(CONTRACTS)) for path in CONTRACTS.rglob("*.proto"))


def protoc(rules: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{CONTRACTS}", f"--descriptor_set_in={rules}"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # the plugins stand beside the interpreter
    subprocess.run([*command, *arguments], check=True, env=os.environ | {"PATH": path})


def write_image(rules: Path, image: Path) -> None:
    """The image that buf reads: our files to judge, what they import marked as such."""
    image.parent.mkdir(parents=True, exist_ok=True)
    protoc(rules, "--include_source_info", f"--descriptor_set_out={image}", "--include_imports", *sources())
    ours = set(sources())
    files = descriptor_pb2.FileDescriptorSet.FromString(image.read_bytes())
    for file in files.file:
        if file.name not in ours:
            file.MergeFromString(IMPORT_MARK)
    image.write_bytes(files.SerializeToString())


def without_comments(image: bytes) -> bytes:
    files = descriptor_pb2.FileDescriptorSet.FromString(image)
    for file in files.file:
        file.ClearField("source_code_info")
    return files.SerializeToString(deterministic=True)


def generate(rules: Path, target: Path) -> None:
    outputs = [f"--python_out={target}", f"--mypy_out=quiet:{target}"]
    protoc(rules, *outputs, "buf/validate/validate.proto", *sources())
    with_services = [name for name in sources() if "\nservice " in (CONTRACTS / name).read_text()]
    protoc(rules, f"--grpc_python_out={target}", f"--mypy_grpc_out=quiet:{target}", *with_services)
    for folder in sorted({path.parent for path in target.rglob("*.py")} | {target / package for package in PACKAGES}):
        (folder / "__init__.py").touch()
    for package in PACKAGES:
        (target / package / "py.typed").touch()


def differences(generated: Path, checked_in: Path) -> list[str]:
    found = []
    for package in PACKAGES:
        names = {path.relative_to(base) for base in (generated, checked_in) for path in (base / package).rglob("*.py*")}
        for name in sorted(names):
            if "__pycache__" in name.parts:
                continue
            new, old = generated / name, checked_in / name
            if not new.exists() or not old.exists() or not filecmp.cmp(new, old, shallow=False):
                found.append(str(name))
    return found


def replace(new: Path, old: Path) -> None:
    """Only what differs is written: whoever runs beside us finds every module at every moment."""
    if not new.exists():
        old.unlink()
        return
    old.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(new, old)


def report(found: list[str]) -> int:
    for name in found:
        print(f"libs/protocol/src/{name} is not what contracts/proto generates: run `make generate`", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
