/* What the convolutions in int8 of all cores share. */
#pragma once

/* The numbers of a layer, in the order of studio/graph/ops/plane_s8.py; N is every output's shift, where outputs lie at
   the zero point or above. */
enum { KH, KW, STRIDE_H, STRIDE_W, DILATION_H, DILATION_W, PAD_TOP, PAD_LEFT, X_ZERO, Y_ZERO, N, LOW, HIGH };
enum {
    MOST_LAID_OUT = 640 /* bytes; plane_s8.py knows it too */
};
