"""`get_file`: data from the net, once, checked."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import urllib.error
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

from graphc.formats.whole import whole_file
from graphc.keras.utils.progbar import Progbar


def get_file(
    fname: str | None = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: str = "auto",
    cache_dir: Any = None,
) -> str:
    """The path of a file that is fetched if the cache (``~/.keras``) does not have it.

    Raises ``ValueError`` if what came is not what ``file_hash`` says, ``OSError`` if nothing came;
    then nothing is kept.
    """
    if origin is None:
        raise ValueError('Please specify the "origin" argument (URL of the file to download).')
    home = cache_dir or os.environ.get("KERAS_HOME") or Path.home() / ".keras"
    folder = Path(home).expanduser() / cache_subdir
    folder.mkdir(parents=True, exist_ok=True)
    name = os.fspath(fname) if fname else Path(urllib.request.url2pathname(origin)).name
    target = folder / (f"{name}.tar.gz" if untar and not name.endswith(".tar.gz") else name)
    wanted = file_hash or md5_hash
    algorithm = "md5" if file_hash is None and md5_hash else hash_algorithm
    if not target.exists() or not (wanted is None or validate_file(target, wanted, algorithm)):
        _download(origin, target, wanted, algorithm)
    if untar or extract:
        _extract(target, folder)
    return str(folder / name if untar else target)


def validate_file(fpath: Any, file_hash: str, algorithm: str = "auto", **kwargs: Any) -> bool:
    """Whether a file has this sha256 or md5."""
    sha = algorithm == "sha256" or (algorithm == "auto" and len(file_hash) == 64)
    with open(fpath, "rb") as file:
        found = hashlib.file_digest(file, "sha256" if sha else "md5").hexdigest()
    return found == file_hash


def _download(origin: str, target: Path, wanted: str | None, algorithm: str) -> None:
    print(f"Downloading data from {origin}")
    try:
        with whole_file(target) as part:
            _fetch(origin, part)
            if wanted is not None and not validate_file(part, wanted, algorithm):
                raise ValueError(
                    f"Incomplete or corrupted file detected: what {origin} sent does not match the"
                    f" provided hash {wanted}."
                )
    except urllib.error.URLError as error:
        reason = getattr(error, "code", None), getattr(error, "reason", error)
        raise OSError(f"URL fetch failure on {origin}: {reason[0]} -- {reason[1]}") from error


def _fetch(origin: str, target: Path) -> None:
    with urllib.request.urlopen(origin) as source, open(target, "wb") as file:
        bar = Progbar(int(source.headers.get("Content-Length") or 0) or None)
        while block := source.read(1 << 16):
            file.write(block)
            bar.add(len(block))


def _extract(archive: Path, folder: Path) -> None:
    """Unpack a tar or zip file; paths that lead out of the folder are refused."""
    if tarfile.is_tarfile(archive):
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")
    elif zipfile.is_zipfile(archive):
        shutil.unpack_archive(archive, folder, "zip")
