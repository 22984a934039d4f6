/* What the convolutions in int8 of all cores share: the numbers of a layer, in the order of
   studio/graph/ops/plane_s8.py. */
#pragma once

enum {
    H,
    W,
    C,
    H_OUT,
    W_OUT,
    C_OUT,
    KH,
    KW,
    STRIDE_H,
    STRIDE_W,
    PAD_TOP,
    PAD_LEFT,
    X_ZERO,
    Y_ZERO,
    LOW,
    HIGH,
    N, /* every output's shift, where all outputs lie at the zero point or above */
    DILATION_H,
    DILATION_W,
    COLUMNS, /* not 0: the rows that an output row looks at are laid out first, that wide, with their padding */
    TILES,   /* winograd.c: rows of tiles that are worked out together */
    DOWN = DILATION_H, /* depthwise: whether rows of the plane run down the columns of x */
    WIDTH_OF_ROW,
    STRIP /* of the plane: values in a row, output rows at once */
};
