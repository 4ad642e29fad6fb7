"""Parameters and MACs from the sizes of the layers, for models whose makers publish none: arithmetic, no network built.

Usage: python tools/count_by_hand.py
"""

from itertools import pairwise

TOKENS = 128
WHISPER_FRAMES = 1500
TERABYTE = [
    39884406, 39043, 17289, 7420, 20263, 3, 7120, 1543, 63, 38532951, 2953546, 403346, 10, 2208, 11938, 155, 4, 976, 14,
    39979771, 25641295, 39664984, 585935, 12972, 108, 36,
]  # fmt: skip
"""Rows of the tables of MLPerf's DLRM, one a sparse feature of Criteo 1 TB, at most 40 million."""
MULTI_HOT = [
    40000000, 39060, 17295, 7424, 20265, 3, 7122, 1543, 63, 40000000, 3067956, 405282, 10, 2209, 11938, 155, 4, 976, 14,
    40000000, 40000000, 40000000, 590152, 12973, 108, 36,
]  # fmt: skip
"""The same of DLRM-DCNv2."""


def encoder_params(*, layers: int, hidden: int, inner: int, vocabulary: int, positions: int, pooled: bool) -> int:
    """Weights of an encoder in the manner of BERT; ``positions`` counts segment and task embeddings too."""
    layer = 4 * (hidden**2 + hidden) + 2 * hidden * inner + inner + hidden + 4 * hidden
    own = (vocabulary + positions) * hidden + 2 * hidden + layers * layer
    return own + (hidden**2 + hidden if pooled else 0)


def encoder_macs(*, layers: int, hidden: int, inner: int, tokens: int = TOKENS) -> int:
    """Products of an encoder with the weights, and of queries, keys and values."""
    return layers * ((4 * hidden**2 + 2 * hidden * inner) * tokens + 2 * tokens**2 * hidden)


def whisper_params(*, hidden: int, layers: int, vocabulary: int, mel: int) -> int:
    """Both stacks of Whisper, the table of words shared with the output."""
    conv = 3 * hidden * (mel + hidden) + 2 * hidden + WHISPER_FRAMES * hidden
    encoder = conv + layers * (12 * hidden**2 + 12 * hidden) + 2 * hidden
    return encoder + (vocabulary + 448) * hidden + layers * (16 * hidden**2 + 17 * hidden) + 2 * hidden


def whisper_macs(*, hidden: int, layers: int, mel: int) -> int:
    """Encoder of Whisper on 30 s of sound: two convolutions, 1500 frames."""
    conv = 3 * hidden * (2 * mel + hidden) * WHISPER_FRAMES
    return conv + encoder_macs(layers=layers, hidden=hidden, inner=4 * hidden, tokens=WHISPER_FRAMES)


def deberta_macs() -> int:
    """DeBERTa v3 base: beside the encoder, 512 relative positions through queries and keys and against the tokens."""
    return encoder_macs(layers=12, hidden=768, inner=3072) + 12 * (2 * 512 * 768**2 + 2 * TOKENS * 512 * 768)


def mobilebert_macs() -> int:
    """MobileBERT: 24 layers of width 128 between bottlenecks of 512, four feed-forward networks each."""
    layer = 2 * 512 * 128 + 2 * 128**2 + 512 * 128 + 128**2 + 2 * TOKENS * 128 + 4 * 2 * 128 * 512 + 128 * 512
    return TOKENS * (24 * layer + 3 * 128 * 512)


def mobilebert_params() -> int:
    """Weights of the same, with 384 to 512 for three neighbouring embeddings."""
    bottlenecks = 2 * (512 * 128 + 3 * 128) + 128 * 512 + 512 + 2 * 512
    attention = 2 * (128**2 + 128) + 512 * 128 + 128 + 128**2 + 3 * 128
    feed_forward = 4 * (2 * 128 * 512 + 512 + 3 * 128)
    embeddings = 30522 * 128 + 3 * 128 * 512 + 512 + (512 + 2) * 512 + 2 * 512
    return embeddings + 24 * (bottlenecks + attention + feed_forward) + 512**2 + 512


def segformer_macs() -> int:
    """SegFormer B0 on 512 x 512 px, 150 classes: four scales of two blocks, keys of the first three reduced."""
    stages = [(3, 32, 7, 128**2, 8), (32, 64, 3, 64**2, 4), (64, 160, 3, 32**2, 2), (160, 256, 3, 16**2, 1)]
    macs = 128**2 * 256 * (4 * 256 + 150)
    for inward, width, kernel, places, reduced in stages:
        keys = places // reduced**2
        reduction = width**2 * places if reduced > 1 else 0
        attention = 2 * width**2 * (places + keys) + reduction + 2 * places * keys * width
        block = attention + 8 * width**2 * places + 9 * 4 * width * places
        macs += kernel**2 * inward * width * places + 2 * block + width * 256 * places
    return macs


