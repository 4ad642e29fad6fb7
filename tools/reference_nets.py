"""Architectures that no package brings, written down from their papers so that they can be counted; never trained."""

from itertools import pairwise

import torch
from torch import Tensor, nn


def convolution(inward: int, outward: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Convolution without bias, batch normalisation, ReLU."""
    layer = nn.Conv2d(inward, outward, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outward), nn.ReLU())


class Residual(nn.Module):
    """Two paths that are added."""

    def __init__(self, path: nn.Module, short: nn.Module) -> None:
        super().__init__()
        self.path, self.short = path, short

    def forward(self, x: Tensor) -> Tensor:
        """Sum of both paths."""
        return self.path(x) + self.short(x)


def resnet8() -> nn.Module:
    """MLPerf Tiny, image classification: three stages of one block, 16 to 64 channels, 32 x 32 px, 10 classes."""
    layers: list[nn.Module] = [nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU()]
    for inward, outward in ((16, 16), (16, 32), (32, 64)):
        stride = 1 if inward == outward else 2
        path = nn.Sequential(
            nn.Conv2d(inward, outward, 3, stride, 1), nn.BatchNorm2d(outward), nn.ReLU(),
            nn.Conv2d(outward, outward, 3, padding=1), nn.BatchNorm2d(outward),
        )  # fmt: skip
        short = nn.Identity() if stride == 1 else nn.Conv2d(inward, outward, 1, stride)
        layers += [Residual(path, short), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def ds_cnn(width: int = 64, blocks: int = 4, classes: int = 12) -> nn.Module:
    """MLPerf Tiny, keyword spotting: a 10 x 4 convolution and four depthwise separable blocks on 49 x 10."""
    layers: list[nn.Module] = [nn.ZeroPad2d((1, 1, 4, 5)), nn.Conv2d(1, width, (10, 4), 2), nn.BatchNorm2d(width)]
    for _ in range(blocks):
        layers += [nn.Conv2d(width, width, 3, padding=1, groups=width), nn.BatchNorm2d(width), nn.ReLU()]
        layers += [nn.Conv2d(width, width, 1), nn.BatchNorm2d(width), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes))


def mobilenet_quarter() -> nn.Module:
    """MLPerf Tiny, person detection: MobileNetV1 of width 0.25 on 96 x 96 px, 2 classes."""
    layers: list[nn.Module] = [*convolution(3, 8, stride=2)]
    steps = [(8, 16, 1), (16, 32, 2), (32, 32, 1), (32, 64, 2), (64, 64, 1), (64, 128, 2)]
    for inward, outward, stride in [*steps, *[(128, 128, 1)] * 5, (128, 256, 2), (256, 256, 1)]:
        layers += [*convolution(inward, inward, 3, stride, inward), *convolution(inward, outward, 1)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, 2))


def perceptron(widths: list[int]) -> nn.Sequential:
    """Dense layers of these widths."""
    return nn.Sequential(*(nn.Linear(a, b) for a, b in pairwise(widths)))


def autoencoder() -> nn.Module:
    """MLPerf Tiny, anomaly detection: 640 to 8 and back, each hidden layer with batch normalisation."""
    widths = [640, 128, 128, 128, 128, 8, 128, 128, 128, 128]
    layers: list[nn.Module] = []
    for inward, outward in pairwise(widths):
        layers += [nn.Linear(inward, outward), nn.BatchNorm1d(outward), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(128, 640))


def arcface_resnet(blocks: list[int]) -> nn.Module:
    """ArcFace: residual units BN-conv-BN-PReLU-conv-BN on faces of 112 x 112 px, 512 features."""
    layers: list[nn.Module] = [*convolution(3, 64)[:2], nn.PReLU(64)]
    inward = 64
    for count, outward in zip(blocks, (64, 128, 256, 512), strict=True):
        for number in range(count):
            stride = 2 if number == 0 else 1
            path = nn.Sequential(
                nn.BatchNorm2d(inward), *convolution(inward, outward)[:2], nn.PReLU(outward),
                *convolution(outward, outward, stride=stride)[:2],
            )  # fmt: skip
            short = convolution(inward, outward, 1, stride)[:2] if number == 0 else nn.Identity()
            layers.append(Residual(path, short))
            inward = outward
    return nn.Sequential(*layers, nn.BatchNorm2d(512), nn.Flatten(), nn.Linear(512 * 49, 512), nn.BatchNorm1d(512))


class UNet(nn.Module):
    """U-Net: two convolutions at every scale, down by pooling or stride, up by transposed convolution."""

    def __init__(self, widths: list[int], channels: int, classes: int, *, volume: bool = False) -> None:
        super().__init__()
        conv, up = (nn.Conv3d, nn.ConvTranspose3d) if volume else (nn.Conv2d, nn.ConvTranspose2d)
        norm = nn.InstanceNorm3d if volume else nn.BatchNorm2d

        def double(inward: int, outward: int, stride: int) -> nn.Sequential:
            first, second = conv(inward, outward, 3, stride, 1), conv(outward, outward, 3, 1, 1)
            return nn.Sequential(first, norm(outward), nn.ReLU(), second, norm(outward), nn.ReLU())

        steps = list(pairwise(widths))
        self.pool = nn.Identity() if volume else nn.MaxPool2d(2)
        self.first = double(channels, widths[0], 1)
        self.down = nn.ModuleList(double(a, b, 2 if volume else 1) for a, b in steps)
        self.up = nn.ModuleList(up(b, a, 2, 2) for a, b in reversed(steps))
        self.join = nn.ModuleList(double(2 * a, a, 1) for a, _ in reversed(steps))
        self.last = conv(widths[0], classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Class scores of every pixel or voxel."""
        kept = [self.first(x)]
        for block in self.down:
            kept.append(block(self.pool(kept[-1])))
        x = kept.pop()
        for widen, block in zip(self.up, self.join, strict=True):
            x = block(torch.cat([kept.pop(), widen(x)], 1))
        return self.last(x)


class Recommender(nn.Module):
    """DLRM: dense features through a perceptron, tables of sparse ones, their products, a second perceptron."""

    def __init__(self, tables: list[int], bottom: list[int], top: list[int]) -> None:
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(rows, bottom[-1]) for rows in tables)
        self.bottom, self.top = perceptron(bottom), perceptron(top)

    def forward(self, x: Tensor) -> Tensor:
        """Score of one sample of ones in every sparse feature."""
        one = torch.zeros(1, dtype=torch.long, device=x.device)
        vectors = torch.stack([self.bottom(x), *(table(one) for table in self.tables)], 1)
        products = vectors @ vectors.mT
        pairs = products.flatten(1)[:, : vectors.shape[1] * (vectors.shape[1] - 1) // 2]
        return self.top(torch.cat([vectors[:, 0], pairs], 1))


class CrossRecommender(Recommender):
    """DLRM with crossing layers of low rank in place of the products."""

    def __init__(self, tables: list[int], bottom: list[int], top: list[int], crossings: int, rank: int) -> None:
        super().__init__(tables, bottom, top)
        width = top[0]
        self.cross = nn.ModuleList(
            nn.Sequential(nn.Linear(width, rank, bias=False), nn.Linear(rank, width)) for _ in range(crossings)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Score of one sample of ones in every sparse feature."""
        one = torch.zeros(1, dtype=torch.long, device=x.device)
        first = torch.cat([self.bottom(x), *(table(one) for table in self.tables)], 1)
        crossed = first
        for layer in self.cross:
            crossed = first * layer(crossed) + crossed
        return self.top(crossed)


class NeuralFilter(nn.Module):
    """Neural collaborative filtering: products of two tables beside a perceptron of two others."""

    def __init__(self, users: int, items: int, factors: int, widths: list[int]) -> None:
        super().__init__()
        self.factors = nn.ModuleList(nn.Embedding(rows, factors) for rows in (users, items))
        self.tables = nn.ModuleList(nn.Embedding(rows, widths[0] // 2) for rows in (users, items))
        self.deep, self.last = perceptron(widths), nn.Linear(factors + widths[-1], 1)

    def forward(self, pair: Tensor) -> Tensor:
        """Score of a user and an item."""
        user, item = pair.unbind(1)
        product = self.factors[0](user) * self.factors[1](item)
        deep = self.deep(torch.cat([self.tables[0](user), self.tables[1](item)], 1))
        return self.last(torch.cat([product, deep], 1))


class TextLine(nn.Module):
    """CRNN: convolutions that reduce a text line to one row, two bidirectional LSTM over its columns."""

    def __init__(self, classes: int = 37, hidden: int = 256) -> None:
        super().__init__()
        pools: dict[int, nn.Module] = {
            0: nn.MaxPool2d(2),
            1: nn.MaxPool2d(2),
            3: nn.MaxPool2d(2, (2, 1), (0, 1)),
            5: nn.MaxPool2d(2, (2, 1), (0, 1)),
        }
        layers: list[nn.Module] = []
        inward = 1
        for number, outward in enumerate((64, 128, 256, 256, 512, 512, 512)):
            kernel, padding = (2, 0) if number == 6 else (3, 1)
            layers.append(nn.Conv2d(inward, outward, kernel, padding=padding))
            layers += [nn.BatchNorm2d(outward)] if number in (2, 4, 6) else []
            layers += [nn.ReLU(), pools.get(number, nn.Identity())]
            inward = outward
        self.picture = nn.Sequential(*layers)
        self.first, self.middle = nn.LSTM(512, hidden, bidirectional=True), nn.Linear(2 * hidden, hidden)
        self.second, self.last = nn.LSTM(hidden, hidden, bidirectional=True), nn.Linear(2 * hidden, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Scores of the signs at every column."""
        columns = self.picture(x).squeeze(2).permute(2, 0, 1)
        return self.last(self.second(self.middle(self.first(columns)[0]))[0])


class Paraformer(nn.Module):
    """Encoder and decoder of Paraformer-large, as FunASR defines them, without what predicts the number of signs."""

    def __init__(self) -> None:
        super().__init__()
        from funasr.models.paraformer.decoder import ParaformerSANMDecoder
        from funasr.models.sanm.encoder import SANMEncoder

        shared = {"attention_heads": 4, "linear_units": 2048, "kernel_size": 11, "sanm_shfit": 0}
        self.encoder = SANMEncoder(560, 512, num_blocks=50, input_layer="pe", selfattention_layer_type="sanm", **shared)
        self.decoder = ParaformerSANMDecoder(8404, 512, num_blocks=16, att_layer_num=16, **shared)

    def forward(self, frames: Tensor) -> Tensor:
        """Encoding of stacked frames."""
        return self.encoder(frames, torch.tensor([frames.shape[1]]))[0]
