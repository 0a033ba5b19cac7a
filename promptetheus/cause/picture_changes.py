"""How two screenshots differ: not at all, not to the eye, in a region, or altogether."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from promptetheus.pictures import Decoded, PictureError, decode

if TYPE_CHECKING:
    from PIL.Image import Image

WORKING_PX = (1_280.0, 2_000.0)
"""Pictures are compared at this size at most: as sharp as a person sees them, and bounded in time (about 40 ms)."""

_VISIBLE = 24
"""By how much of 255 a colour must differ in a pixel to be seen."""

_BLOCK = 4
_CROWDED = 255 * 3 // 16
"""At least three of the 16 pixels of a block."""

_ALTOGETHER = 0.6
"""Share of changed pixels beyond which a box around them says nothing."""

_HASH_SIDE = 8
_ANOTHER_HASH = 26
"""Of 64 bits; unrelated pictures differ in about half of them."""


class PictureKind(StrEnum):
    """The verdict on a pair of pictures."""

    SAME = "the same picture"
    ALIKE = "the same to the eye"
    REGION = "changed in a region"
    OTHER = "another picture"
    LEFT_ONLY = "only on the left"
    RIGHT_ONLY = "only on the right"
    UNREADABLE = "cannot be compared"


class Box(NamedTuple):
    """A region in pixels of the right picture."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True, slots=True)
class PictureChange:
    """What came of holding one picture against another."""

    kind: PictureKind
    region: Box | None = None
    """Around everything that changed."""
    share: float = 0.0
    """Of the pixels, how many changed: 0 to 1."""
    distance: int = 0
    """Of their perceptual hashes, in bits of 64."""
    reason: str = ""
    """Why they cannot be compared."""

    @property
    def is_visible(self) -> bool:
        """Whether a person would see the difference."""
        return self.kind not in (PictureKind.SAME, PictureKind.ALIKE, PictureKind.UNREADABLE)

    def describe(self) -> str:
        """One line."""
        if self.kind is PictureKind.UNREADABLE:
            return f"the pictures cannot be compared: {self.reason}"
        if self.region is None:
            return self.kind.value
        x, y, right, bottom = self.region
        share = "less than 1 %" if self.share < 0.01 else f"{self.share:.0%}"
        return (
            f"{self.kind.value}: {right - x}×{bottom - y} pixels at {x}, {y}; {share} of the picture differs"
        )


def picture_changes(before: bytes, after: bytes) -> PictureChange:
    """Compare two pictures given as files. What cannot be decoded is said in the result; never raises."""
    if before == after:
        return PictureChange(PictureKind.SAME)
    try:
        one, other = decode(before, WORKING_PX), decode(after, WORKING_PX)
    except PictureError as error:
        return PictureChange(PictureKind.UNREADABLE, reason=str(error))
    if one.width_px != other.width_px:
        distance = _distance(one.image, other.image)
        kind = PictureKind.OTHER if distance else PictureKind.ALIKE
        return PictureChange(kind, share=1.0 if distance else 0.0, distance=distance)
    return _of_same_width(one, other)


def _distance(one: Image, other: Image) -> int:
    return (perceptual_hash(one) ^ perceptual_hash(other)).bit_count()


def perceptual_hash(image: Image) -> int:
    """64 bits that say where a picture gets brighter from left to right (dHash): alike for pictures that look alike.

    After Neal Krawetz, "Kind of Like That", hackerfactor.com, 2013.
    """
    from PIL import Image as pillow

    grey = _flat(image).convert("L").resize((_HASH_SIDE + 1, _HASH_SIDE), pillow.Resampling.BOX)
    values = grey.tobytes()
    found = 0
    for y in range(_HASH_SIDE):
        row = values[y * (_HASH_SIDE + 1) : (y + 1) * (_HASH_SIDE + 1)]
        for x in range(_HASH_SIDE):
            found = found << 1 | (row[x] < row[x + 1])
    return found


def _of_same_width(one: Decoded, other: Decoded) -> PictureChange:
    from PIL import Image as pillow
    from PIL import ImageChops

    # Of pages of different lengths what both have is compared; the rest of the longer one is changed.
    scale = other.width_px / other.image.width
    left, right = one.image, other.image
    if left.width != right.width:  # scaled to fit by their heights
        width = min(left.width, right.width)
        left, right = (
            image.resize((width, max(1, round(image.height * width / image.width))))
            for image in (left, right)
        )
        scale = other.width_px / width
    width, height = right.width, max(left.height, right.height)
    canvases = []
    for image in (left, right):
        canvas = pillow.new("RGB", (width, height), "#000000")
        canvas.paste(_flat(image), (0, 0))
        canvases.append(canvas)
    red, green, blue = ImageChops.difference(*canvases).split()
    most = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    mask = _visible(most)
    shorter = min(left.height, right.height)
    distance = _distance(*(image.crop((0, 0, width, shorter)) for image in (left, right)))
    if shorter < height:
        mask.paste(255, (0, shorter, width, height))
    box = mask.getbbox()
    if box is None:
        return PictureChange(PictureKind.ALIKE, distance=distance)
    share = mask.histogram()[255] / (width * height)
    if share > _ALTOGETHER or distance > _ANOTHER_HASH:
        return PictureChange(PictureKind.OTHER, share=share, distance=distance)
    region = Box(
        int(box[0] * scale),
        int(box[1] * scale),
        min(other.width_px, round(box[2] * scale)),
        round(box[3] * scale),
    )
    return PictureChange(PictureKind.REGION, region, share, distance)


def _visible(difference: Image) -> Image:
    """Where a difference is seen: single pixels are artefacts of compression, a letter is many in one place."""
    from PIL import Image as pillow
    from PIL import ImageChops

    mask = difference.point([255 if level >= _VISIBLE else 0 for level in range(256)])
    blocks = mask.reduce(_BLOCK).point([255 if level >= _CROWDED else 0 for level in range(256)])
    whole = blocks.resize((blocks.width * _BLOCK, blocks.height * _BLOCK), pillow.Resampling.NEAREST)
    crowded = whole.crop((0, 0, *mask.size))
    return ImageChops.darker(mask, crowded)


def _flat(image: Image) -> Image:
    from PIL import Image as pillow

    flat = pillow.new("RGB", image.size, "#ffffff")
    flat.paste(image, mask=image.getchannel("A"))
    return flat