def mask_rcnn_macs(published: float = 134.38e9) -> float:
    """Mask R-CNN on 800 x 1280 px: what torchvision states at 800 x 800 px without masks, plus 100 of them."""
    proposals = 1000 * (256 * 7 * 7 * 1024 + 1024**2 + 1024 * 5 * 91)
    mask = 14 * 14 * (4 * 9 * 256**2 + 4 * 256**2) + 28 * 28 * 256 * 91
    return (published - proposals) * 1280 / 800 + proposals + 100 * mask


def sam_macs() -> int:
    """Image encoder of SAM ViT-B: 64 x 64 tokens, 8 layers in 25 windows of 14 x 14, 4 over all, relative positions."""
    width, tokens, padded = 768, 64 * 64, 25 * 14 * 14
    linear = 12 * 8 * width**2 * tokens + 4 * width**2 * (4 * tokens + 8 * padded)
    products = 4 * 2 * tokens**2 * width + 8 * 2 * padded * 14 * 14 * width
    positions = width * (4 * tokens * 2 * 64 + 8 * padded * 2 * 14)
    return linear + products + positions + tokens * (width**2 + width * 256 + 9 * 256**2)


def unet_products(blocks: list[tuple[int, int, int]], text: int = 77) -> int:
    """Attention products of a diffusion UNet: (blocks, tokens, width) of each scale, against itself and the text."""
    return sum(count * 2 * tokens * (tokens + text) * width for count, tokens, width in blocks)


def sd3_macs() -> int:
    """SD3 medium at 1024 x 1024 px: 24 joint blocks of width 1536, 4096 image and 333 text tokens."""
    width, image, text = 1536, 4096, 333
    tokens = image + text
    blocks = 24 * (12 * width**2 * tokens + 2 * tokens**2 * width + 12 * width**2) - 9 * width**2 * text
    return blocks + 2 * 64 * width * image + 4096 * width * text


def sd3_params() -> int:
    """Weights of the same without biases and norms."""
    width = 1536
    blocks = 24 * (2 * 6 + 2 * 12) * width**2 - 13 * width**2
    return blocks + (2 * 64 + 4096 + 2048 + 256 + 2 * width + 2 * width) * width


def flux_macs() -> int:
    """FLUX.1 at 1024 x 1024 px: 19 double and 38 single blocks of width 3072, 4096 image and 512 text tokens."""
    width, image, text = 3072, 4096, 512
    tokens = image + text
    blocks = 57 * (12 * width**2 * tokens + 2 * tokens**2 * width) + (19 * 12 + 38 * 3) * width**2
    return blocks + 2 * 64 * width * image + 4096 * width * text


def parakeet_macs() -> int:
    """Parakeet CTC 0.6B on 10 s: 1000 frames to 125, 24 Conformer blocks of width 1024, 1025 signs."""
    width, tokens = 1024, 125
    linear = (16 * width**2 + 4 * width**2 + 3 * width**2 + 9 * width) * tokens + width**2 * (2 * tokens - 1)
    products = (2 * tokens + 2 * tokens - 1) * tokens * width
    front = 500 * 40 * 256 * 9 + (250 * 20 + 125 * 10) * 256 * (9 + 256) + tokens * 2560 * width
    return 24 * (linear + products) + front + tokens * width * 1025


def paraformer_macs() -> int:
    """Encoder of Paraformer-large on 30 s: 500 stacked frames, 50 layers of width 512 with a memory of 11 frames."""
    frames, width = 500, 512
    layer = (4 * width**2 + 2 * width * 2048 + 11 * width) * frames + 2 * frames**2 * width
    return 50 * layer + 3 * (560 - width) * width * frames


def crnn_macs() -> int:
    """CRNN on 32 x 100 px: seven convolutions, two bidirectional LSTM over 26 columns, 37 signs."""
    layers = [
        (32 * 100, 64 * 9), (16 * 50, 128 * 64 * 9), (8 * 25, 256 * 128 * 9), (8 * 25, 256 * 256 * 9),
        (4 * 26, 512 * 256 * 9), (4 * 26, 512 * 512 * 9), (26, 512 * 512 * 4),
    ]  # fmt: skip
    columns = 2 * 4 * 256 * (512 + 256) + 512 * 256 + 2 * 4 * 256 * (256 + 256) + 512 * 37
    return sum(places * weights for places, weights in layers) + 26 * columns


