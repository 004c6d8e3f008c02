"""Measures photos into a folder: pictures, files for other programs, and a record of them."""

import hashlib
import re
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import msgspec

import seamline
from seamline.buildings.building_names import name_buildings
from seamline.buildings.camera import read_camera
from seamline.buildings.files.folder import missing_packages, write_photo_files, write_record_files
from seamline.buildings.files.pictures import encode_picture, upright_exif
from seamline.buildings.measurer import Measurer, PhotoOrigin
from seamline.buildings.picture import draw_front, draw_fronts
from seamline.buildings.totals import building_totals
from seamline.data.image_io import PhotoPixels
from seamline.data.limits import is_out_of_memory
from seamline.data.pixel_meaning import Trait, TraitCounts, conversion_warning, unused_data
from seamline.data.preprocess import resize_max_side
from seamline.errors import SeamlineError
from seamline.inference.decode import decode_ahead
from seamline.inference.find_images import Photo, PhotoListing, find_photos
from seamline.inference.predict import OUT_OF_MEMORY, Progress, ignore_progress
from seamline.io import write_bytes
from seamline.run_folder import MeasuredPhoto, MeasuresRecord, PhotoError, measures_record
from seamline.run_folder.fields import to_json

PICTURE_SIDE = 1600
"""Longer side in pixels of the pictures that are written."""

_PICTURE = re.compile(r"(?P<stem>.+)\.(photo|front-\d+)\.jpg")  # that is written
_RECORD_SECONDS = 10.0  # between two writings of the record


@dataclass(frozen=True)
class MeasureFolder:
    """Where measures go, and what decides them."""

    measurer: Measurer
    folder: Path
    group: str | None = None  # see `name_buildings`
    keep_exif: bool = False  # whether pictures keep the EXIF data of their photos

    @property
    def settings(self) -> dict[str, str]:
        """What decides the measures of a photo: option -> value; results with other settings are not used again."""
        measurer = self.measurer
        settings = dict(measurer.options.settings)
        if self.keep_exif:
            settings["keep_exif"] = "yes"
        metadata = measurer.predictor.metadata
        settings |= {"weights": metadata.fingerprint, "temperature": f"{metadata.temperature:g}"}
        settings["seamline"] = seamline.__version__
        if missing_packages():
            settings["extra_buildings"] = "not installed"
        if measurer.calibration:
            settings["calibration"] = hashlib.sha256(to_json(measurer.calibration)).hexdigest()[:32]
        return settings

    def measured(self, record: MeasuresRecord | None) -> dict[str, MeasuredPhoto]:
        """Return the photos that an earlier call measured with these settings: file -> measures."""
        if record is None or record.settings != self.settings:
            return {}
        return {photo.file: photo for photo in record.photos}


def measure_photos(
    target: MeasureFolder, photos: Sequence[Path | str], progress: Progress | None = None
) -> MeasuresRecord:
    """Measure photos into a folder; photos that an earlier call measured with the same settings are not measured again.

    A photo that cannot be measured does not stop the others: the record has its reason. The record is written every few
    seconds and at the end, so that an interruption loses little.

    Args:
        target: the model and the folder.
        photos: files, folders (searched recursively) and patterns.
        progress: called as the work proceeds.

    Returns:
        What `measures.json` holds.

    Raises:
        SeamlineError: there is no photo, corners are given for several photos, `group` does not fit, or the folder
            cannot be written to or holds a photo that a result would overwrite.
    """
    listing = find_photos(photos)
    if target.measurer.options.corners is not None and len(listing.photos) > 1:
        raise SeamlineError(f"--corners: are those of one photo, and {len(listing.photos)} photos are given; give one")
    _check_collisions(target.folder, listing.photos)
    session = _Session(target, listing, progress or ignore_progress)
    try:
        target.folder.mkdir(parents=True, exist_ok=True)
        return session.run()
    except OSError as error:
        reason = error.strerror or str(error)
        raise SeamlineError(f"{target.folder}: cannot be written to ({reason}); name another with --out") from None


