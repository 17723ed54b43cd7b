"""Generate libs/protocol from contracts/proto, and the image that `buf` lints and compares.

`python tools/generate_protocol.py` writes the checked-in code; `--check` regenerates into a temporary folder and
exits 1 if anything differs. The definition of the validation rules (buf/validate) comes from the descriptor that the
installed protovalidate package carries, so that generator and validator can never disagree.
"""

import argparse
import filecmp
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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    parser.add_argument("--image", type=Path, help="also write the descriptor image for buf to this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rules = Path(folder) / "rules.binpb"
        rules.write_bytes(rules_image().SerializeToString())
        if options.image:
            write_image(rules, options.image)
        generated = Path(folder) / "generated"
        generated.mkdir()
        generate(rules, generated)
        if options.check:
            return report(differences(generated))
        for package in PACKAGES:
            shutil.rmtree(TARGET / package, ignore_errors=True)
            shutil.copytree(generated / package, TARGET / package)
    return 0


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
    image.parent.mkdir(parents=True, exist_ok=True)
    protoc(rules, "--include_source_info", f"--descriptor_set_out={image}", "--include_imports", *sources())


def generate(rules: Path, target: Path) -> None:
    outputs = [f"--python_out={target}", f"--mypy_out=quiet:{target}"]
    protoc(rules, *outputs, "buf/validate/validate.proto", *sources())
    with_services = [name for name in sources() if "\nservice " in (CONTRACTS / name).read_text()]
    protoc(rules, f"--grpc_python_out={target}", f"--mypy_grpc_out=quiet:{target}", *with_services)
    for folder in sorted({path.parent for path in target.rglob("*.py")} | {target / package for package in PACKAGES}):
        (folder / "__init__.py").touch()
    for package in PACKAGES:
        (target / package / "py.typed").touch()


def differences(generated: Path) -> list[str]:
    found = []
    for package in PACKAGES:
        names = {path.relative_to(base) for base in (generated, TARGET) for path in (base / package).rglob("*.py*")}
        for name in sorted(names):
            if "__pycache__" in name.parts:
                continue
            new, old = generated / name, TARGET / name
            if not new.exists() or not old.exists() or not filecmp.cmp(new, old, shallow=False):
                found.append(str(name))
    return found


def report(found: list[str]) -> int:
    for name in found:
        print(f"libs/protocol/src/{name} is not what contracts/proto generates: run `make generate`", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