def crnn_params() -> int:
    """Weights of the same, with the norms of three convolutions."""
    layers = [(1, 64, 9), (64, 128, 9), (128, 256, 9), (256, 256, 9), (256, 512, 9), (512, 512, 9), (512, 512, 4)]
    picture = sum(inward * outward * kernel + outward for inward, outward, kernel in layers) + 2 * (256 + 512 + 512)
    lstm = sum(2 * 4 * 256 * (inward + 256 + 2) for inward in (512, 256))
    return picture + lstm + 512 * 256 + 256 + 512 * 37 + 37


def unet_3d() -> tuple[int, int]:
    """3D U-Net of KiTS19 on 128 voxels a side: weights of its convolutions, and MACs."""
    widths = [32, 64, 128, 256, 320, 320]
    voxels = [(128 >> level) ** 3 for level in range(len(widths))]
    layers = [(voxels[0], 27 * 32 * (1 + 32)), (voxels[0], 32 * 3)]
    for level, (fine, coarse) in enumerate(pairwise(widths)):
        layers += [(voxels[level + 1], 27 * coarse * (fine + coarse)), (voxels[level], 27 * fine * 3 * fine)]
        layers.append((voxels[level + 1], 8 * coarse * fine))
    return sum(weights for _, weights in layers), sum(places * weights for places, weights in layers)


def dcn_macs() -> int:
    """DLRM-DCNv2: bottom 13-512-256-128, three crossings of 3456 at rank 512, top 3456-1024-1024-512-256-1."""
    bottom = 13 * 512 + 512 * 256 + 256 * 128
    top = 3456 * 1024 + 1024**2 + 1024 * 512 + 512 * 256 + 256
    return bottom + 3 * 2 * 3456 * 512 + top


def small(layers: list[tuple[int, int, int]], normed: int, dense: tuple[int, int]) -> tuple[int, int]:
    """Weights with biases and four numbers a normalised channel, as Keras counts, and MACs of a small network.

    ``layers`` are (places, outputs, weights of one output), ``normed`` the channels that are normalised.
    """
    weights = sum(outputs * (each + 1) for _, outputs, each in layers)
    macs = sum(places * outputs * each for places, outputs, each in layers)
    return weights + 4 * normed + dense[0] * dense[1] + dense[1], macs + dense[0] * dense[1]


def tiny_resnet() -> tuple[int, int]:
    """MLPerf Tiny, image classification: ResNet-8 on 32 x 32 px."""
    stages = [(32**2, 16, 16), (16**2, 16, 32), (8**2, 32, 64)]
    layers = [(32**2, 16, 27)]
    for places, inward, outward in stages:
        layers += [(places, outward, 9 * inward), (places, outward, 9 * outward)]
        layers += [(places, outward, inward)] if inward != outward else []
    return small(layers, 16 + 2 * (16 + 32 + 64), (64, 10))


def tiny_keywords() -> tuple[int, int]:
    """MLPerf Tiny, keyword spotting: DS-CNN of width 64 on 49 x 10 values."""
    return small([(25 * 5, 64, 40), *[(25 * 5, 64, 9), (25 * 5, 64, 64)] * 4], 9 * 64, (64, 12))


def tiny_mobilenet() -> tuple[int, int]:
    """MLPerf Tiny, person detection: MobileNetV1 of width 0.25 on 96 x 96 px."""
    blocks = [(48, 8, 16), (24, 16, 32), (24, 32, 32), (12, 32, 64), (12, 64, 64), (6, 64, 128)]
    layers = [(48**2, 8, 27)]
    for side, inward, outward in [*blocks, *[(6, 128, 128)] * 5, (3, 128, 256), (3, 256, 256)]:
        layers += [(side**2, inward, 9), (side**2, outward, inward)]
    return small(layers, sum(outputs for _, outputs, _ in layers), (256, 2))


def tiny_autoencoder() -> tuple[int, int]:
    """MLPerf Tiny, anomaly detection: 640 to 8 and back."""
    widths = [640, 128, 128, 128, 128, 8, 128, 128, 128, 128]
    layers = [(1, outward, inward) for inward, outward in pairwise(widths)]
    return small(layers, sum(widths[1:]), (128, 640))