class _Session:
    """One call of `measure_photos`."""

    def __init__(self, target: MeasureFolder, listing: PhotoListing, progress: Progress) -> None:
        buildings = name_buildings([photo.file for photo in listing.photos], target.group)
        self.target, self.listing, self.progress = target, listing, progress
        self.buildings = dict(zip(listing.photos, buildings.names, strict=True))
        novelty = target.measurer.predictor.novelty_unavailable
        self.warnings = (*buildings.warnings, *missing_packages(), *filter(None, [novelty]))
        self.traits = TraitCounts()  # unusual properties of the photos
        self.record_file = measures_record(target.folder)
        record = _read_record(target.folder)
        self.earlier = {photo.file: photo for photo in record.photos} if record else {}
        usable = target.measured(record)
        # measured by an earlier call, and not come to yet in this one; an interruption leaves them in the record
        self.waiting = {
            photo: usable[str(photo.file)]
            for photo in listing.photos
            if str(photo.file) in usable and _is_current(usable[str(photo.file)], photo, target.folder)
        }
        self.photos: list[MeasuredPhoto] = []
        self.errors = list(listing.errors)

    def run(self) -> MeasuresRecord:
        """Measure the photos that are not measured yet, and return the record."""
        total = len(self.listing.photos)
        self.record_file.write(self._record())  # fails before the work where the folder cannot be written to
        unmeasured = [photo for photo in self.listing.photos if photo not in self.waiting]
        written, decoded = time.monotonic(), decode_ahead(unmeasured, self.target.measurer.predictor.bit_depth)
        try:
            for index, photo in enumerate(self.listing.photos):
                self.progress(index, total, str(photo.file))
                self._add(photo, None if photo in self.waiting else next(decoded))
                self.progress(index + 1, total, str(photo.file))
                if time.monotonic() - written > _RECORD_SECONDS:
                    self.record_file.write(self._record())
                    written = time.monotonic()
        finally:
            record = self._record()
            self.record_file.write(record)
        write_record_files(self.target.folder, record)
        return record

    def _record(self) -> MeasuresRecord:
        measurer, photos = self.target.measurer, (*self.photos, *self.waiting.values())
        return MeasuresRecord(
            model=str(measurer.predictor.path),
            roles=measurer.roles.by_class,
            level=measurer.calibration.level if measurer.calibration else None,
            settings=self.target.settings,
            photos=photos,
            errors=tuple(self.errors),
            totals=building_totals(photos),
            unused=(*self.listing.unused, *unused_data(self.traits)),
            warnings=tuple(filter(None, [*self.warnings, conversion_warning(self.traits)])),
        )

    def _add(self, photo: Photo, decoded: "Future[PhotoPixels] | None") -> None:
        """Measure a photo, or take its measures from an earlier call; an error becomes one of the record."""
        file = str(photo.file)
        try:
            measured = self._take_over(photo) if decoded is None else self._measure(photo, decoded.result())
            self.photos.append(measured)
        except SeamlineError as error:
            self.errors.append(PhotoError(file=file, reason=str(error).removeprefix(f"{file}: ")))
        except (MemoryError, RuntimeError) as error:  # PyTorch raises RuntimeErrors
            if not is_out_of_memory(error):
                raise
            self.errors.append(PhotoError(file=file, reason=OUT_OF_MEMORY))

    def _take_over(self, photo: Photo) -> MeasuredPhoto:
        """Return the measures of an earlier call, of the building that the photo belongs to now."""
        earlier, building = self.waiting.pop(photo), self.buildings[photo]
        self.traits.add(earlier.file, Trait(earlier.traits))
        fronts = tuple(msgspec.structs.replace(front, building=building) for front in earlier.fronts)
        if fronts == earlier.fronts:
            return earlier
        measured = msgspec.structs.replace(earlier, fronts=fronts)
        write_photo_files(self.target.folder, measured)
        return measured

    def _measure(self, photo: Photo, decoded: PhotoPixels) -> MeasuredPhoto:
        """Measure a photo and write its files, in place of those of an earlier call."""
        pixels, traits, _ = decoded
        self.traits.add(str(photo.file), traits)
        if earlier := self.earlier.get(str(photo.file)):
            _remove_files(self.target.folder, earlier)
        camera = read_camera(photo.file)
        origin = PhotoOrigin(str(photo.file), photo.stem, camera.focal_length, camera.gps, self.buildings[photo])
        exif = upright_exif(photo.file) if self.target.keep_exif else b""
        measured = self.target.measurer(pixels, origin)
        measured = msgspec.structs.replace(
            measured,
            version=_version(photo.file),
            traits=int(traits),
            warnings=(*measured.warnings, *camera.warnings),
        )
        small = resize_max_side(pixels, 3, PICTURE_SIDE)
        scale = max(small.shape[:2]) / max(pixels.shape[:2])
        pictures = {"photo": draw_fronts(small, measured.fronts, scale)}
        pictures |= {front.id: draw_front(pixels, front) for front in measured.fronts}
        for name, picture in pictures.items():
            write_bytes(self.target.folder / f"{photo.stem}.{name}.jpg", encode_picture(picture, exif=exif))
        write_photo_files(self.target.folder, measured)
        return measured


def _read_record(folder: Path) -> MeasuresRecord | None:
    """Return the record of an earlier call; None where there is none, or where it cannot be read."""
    try:
        return measures_record(folder).read_optional()
    except SeamlineError:
        return None


def _is_current(measured: MeasuredPhoto, photo: Photo, folder: Path) -> bool:
    """Return whether a photo has not changed since an earlier call measured it, and its pictures are there."""
    pictures = [f"{photo.stem}.{name}.jpg" for name in ("photo", *(front.id for front in measured.fronts))]
    unchanged = (measured.version, measured.stem) == (_version(photo.file), photo.stem)
    return unchanged and all((folder / picture).is_file() for picture in pictures)


def _remove_files(folder: Path, measured: MeasuredPhoto) -> None:
    """Remove the files of a photo and its fronts, which may be more than it has now."""
    names = ["photo.jpg", "city.json"]
    names += [f"{front.id}.{suffix}" for front in measured.fronts for suffix in ("jpg", "svg", "dxf")]
    for name in names:
        (folder / f"{measured.stem}.{name}").unlink(missing_ok=True)


def _check_collisions(folder: Path, photos: Sequence[Photo]) -> None:
    """Refuse a folder in which a result would overwrite one of the photos."""
    stems = {photo.stem for photo in photos}
    for photo in photos:
        result = _PICTURE.fullmatch(photo.file.name)
        if result and result["stem"] in stems and photo.file.absolute().parent.resolve() == folder.resolve():
            raise SeamlineError(f"{photo.file}: a result would overwrite this photo; name another folder with --out")


def _version(file: Path) -> str:
    """Return size and time of the last change of a file; empty where it is gone."""
    try:
        status = file.stat()
    except OSError:
        return ""
    return f"{status.st_size}-{status.st_mtime_ns}"
