"""What people wear and hold, drawn on a bare face: masks of every kind, masks worn wrong, and things that are no mask.

Places are shares of the face box, (across, down): eyes at 0.39 down, the tip of the nose at 0.60 and its lower end at
0.65, the corners of the mouth at 0.745, the chin at 1 (see `head`). Without landmarks, a finder's boxes are only exact
to a few hundredths, and so are the drawings: they add variety to real photographs and do not replace them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import cv2
import numpy as np

from maskwatch.flow import Box, Image, Label
from training.augment import transplant
from training.augment.canvas import Canvas, Generator, ellipse, plain
from training.augment.fabric import cloth, mask_colour
from training.augment.head import TURNED, Head, pixels, upright
from training.pictures.data import CLASSES

Thing = TypeVar("Thing")
Drawing = Callable[[Image, Box, Generator], Image]  # (H, W, 3) uint8 RGB and the face in it -> the same shape


def mask(image: Image, box: Box, rng: Generator) -> Image:
    """A mask over nose, mouth and chin: pleated, cloth or respirator."""
    return _mask(image, box, rng, top=rng.uniform(0.42, 0.53), bottom=rng.uniform(0.98, 1.1))


def nose_out(image: Image, box: Box, rng: Generator) -> Image:
    """A mask over the mouth only."""
    return _mask(image, box, rng, top=rng.uniform(0.68, 0.75), bottom=rng.uniform(1.0, 1.12))


def on_chin(image: Image, box: Box, rng: Generator) -> Image:
    """A mask pulled down under the mouth."""
    return _mask(image, box, rng, top=rng.uniform(0.88, 0.95), bottom=rng.uniform(1.15, 1.3))


def _mask(image: Image, box: Box, rng: Generator, top: float, bottom: float) -> Image:
    canvas = Canvas.around(image, box, rng)
    texture = cloth(canvas.patch.shape, rng, box.width, canvas.skin())
    # A cup-shaped or folded respirator rises to the nose and leaves the cheeks free.
    inset, dip = rng.uniform(0.0, 0.1), rng.uniform(*(CUP_DIP if rng.random() < CUPS else FLAT_DIP))
    corner = top + dip
    lower = bottom - min(rng.uniform(0.1, 0.22), 0.5 * (bottom - corner))
    beak = rng.uniform(0, 0.05) if rng.random() < 0.3 else 0.0  # a respirator reaches beyond the chin
    outline = [
        *((inset, corner), (0.25, top + 0.4 * dip), (0.4, top), (0.5, top - 0.01)),
        *((0.6, top), (0.75, top + 0.4 * dip), (1 - inset, corner)),
        *((0.99 - inset, 0.5 * (corner + lower)), (0.88 - inset, lower), (0.66, bottom - 0.02)),
        *((0.5, bottom + beak), (0.34, bottom - 0.02), (0.12 + inset, lower), (0.01 + inset, 0.5 * (corner + lower))),
    ]
    strap = mask_colour(rng) if rng.random() < 0.3 else np.full(3, rng.uniform(60, 245), np.float32)
    ear = rng.uniform(0.35, 0.55)
    for side in (0.0, 1.0):
        start = abs(side - inset)
        for height in (corner + 0.02, lower - 0.02):
            if rng.random() < 0.85:
                canvas.line([(start, height), (side + (side - 0.5) * 0.16, ear)], strap, rng.uniform(0.01, 0.03), rng)
    canvas.fill(outline, texture, rng)
    shade = plain(canvas.patch.shape, texture.mean(axis=(0, 1)) * rng.uniform(0.55, 0.8))
    kind = rng.choice(["pleats", "seam", "valve", "smooth"], p=[0.4, 0.25, 0.08, 0.27])
    if kind == "pleats":
        for share in (0.3, 0.5, 0.7):
            down = top + share * (bottom - top)
            fold = [(0.08 + inset, down + 0.02), (0.3, down), (0.7, down), (0.92 - inset, down + 0.02)]
            canvas.line(fold, shade[0, 0], rng.uniform(0.006, 0.015), rng, opacity=rng.uniform(0.3, 0.8))
    elif kind == "seam":
        canvas.line([(0.5, top), (0.5, bottom)], shade[0, 0], 0.012, rng, opacity=rng.uniform(0.3, 0.8))
    elif kind == "valve":
        at = (rng.uniform(0.3, 0.7), 0.5 * (top + bottom) + 0.05)
        canvas.fill(ellipse(at, 0.09, 0.08), plain(canvas.patch.shape, rng.uniform(40, 240, 1).repeat(3)), rng)
    if rng.random() < 0.4:  # the wire over the nose, or the hem
        canvas.line(outline[:7], shade[0, 0], rng.uniform(0.01, 0.025), rng, opacity=0.6)
    if rng.random() < PRINTED:
        _print_lips(canvas, 0.4 * top + 0.6 * bottom, rng)
    return canvas.done()


def _print_lips(canvas: Canvas, down: float, rng: Generator) -> None:
    """Print a mouth on the cloth: lips and the line between them."""
    lips = np.array(((190, 60, 70), (150, 40, 50), (225, 120, 130), (40, 30, 30))[rng.integers(4)], np.float32)
    across, high = rng.uniform(0.12, 0.24), rng.uniform(0.03, 0.06)
    canvas.fill(ellipse((0.5, down), across, high), plain(canvas.patch.shape, lips), rng)
    between = plain(canvas.patch.shape, rng.choice([30.0, 240.0], 1).repeat(3))
    canvas.fill(ellipse((0.5, down), 0.7 * across, high * rng.uniform(0.1, 0.5)), between, rng)


def hand(image: Image, box: Box, rng: Generator) -> Image:
    """A hand in front of the mouth, fingers to one side."""
    canvas = Canvas.around(image, box, rng)
    skin = canvas.skin() * rng.uniform(0.8, 1.1) + rng.normal(0, 6, 3)
    side, down = rng.choice([-1.0, 1.0]), rng.uniform(0.74, 0.92)
    palm = (0.5 + side * rng.uniform(0.25, 0.5), down + rng.uniform(0.05, 0.25))
    canvas.fill([palm, *ellipse(palm, 0.3, 0.26)][1:], plain(canvas.patch.shape, skin * 0.95), rng)
    slope = rng.uniform(-0.35, 0.35)
    for finger in range(4):
        start = (palm[0], palm[1] - 0.2 + 0.11 * finger)
        end = (0.5 - side * rng.uniform(0.12, 0.32), start[1] - slope + rng.uniform(-0.03, 0.03))
        canvas.line([start, end], skin * rng.uniform(0.55, 0.7), 0.14, rng)
        canvas.line([start, end], skin * rng.uniform(0.95, 1.05), 0.115, rng)
    return canvas.done()


def cup(image: Image, box: Box, rng: Generator) -> Image:
    """A cup at the mouth, below the nose."""
    canvas = Canvas.around(image, box, rng)
    top, bottom = rng.uniform(0.68, 0.76), rng.uniform(1.0, 1.3)
    middle, rim, foot = rng.uniform(0.4, 0.6), rng.uniform(0.17, 0.3), rng.uniform(0.12, 0.2)
    colour = mask_colour(rng)
    canvas.fill(
        [(middle - rim, top), (middle + rim, top), (middle + foot, bottom), (middle - foot, bottom)],
        cloth(canvas.patch.shape, rng, box.width) if rng.random() < 0.3 else plain(canvas.patch.shape, colour),
        rng,
    )
    canvas.fill(ellipse((middle, top), rim, 0.035), plain(canvas.patch.shape, colour * 0.7), rng)
    if rng.random() < 0.7:
        skin, side = canvas.skin(), rng.choice([-1.0, 1.0])
        for finger in range(4):
            down = top + 0.1 + 0.1 * finger
            canvas.line([(middle + side * 0.5, down + 0.1), (middle - side * 0.1, down)], skin * 0.95, 0.1, rng)
    return canvas.done()


def microphone(image: Image, box: Box, rng: Generator) -> Image:
    """A microphone held to the mouth."""
    canvas = Canvas.around(image, box, rng)
    dark = np.full(3, rng.uniform(10, 90), np.float32)
    head = (0.5 + rng.normal(0, 0.08), rng.uniform(0.84, 0.98))
    canvas.line([head, (head[0] + rng.uniform(-0.4, 0.4), head[1] + 0.7)], dark * 0.8, 0.13, rng)
    size = rng.uniform(0.09, 0.16)
    foam = cloth(canvas.patch.shape, rng, box.width) if rng.random() < 0.3 else plain(canvas.patch.shape, dark)
    canvas.fill(ellipse(head, size, size * 0.95), foam, rng)
    return canvas.done()


def scarf(image: Image, box: Box, rng: Generator) -> Image:
    """A scarf or collar around the neck, at most up to the mouth: the nose is free."""
    canvas = Canvas.around(image, box, rng)
    top = rng.uniform(0.8, 1.02)
    texture = cloth(canvas.patch.shape, rng, box.width)
    edge = [(share, top + rng.normal(0, 0.02) + 0.1 * (2 * share - 1) ** 2) for share in np.linspace(-0.25, 1.25, 8)]
    canvas.fill([*edge, (1.4, 1.8), (-0.4, 1.8)], texture, rng)
    for _ in range(int(rng.integers(1, 4))):
        down = top + rng.uniform(0.1, 0.5)
        fold = [(-0.25, down + rng.normal(0, 0.08)), (0.5, down), (1.25, down + rng.normal(0, 0.08))]
        canvas.line(fold, texture.mean(axis=(0, 1)) * 0.6, 0.03, rng, opacity=0.6)
    return canvas.done()


def beard(image: Image, box: Box, rng: Generator) -> Image:
    """A full beard with a moustache; the lips stay free."""
    canvas = Canvas.around(image, box, rng)
    height, width = canvas.patch.shape[:2]
    tone = np.array([[35, 26, 20], [70, 48, 30], [120, 115, 110], [20, 18, 18]])[rng.integers(4)].astype(np.float32)
    fine = cv2.GaussianBlur(rng.standard_normal((height, width)).astype(np.float32), (0, 0), 0.6, sigmaY=2.0)
    hair = (tone + 40 * fine[..., None]).clip(0, 255).astype(np.float32)
    below, length = canvas.patch.copy(), rng.uniform(1.0, 1.25)
    canvas.fill(
        [
            *((0.02, 0.6), (0.12, 0.72), (0.28, 0.73), (0.42, 0.69), (0.5, 0.7), (0.58, 0.69), (0.72, 0.73)),
            *((0.88, 0.72), (0.98, 0.6), (0.95, 0.85), (0.78, length), (0.5, length + 0.06), (0.22, length)),
            (0.05, 0.85),
        ],
        hair,
        rng,
        opacity=rng.uniform(0.75, 1.0),
    )
    canvas.uncover(ellipse((0.5, 0.8), rng.uniform(0.14, 0.19), rng.uniform(0.03, 0.05)), below)
    return canvas.done()


def sunglasses(image: Image, box: Box, rng: Generator) -> Image:
    """Dark lenses and their frame."""
    canvas = Canvas.around(image, box, rng)
    dark = rng.uniform(5, 70, 3).astype(np.float32)
    down, across = rng.uniform(0.37, 0.43), rng.uniform(0.13, 0.18)
    canvas.line([(-0.02, down - 0.02), (0.3, down - 0.04), (0.7, down - 0.04), (1.02, down - 0.02)], dark, 0.03, rng)
    for middle in (0.3, 0.7):
        lens = ellipse((middle, down), across, rng.uniform(0.08, 0.11))
        canvas.fill(lens, plain(canvas.patch.shape, dark), rng, opacity=rng.uniform(0.75, 1.0))
    return canvas.done()


def goggles(image: Image, box: Box, rng: Generator) -> Image:
    """Safety, swimming or ski goggles: a wide frame with one pane or two, clear or dark, and a band around the head."""
    canvas = Canvas.around(image, box, rng)
    rim, pane = mask_colour(rng), np.full(3, rng.uniform(10, 235), np.float32) * rng.uniform(0.8, 1.2, 3)
    down, high, wide = rng.uniform(0.36, 0.42), rng.uniform(0.09, 0.17), rng.uniform(0.42, 0.55)
    below = canvas.patch.copy()
    canvas.line([(-0.1, down - 0.02), (0.5, down), (1.1, down - 0.02)], mask_colour(rng), rng.uniform(0.05, 0.1), rng)
    tint = rng.uniform(0.15, 0.95)
    panes = [(0.5, wide)] if rng.random() < 0.6 else [(0.5 - wide / 2, wide / 2), (0.5 + wide / 2, wide / 2)]
    for middle, half in panes:
        canvas.fill(ellipse((middle, down), half + 0.03, high + 0.03), plain(canvas.patch.shape, rim), rng)
        inner = ellipse((middle, down), half, high)
        canvas.uncover(inner, below)
        canvas.fill(inner, plain(canvas.patch.shape, pane), rng, opacity=tint)
    return canvas.done()


def cap(image: Image, box: Box, rng: Generator) -> Image:
    """A cap, hat or hood down to the forehead."""
    canvas = Canvas.around(image, box, rng)
    brim = rng.uniform(0.02, 0.22)
    crown = [(-0.08, brim), (-0.05, -0.2), (0.15, -0.42), (0.5, -0.5), (0.85, -0.42), (1.05, -0.2), (1.08, brim)]
    texture = cloth(canvas.patch.shape, rng, box.width)
    canvas.fill([*crown, (0.75, brim + 0.03), (0.25, brim + 0.03)], texture, rng)
    if rng.random() < 0.6:
        canvas.line([(-0.15, brim + 0.03), (0.5, brim + 0.06), (1.15, brim + 0.03)], texture[0, 0] * 0.7, 0.09, rng)
    return canvas.done()


def visor(image: Image, box: Box, rng: Generator) -> Image:
    """A clear face shield: it hides nothing and is not a mask."""
    canvas = Canvas.around(image, box, rng)
    sheet = [(-0.1, 0.05), (1.1, 0.05), (1.05, 1.2), (-0.05, 1.2)]
    canvas.fill(sheet, plain(canvas.patch.shape, (225, 232, 238)), rng, opacity=rng.uniform(0.08, 0.3))
    canvas.fill([(-0.12, -0.02), (1.12, -0.02), (1.12, 0.12), (-0.12, 0.12)], cloth(canvas.patch.shape, rng, 99), rng)
    return canvas.done()


# What is drawn on a bare face, how often, and the class that the face then has. Other faces are not changed.
PUT_ON = 0.28  # share of bare faces: a mask, half properly and half wrongly worn, so that the nose decides the class
MOVED = 0.5  # share of those masks that come from another photograph, if any could be cut out; the others are drawn
DRAWN_OBJECT = 0.16  # share of bare faces that get an object that is no mask
DRAWN_NEUTRAL = 0.07  # share of all faces that get sunglasses, goggles or a cap
MOUTH_SEEN, CHIN_SEEN = 0.9, 1.12  # share of the face box: must be in the picture for a mask on mouth, or chin
PRINTED = 0.06  # share of the drawn masks with a printed mouth
CUPS, CUP_DIP, FLAT_DIP = 0.3, (0.12, 0.26), (0.02, 0.1)  # share of drawn masks; how much lower the edge is at the ears
WORN_WRONG: tuple[Drawing, ...] = (nose_out, nose_out, on_chin)
MOVED_WRONG = (transplant.nose_out, transplant.nose_out, transplant.on_chin)
NO_MASK: tuple[Drawing, ...] = (hand, hand, cup, microphone, scarf, scarf, beard, visor)  # a face stays bare under each
NEUTRAL: tuple[Drawing, ...] = (sunglasses, goggles, cap)  # worn by masked and bare alike
DRAWINGS = (mask, mask, mask, mask, *WORN_WRONG, *NO_MASK, *NEUTRAL)
MIN_FACE = 16.0  # pixels across: on a smaller face a drawing is only a blur


def dress(
    image: Image, box: Box, label: int, rng: Generator, masks: Sequence[transplant.Cutout] = ()
) -> tuple[Image, int]:
    """Put something on a face, by chance.

    Args:
        masks: cut out of other photographs; without them all masks are drawn.

    Returns:
        The picture, and the class that the face then has (an index into data.CLASSES).
    """
    if box.width < MIN_FACE:
        return image, label
    if rng.random() < DRAWN_NEUTRAL:
        image = any_of(NEUTRAL, rng)(image, box, rng)
    if CLASSES[label] is not Label.WITHOUT_MASK:
        return image, label
    chance = rng.random()
    if chance < PUT_ON:
        return masked(image, box, label, rng, masks)
    if chance < PUT_ON + DRAWN_OBJECT:
        return any_of(NO_MASK, rng)(image, box, rng), label
    return image, label


def masked(image: Image, box: Box, label: int, rng: Generator, masks: Sequence[transplant.Cutout]) -> tuple[Image, int]:
    """A bare face with a mask, worn properly or wrongly with equal chances.

    A profile stays bare, and so does a face whose chin is outside the picture: nobody would see the mask.
    """
    turn = box.turn if isinstance(box, Head) else 0.0
    if turn > TURNED or not in_picture(image, box, MOUTH_SEEN):
        return image, label
    properly, lowest = rng.random() < 0.5, in_picture(image, box, CHIN_SEEN)
    label = CLASSES.index(Label.WITH_MASK if properly else Label.INCORRECT)
    if masks and turn < transplant.STRAIGHT and rng.random() < MOVED:
        wrong = MOVED_WRONG if lowest else MOVED_WRONG[:1]
        way = transplant.proper if properly else any_of(wrong, rng)
        return way(image, box, any_of(masks, rng), rng), label
    return (mask if properly else any_of(WORN_WRONG if lowest else WORN_WRONG[:1], rng))(image, box, rng), label


def in_picture(image: Image, box: Box, down: float) -> bool:
    """Whether this place on the middle line of the face is inside the picture."""
    found = box.map if isinstance(box, Head) else upright(box)
    x, y = pixels(found, [(0.5, down)])[0]
    return bool(0 <= x < image.shape[1] and 0 <= y < image.shape[0])


def any_of(things: Sequence[Thing], rng: Generator) -> Thing:
    """A random one of the things."""
    return things[int(rng.integers(len(things)))]