TINY = {
    "mlperf-tiny-ad": tiny_autoencoder(),
    "mlperf-tiny-ic": tiny_resnet(),
    "mlperf-tiny-kws": tiny_keywords(),
    "mlperf-tiny-vww": tiny_mobilenet(),
}
PARAMS = {name: params for name, (params, _) in TINY.items()} | {
    "albert-base-v2": 30000 * 128 + (512 + 2) * 128 + 2 * 128 + 128 * 768 + 768
    + encoder_params(layers=1, hidden=768, inner=3072, vocabulary=0, positions=0, pooled=True) - 2 * 768,
    "bert-base-chinese": encoder_params(
        layers=12, hidden=768, inner=3072, vocabulary=21128, positions=512 + 2, pooled=True),
    "bge-large-zh": encoder_params(
        layers=24, hidden=1024, inner=4096, vocabulary=21128, positions=512 + 2, pooled=True),
    "bge-m3": encoder_params(layers=24, hidden=1024, inner=4096, vocabulary=250002, positions=8194 + 1, pooled=True),
    "bge-small-zh": encoder_params(layers=4, hidden=512, inner=2048, vocabulary=21128, positions=512 + 2, pooled=True),
    "ernie-3.0-base-zh": encoder_params(
        layers=12, hidden=768, inner=3072, vocabulary=40000, positions=2048 + 4 + 3, pooled=True),
    "mpnet-base": encoder_params(layers=12, hidden=768, inner=3072, vocabulary=30527, positions=514, pooled=True),
    "xlm-roberta-base": encoder_params(
        layers=12, hidden=768, inner=3072, vocabulary=250002, positions=514 + 1, pooled=True),
    "tinybert-4l-312": encoder_params(
        layers=4, hidden=312, inner=1200, vocabulary=30522, positions=512 + 2, pooled=True),
    "electra-small": encoder_params(
        layers=12, hidden=256, inner=1024, vocabulary=0, positions=0, pooled=False) - 2 * 256
    + (30522 + 512 + 2) * 128 + 2 * 128 + 128 * 256 + 256,
    "mobilebert": mobilebert_params(),
    "stable-diffusion-3-medium": sd3_params(),
    "crnn": crnn_params(),
    "t5-base-encoder": 32128 * 768 + 12 * (12 * 768**2 + 2 * 768) + 32 * 12 + 768,
    "whisper-tiny": whisper_params(hidden=384, layers=4, vocabulary=51865, mel=80),
    "unet-3d": unet_3d()[0],
    "dlrm": 128 * sum(TERABYTE),
    "dlrm-dcnv2": 128 * sum(MULTI_HOT),
    "ncf": (138493 + 26744) * (64 + 128) + 256 * 257 + 128 * 257 + 64 * 129 + 129,
}  # fmt: skip
MACS = {name: macs for name, (_, macs) in TINY.items()} | {
    "deberta-v3-base": deberta_macs(),
    "tinybert-4l-312": encoder_macs(layers=4, hidden=312, inner=1200),
    "mobilebert": mobilebert_macs(),
    "whisper-tiny": whisper_macs(hidden=384, layers=4, mel=80),
    "whisper-base": whisper_macs(hidden=512, layers=6, mel=80),
    "whisper-small": whisper_macs(hidden=768, layers=12, mel=80),
    "whisper-medium": whisper_macs(hidden=1024, layers=24, mel=80),
    "whisper-large-v3": whisper_macs(hidden=1280, layers=32, mel=128),
    "whisper-large-v3-turbo": whisper_macs(hidden=1280, layers=32, mel=128),
    "segformer-b0": segformer_macs(),
    "mask-rcnn-r50": mask_rcnn_macs(),
    "sam-vit-b": sam_macs(),
    "stable-diffusion-1.5": 338_500_000_000
    + unet_products([(5, 64**2, 320), (5, 32**2, 640), (5, 16**2, 1280), (1, 8**2, 1280)]),
    "stable-diffusion-xl": 2_990_000_000_000 + unet_products([(10, 64**2, 640), (60, 32**2, 1280)]),
    "stable-diffusion-3-medium": sd3_macs(),
    "flux.1-dev": flux_macs(),
    "parakeet-ctc-0.6b": parakeet_macs(),
    "paraformer-large": paraformer_macs(),
    "crnn": crnn_macs(),
    "unet-3d": unet_3d()[1],
    "dlrm-dcnv2": dcn_macs(),
    "ncf": 256 * 256 + 256 * 128 + 128 * 64 + 128,
}
"""MACs of one inference at the input of the record."""

if __name__ == "__main__":
    for name in sorted(PARAMS | MACS):
        print(f"{name:28} {PARAMS.get(name, '-'):>16} {MACS.get(name, 0):>18.0f}")
