"""What we compute: ops, graphs of ops, and passes that turn one graph into another.

The C kernels are the only implementation."""

from studio.graph.op import Op
from studio.graph.ops import conv, filter, forest, int8, spectrum, statistics, vector

#: Every op by name; a saved graph and the contract test read this.
OPS: dict[str, type[Op]] = {
    op.__name__: op
    for op in (
        statistics.Statistics,
        statistics.Quantiles,
        statistics.ChannelCorrelation,
        statistics.Magnitude,
        statistics.Difference,
        spectrum.Spectrum,
        spectrum.BandPower,
        spectrum.SpectralShape,
        forest.Forest,
        vector.Concat,
        vector.Standardize,
        vector.Dense,
        vector.Flatten,
        vector.Relu,
        vector.Softmax,
        vector.Normalize,
        conv.Conv1d,
        conv.DepthwiseConv1d,
        conv.MaxPool1d,
        conv.AveragePool1d,
        conv.GlobalAverage,
        int8.Quantize,
        int8.QuantizeChannels,
        int8.Dequantize,
        int8.Conv1dS8,
        int8.DepthwiseConv1dS8,
        int8.DenseS8,
        int8.MaxPool1dS8,
        int8.AveragePool1dS8,
        int8.GlobalAverageS8,
        int8.FlattenS8,
        int8.ReluS8,
        filter.Biquad,
    )
}
