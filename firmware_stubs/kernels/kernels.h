/* One function per op. Its parameters follow from the op's class (studio/graph/op.py):
   each input and the numbers of its shape, the op's args, state or scratch memory, the output and its shape.
   studio/graph/host.py reads these declarations: one `void k_name(...);` each, no macros. */
#pragma once
#include <stdint.h>

/* Four weights of an output in a word, and what its sum begins with (256 times the bias; `even` is the sum of every
   second weight): coded for the core (quads.h says how). */
#if defined(__ARM_FEATURE_SIMD32) && !defined(__ARM_FEATURE_MVE)
#define FOUR(a, b, c, d) BYTES(a, (b) - ((a) < 0), c, (d) - ((c) < 0))
#define START(sum, even) ((sum) - 127 * (even))
#else
#define FOUR(a, b, c, d) BYTES(a, b, c, d)
#define START(sum, even) (sum)
#endif
#define BYTES(a, b, c, d) (int32_t)(BYTE(a, 0) | BYTE(b, 8) | BYTE(c, 16) | BYTE(d, 24))
#define BYTE(a, at) (((uint32_t)(a) & 255u) << (at))

/* statistics.c */
void k_statistics(const float *x, int32_t n, int32_t c, float *y, int32_t n_out);
void k_quantiles(const float *x, int32_t n, int32_t c, const float *levels, int32_t n_levels, void *scratch, float *y,
                 int32_t n_out);
void k_channel_correlation(const float *x, int32_t n, int32_t c, void *scratch, float *y, int32_t n_out);
void k_magnitude(const float *x, int32_t n, int32_t c, int32_t size, float *y, int32_t n_out, int32_t c_out);
void k_difference(const float *x, int32_t n, int32_t c, float *y, int32_t n_out, int32_t c_out);

/* spectrum.c */
void k_spectrum(const float *x, int32_t n, int32_t c, const float *window, const float *twiddle, int32_t used,
                int32_t n_fft, float gain, void *scratch, float *y, int32_t n_bins, int32_t c_out);
void k_band_power(const float *x, int32_t n_bins, int32_t c, const int32_t *edges, int32_t n_bands, float least,
                  float *y, int32_t n_out);
void k_spectral_shape(const float *x, int32_t n_bins, int32_t c, float bin_hz, float least, float *y, int32_t n_out);
void k_peaks(const float *x, int32_t n_bins, int32_t c, float bin_hz, float least, int32_t n_peaks, float *y,
             int32_t n_out);
void k_envelope(const float *x, int32_t n, int32_t c, const float *twiddle, int32_t first, int32_t last, void *scratch,
                float *y, int32_t n_out, int32_t c_out);

/* spectrum_s16.c */
void k_spectrum_s16(const int16_t *x, int32_t n, int32_t c, const int16_t *window, const int16_t *twiddle, int32_t used,
                    int32_t n_fft, float gain, void *scratch, float *y, int32_t n_bins, int32_t c_out);

/* fir.c */
void k_fir(const float *x, int32_t n, int32_t c, const float *taps, int32_t frame, float *y, int32_t n_out,
           int32_t c_out);
void k_fast_fir(const float *x, int32_t n, int32_t c, const float *spectrum, const float *twiddle, int32_t frame,
                int32_t n_fft, void *scratch, float *y, int32_t n_out, int32_t c_out);

/* mel.c */
void k_mel(const float *x, int32_t n, int32_t c, const float *window, const float *twiddle, const int16_t *edges,
           const float *rise, const float *gain, int32_t frame, int32_t hop, int32_t n_fft, int32_t n_mels,
           void *scratch, float *y, int32_t n_frames, int32_t width);
void k_log_mel(const float *x, int32_t n, int32_t c, const float *window, const float *twiddle, const int16_t *edges,
               const float *rise, const float *gain, int32_t frame, int32_t hop, int32_t n_fft, int32_t n_mels,
               float least, void *scratch, float *y, int32_t n_frames, int32_t width);
void k_mfcc(const float *x, int32_t n, int32_t width, const float *cosines, int32_t n_mels, int32_t n_kept, float *y,
            int32_t n_out, int32_t width_out);
void k_delta(const float *x, int32_t n, int32_t c, int32_t reach, float *y, int32_t n_out, int32_t c_out);
void k_pcen(const float *x, int32_t n, int32_t c, float smooth, float strength, float bias, float root, float least,
            float *y, int32_t n_out, int32_t c_out);

/* signals.c */
void k_goertzel(const float *x, int32_t n, int32_t c, const float *coefficients, int32_t n_tones, float *y,
                int32_t n_out);
void k_autocorrelation(const float *x, int32_t n, int32_t c, int32_t first, int32_t step, float *y, int32_t n_out);
void k_wavelet(const float *x, int32_t n, int32_t c, const float *low, int32_t taps, int32_t levels, void *scratch,
               float *y, int32_t n_out);
void k_decimate(const float *x, int32_t n, int32_t c, const float *taps, int32_t frame, int32_t hop, float *y,
                int32_t n_out, int32_t c_out);
void k_remove_mean(const float *x, int32_t n, int32_t c, float *y, int32_t n_out, int32_t c_out);
void k_dc_block(const float *x, int32_t c, float pole, float *state, float *y, int32_t c_out);
void k_tilt(const float *x, int32_t n, int32_t c, float *y, int32_t n_out);
void k_quaternion_angles(const float *x, int32_t n, int32_t c, float *y, int32_t n_out, int32_t c_out);

/* rocket.c */
void k_rocket(const float *x, int32_t n, int32_t c, const int32_t *dilations, int32_t n_dilations,
              const uint8_t *channel, const float *biases, int32_t n_biases, float *y, int32_t n_out);

/* radar.c */
void k_range_spectrum(const float *x, int32_t n, int32_t used, const float *window, const float *twiddle, int32_t n_fft,
                      int32_t n_bins, void *scratch, float *y, int32_t n_out, int32_t width);
void k_doppler(const float *x, int32_t n, int32_t c, const float *window, const float *twiddle, int32_t n_fft,
               void *scratch, float *y, int32_t n_out, int32_t n_bins);
void k_cfar(const float *x, int32_t n, int32_t c, int32_t guard, int32_t train, float factor, float *y, int32_t n_out,
            int32_t c_out);

/* attention.c */
void k_attention(const float *q, int32_t n, int32_t d, const float *k, int32_t n_k, int32_t d_k, const float *v,
                 int32_t n_v, int32_t d_v, int32_t heads, void *scratch, float *y, int32_t n_out, int32_t d_out);

/* recurrent.c */
void k_rnn(const float *x, int32_t n, int32_t c, const float *weight, const float *recurrent, const float *bias,
           int32_t rectified, void *memory, void *scratch, float *y, int32_t n_out, int32_t hidden);
void k_rnn_from(const float *x, int32_t n, int32_t c, const float *h, int32_t n_h, const float *weight,
                const float *recurrent, const float *bias, int32_t rectified, void *scratch, float *y, int32_t n_out,
                int32_t hidden);
void k_gru(const float *x, int32_t n, int32_t c, const float *weight, const float *recurrent, const float *bias,
           const float *recurrent_bias, int32_t reset_after, void *memory, void *scratch, float *y, int32_t n_out,
           int32_t hidden);
void k_gru_from(const float *x, int32_t n, int32_t c, const float *h, int32_t n_h, const float *weight,
                const float *recurrent, const float *bias, const float *recurrent_bias, int32_t reset_after,
                void *scratch, float *y, int32_t n_out, int32_t hidden);
void k_lstm(const float *x, int32_t n, int32_t c, const float *weight, const float *recurrent, const float *bias,
            float clip, int32_t both, void *memory, void *scratch, float *y, int32_t n_out, int32_t width);
void k_lstm_from(const float *x, int32_t n, int32_t c, const float *h, int32_t n_h, const float *cell, int32_t n_cell,
                 const float *weight, const float *recurrent, const float *bias, float clip, int32_t both,
                 void *scratch, float *y, int32_t n_out, int32_t width);
void k_svdf(const float *x, int32_t n, int32_t c, const float *feature, const float *time, const float *bias,
            int32_t rank, int32_t length, void *memory, void *scratch, float *y, int32_t n_out, int32_t units);

/* recurrent_s8.c */
void k_rnn_s8(const int8_t *x, int32_t n, int32_t c, const int8_t *weight, const int8_t *recurrent, const int32_t *bias,
              const int32_t *recurrent_bias, const int32_t *scale, const uint16_t *table, int32_t rectified,
              int32_t y_zero, void *memory, void *scratch, int8_t *y, int32_t n_out, int32_t hidden);
void k_gru_s8(const int8_t *x, int32_t n, int32_t c, const int8_t *weight, const int8_t *recurrent, const int32_t *bias,
              const int32_t *recurrent_bias, const int32_t *scale, const uint16_t *table, int32_t reset_after,
              int32_t y_zero, void *memory, void *scratch, int8_t *y, int32_t n_out, int32_t hidden);
void k_svdf_s8(const int8_t *x, int32_t n, int32_t c, const int8_t *feature, const int32_t *offset, const int16_t *time,
               const int32_t *bias, int32_t rank, int32_t length, const int32_t *scale, int32_t y_zero, void *memory,
               void *scratch, int8_t *y, int32_t n_out, int32_t units);

/* lstm.c */
void k_lstm_s8(const int8_t *x, int32_t n, int32_t c, const int8_t *weight, const int8_t *recurrent,
               const int32_t *bias, const int32_t *recurrent_bias, const int32_t *scale, const uint16_t *table,
               int32_t tanh_multiplier, int32_t tanh_shift, int32_t clip, int32_t y_zero, void *memory, void *scratch,
               int8_t *y, int32_t n_out, int32_t hidden);

/* past.c */
void k_past(const float *x, int32_t n, int32_t c, void *memory, float *y, int32_t n_out, int32_t c_out);
void k_past_s8(const int8_t *x, int32_t n, int32_t c, int32_t value, void *memory, int8_t *y, int32_t n_out,
               int32_t c_out);

/* elu.c */
void k_elu(const float *x, int32_t n, float alpha, float *y, int32_t n_out);

/* fixed.c */
void k_fixed(const float *x, int32_t n, const float *values, float *y, int32_t n_out);

/* wide.c */
void k_dense_s16(const int16_t *x, int32_t n, const int8_t *weight, const int32_t *bias, const int32_t *multiplier,
                 const int8_t *right, int32_t low, int32_t high, int16_t *y, int32_t n_out);
void k_conv2d_s16(const int16_t *x, int32_t h, int32_t w, int32_t c, const int8_t *weight, const int32_t *bias,
                  const int32_t *multiplier, const int8_t *right, int32_t kh, int32_t kw, int32_t stride_h,
                  int32_t stride_w, int32_t dilation_h, int32_t dilation_w, int32_t pad_top, int32_t pad_left,
                  int32_t low, int32_t high, int16_t *y, int32_t h_out, int32_t w_out, int32_t c_out);
void k_depthwise_conv2d_s16(const int16_t *x, int32_t h, int32_t w, int32_t c, const int8_t *weight,
                            const int32_t *bias, const int32_t *multiplier, const int8_t *right, int32_t kh, int32_t kw,
                            int32_t stride_h, int32_t stride_w, int32_t dilation_h, int32_t dilation_w, int32_t pad_top,
                            int32_t pad_left, int32_t low, int32_t high, int16_t *y, int32_t h_out, int32_t w_out,
                            int32_t c_out);
void k_max_pool2d_s16(const int16_t *x, int32_t h, int32_t w, int32_t c, int32_t kh, int32_t kw, int32_t stride_h,
                      int32_t stride_w, int32_t pad_top, int32_t pad_left, int32_t low, int32_t high, int16_t *y,
                      int32_t h_out, int32_t w_out, int32_t c_out);
void k_average_pool2d_s16(const int16_t *x, int32_t h, int32_t w, int32_t c, int32_t kh, int32_t kw, int32_t stride_h,
                          int32_t stride_w, int32_t pad_top, int32_t pad_left, int32_t low, int32_t high, int16_t *y,
                          int32_t h_out, int32_t w_out, int32_t c_out);
void k_add_s16(const int16_t *a, int32_t n_a, const int16_t *b, int32_t n_b, int32_t a_multiplier, int32_t a_shift,
               int32_t b_multiplier, int32_t b_shift, int32_t multiplier, int32_t shift, int32_t low, int32_t high,
               int16_t *y, int32_t n_out);
void k_quantize_s16(const float *x, int32_t n, float scale, int16_t *y, int32_t n_out);
void k_dequantize_s16(const int16_t *x, int32_t n, float scale, float *y, int32_t n_out);
void k_relu_s16(const int16_t *x, int32_t n, int16_t *y, int32_t n_out);
void k_flatten_s16(const int16_t *x, int32_t n, int16_t *y, int32_t n_out);

/* filter.c */
void k_biquad(const float *x, int32_t c, const float *coefficients, float *state, float *y, int32_t c_out);

/* decide.c */
void k_decide(const float *x, int32_t n, int32_t average, float share, int32_t least, int32_t quiet, const float *on,
              const float *off, float *state, int16_t *y, int32_t n_out);

/* forest.c */
void k_forest(const float *x, int32_t n, const int32_t *roots, int32_t n_trees, const uint16_t *feature,
              const float *threshold, const int16_t *left, const int16_t *right, const uint8_t *leaves, float *y,
              int32_t n_out);

/* linear.c */
void k_linear_s8(const int8_t *x, int32_t n, const int16_t *weight, const float *scale, const float *bias, float *y,
                 int32_t n_out);

/* tree.c */
void k_tree_votes_s8(const int8_t *x, int32_t n, const uint16_t *crown, int32_t n_trees, int32_t levels,
                     const uint8_t *nodes, const uint16_t *leaves, const uint8_t *rows, void *scratch, float *y,
                     int32_t n_out);
void k_tree_votes_three_s8(const int8_t *x, int32_t n, const uint16_t *crown, int32_t n_trees, int32_t levels,
                           const uint8_t *nodes, const uint16_t *leaves, const uint8_t *rows, void *scratch, float *y,
                           int32_t n_out);
void k_tree_sums_s8(const int8_t *x, int32_t n, const uint16_t *crown, int32_t n_trees, int32_t levels,
                    const uint8_t *nodes, const int16_t *leaves, const float *start, float scale, int32_t groups,
                    void *scratch, float *y, int32_t n_out);
void k_tree_sums_three_s8(const int8_t *x, int32_t n, const uint16_t *crown, int32_t n_trees, int32_t levels,
                          const uint8_t *nodes, const int16_t *leaves, const float *start, float scale, int32_t groups,
                          void *scratch, float *y, int32_t n_out);

/* points.c */
void k_select(const float *x, int32_t n, const uint16_t *index, float *y, int32_t n_out);
void k_gaussians(const float *x, int32_t n, const float *mean, const float *precision, const float *offset, float *y,
                 int32_t n_out);
void k_greatest(const float *x, int32_t n, float *y, int32_t n_out);
void k_log_sum_exp(const float *x, int32_t n, float *y, int32_t n_out);
void k_radial_s8(const int8_t *x, int32_t n, const int8_t *points, float gamma, float *y, int32_t n_out);
void k_neighbours_s8(const int8_t *x, int32_t n, const int8_t *points, int32_t n_points, const uint8_t *label,
                     int32_t k, void *scratch, float *y, int32_t n_out);
void k_outlier_factor_s8(const int8_t *x, int32_t n, const int8_t *points, int32_t n_points, const float *reach,
                         const float *density, int32_t k, void *scratch, float *y, int32_t n_out);

/* dense.c */
void k_dense(const float *x, int32_t n, const float *weight, const float *bias, float *y, int32_t n_out);
void k_dense_s8(const int8_t *x, int32_t n, const int8_t *weight, const int32_t *bias, const int32_t *multiplier,
                const int8_t *shift, int32_t y_zero, int32_t low, int32_t high, int8_t *y, int32_t n_out);
void k_dense_one_s8(const int8_t *x, int32_t n, const int8_t *weight, const int32_t *bias, int32_t multiplier,
                    int32_t shift, int32_t y_zero, int32_t low, int32_t high, int8_t *y, int32_t n_out);
void k_relu(const float *x, int32_t n, float *y, int32_t n_out);
void k_relu_s8(const int8_t *x, int32_t n, int32_t zero, int8_t *y, int32_t n_out);
void k_softmax(const float *x, int32_t n, float *y, int32_t n_out);
void k_normalize(const float *x, int32_t n, float *y, int32_t n_out);
void k_standardize(const float *x, int32_t n, const float *mean, const float *gain, int32_t period, float *y,
                   int32_t n_out);
void k_flatten(const float *x, int32_t n, float *y, int32_t n_out);
void k_flatten_s8(const int8_t *x, int32_t n, int8_t *y, int32_t n_out);

/* conv.c */
void k_conv1d(const float *x, int32_t n, int32_t c, const float *weight, const float *bias, int32_t taps,
              int32_t stride, int32_t pad_before, float *y, int32_t n_out, int32_t c_out);
void k_depthwise_conv1d(const float *x, int32_t n, int32_t c, const float *weight, const float *bias, int32_t taps,
                        int32_t stride, int32_t pad_before, float *y, int32_t n_out, int32_t c_out);

/* winograd.c */
void k_conv2d_tiles_s8(const int8_t *x, const int32_t *rows, const int16_t *geometry, void *scratch, int8_t *y);
void k_conv2d_tiles_up_s8(const int8_t *x, const int32_t *rows, const int16_t *geometry, void *scratch, int8_t *y);

/* conv2d.c */
void k_conv2d_up_s8(const int8_t *x, const int32_t *rows, const int16_t *geometry, void *scratch, int8_t *y);
void k_conv2d_inside_s8(const int8_t *x, const int32_t *rows, const int16_t *geometry, void *scratch, int8_t *y);
void k_conv2d_s8(const int8_t *x, const int32_t *rows, const int16_t *geometry, void *scratch, int8_t *y);
void k_conv2d_any_s8(const int8_t *x, const int8_t *weight, const int32_t *bias, const int32_t *multiplier,
                     const int8_t *shift, const int16_t *geometry, int8_t *y);
void k_conv2d(const float *x, int32_t h, int32_t w, int32_t c, const float *weight, const float *bias, int32_t kh,
              int32_t kw, int32_t stride_h, int32_t stride_w, int32_t dilation_h, int32_t dilation_w, int32_t pad_top,
              int32_t pad_left, float *y, int32_t h_out, int32_t w_out, int32_t c_out);

/* transposed.c */
void k_transposed_conv2d_s8(const int8_t *x, int32_t h, int32_t w, int32_t c, const int8_t *weight, const int32_t *bias,
                            const int32_t *multiplier, const int8_t *shift, int32_t kh, int32_t kw, int32_t stride_h,
                            int32_t stride_w, int32_t pad_top, int32_t pad_left, int32_t x_zero, int32_t y_zero,
                            int32_t low, int32_t high, int8_t *y, int32_t h_out, int32_t w_out, int32_t c_out);
void k_transposed_conv2d(const float *x, int32_t h, int32_t w, int32_t c, const float *weight, const float *bias,
                         int32_t kh, int32_t kw, int32_t stride_h, int32_t stride_w, int32_t pad_top, int32_t pad_left,
                         float *y, int32_t h_out, int32_t w_out, int32_t c_out);

/* depthwise2d.c */
void k_depthwise_3x3_s8(const int8_t *x, const int8_t *weight, const int32_t *lines, const int16_t *geometry,
                        void *scratch, int8_t *y);
void k_depthwise_up_s8(const int8_t *x, const int8_t *weight, const int32_t *lines, const int16_t *geometry,
                       void *scratch, int8_t *y);
void k_depthwise_conv2d_s8(const int8_t *x, const int8_t *weight, const int32_t *bias, const int32_t *multiplier,
                           const int8_t *shift, const int16_t *geometry, void *scratch, int8_t *y);
void k_depthwise_any_s8(const int8_t *x, const int8_t *weight, const int32_t *bias, const int32_t *multiplier,
                        const int8_t *shift, const int16_t *geometry, int8_t *y);
void k_depthwise_conv2d(const float *x, int32_t h, int32_t w, int32_t c, const float *weight, const float *bias,
                        int32_t kh, int32_t kw, int32_t stride_h, int32_t stride_w, int32_t dilation_h,
                        int32_t dilation_w, int32_t pad_top, int32_t pad_left, float *y, int32_t h_out, int32_t w_out,
                        int32_t c_out);

/* pool2d.c */
void k_average_pool2d_s8(const int8_t *x, int32_t h, int32_t w, int32_t c, int32_t kh, int32_t kw, int32_t stride_h,
                         int32_t stride_w, int32_t pad_top, int32_t pad_left, int32_t low, int32_t high, int8_t *y,
                         int32_t h_out, int32_t w_out, int32_t c_out);
void k_mean2d_s8(const int8_t *x, int32_t h, int32_t w, int32_t c, int32_t x_zero, int32_t multiplier, int32_t shift,
                 int32_t y_zero, int8_t *y, int32_t c_out);
void k_max_pool2d_s8(const int8_t *x, int32_t h, int32_t w, int32_t c, int32_t kh, int32_t kw, int32_t stride_h,
                     int32_t stride_w, int32_t pad_top, int32_t pad_left, int32_t low, int32_t high, int8_t *y,
                     int32_t h_out, int32_t w_out, int32_t c_out);
void k_average_pool2d(const float *x, int32_t h, int32_t w, int32_t c, int32_t kh, int32_t kw, int32_t stride_h,
                      int32_t stride_w, int32_t pad_top, int32_t pad_left, float *y, int32_t h_out, int32_t w_out,
                      int32_t c_out);
void k_max_pool2d(const float *x, int32_t h, int32_t w, int32_t c, int32_t kh, int32_t kw, int32_t stride_h,
                  int32_t stride_w, int32_t pad_top, int32_t pad_left, float *y, int32_t h_out, int32_t w_out,
                  int32_t c_out);

/* pointwise.c */
void k_add_s8(const int8_t *a, int32_t n_a, const int8_t *b, int32_t n_b, int32_t a_zero, int32_t a_multiplier,
              int32_t a_shift, int32_t b_zero, int32_t b_multiplier, int32_t b_shift, int32_t multiplier, int32_t shift,
              int32_t y_zero, int32_t low, int32_t high, int8_t *y, int32_t n_out);
void k_add_line_s8(const int8_t *a, int32_t n_a, const int8_t *b, int32_t n_b, int32_t a_gain, int32_t b_gain,
                   int32_t offset, int32_t shift, int32_t low, int32_t high, int8_t *y, int32_t n_out);
void k_multiply_s8(const int8_t *a, int32_t n_a, const int8_t *b, int32_t n_b, int32_t a_zero, int32_t b_zero,
                   int32_t multiplier, int32_t shift, int32_t y_zero, int32_t low, int32_t high, int8_t *y,
                   int32_t n_out);
void k_multiply_line_s8(const int8_t *a, int32_t n_a, const int8_t *b, int32_t n_b, int32_t a_zero, int32_t b_zero,
                        int32_t multiplier, int32_t above, int32_t below, int32_t shift, int32_t low, int32_t high,
                        int8_t *y, int32_t n_out);
void k_lookup_s8(const int8_t *x, int32_t n, const int8_t *table, int8_t *y, int32_t n_out);
void k_add(const float *a, int32_t n_a, const float *b, int32_t n_b, float *y, int32_t n_out);
void k_multiply(const float *a, int32_t n_a, const float *b, int32_t n_b, float *y, int32_t n_out);
void k_maximum(const float *a, int32_t n_a, const float *b, int32_t n_b, float *y, int32_t n_out);
void k_minimum(const float *a, int32_t n_a, const float *b, int32_t n_b, float *y, int32_t n_out);
void k_maximum_s8(const int8_t *a, int32_t n_a, const int8_t *b, int32_t n_b, int8_t *y, int32_t n_out);
void k_minimum_s8(const int8_t *a, int32_t n_a, const int8_t *b, int32_t n_b, int8_t *y, int32_t n_out);
void k_tables_s8(const int8_t *x, int32_t n, const int8_t *table, int32_t period, int8_t *y, int32_t n_out);
void k_hard_swish(const float *x, int32_t n, float *y, int32_t n_out);
void k_clip(const float *x, int32_t n, float low, float high, float *y, int32_t n_out);
void k_sigmoid(const float *x, int32_t n, float *y, int32_t n_out);
void k_tanh(const float *x, int32_t n, float *y, int32_t n_out);
void k_pick_s8(const int8_t *x, int32_t n, int32_t start, int32_t s0, int32_t s1, int32_t s2, int32_t s3, int8_t *y,
               int32_t n0, int32_t n1, int32_t n2, int32_t n3);
void k_pick(const float *x, int32_t n, int32_t start, int32_t s0, int32_t s1, int32_t s2, int32_t s3, float *y,
            int32_t n0, int32_t n1, int32_t n2, int32_t n3);
void k_pad_s8(const int8_t *x, int32_t h, int32_t w, int32_t c, int32_t top, int32_t left, int32_t front, int32_t value,
              int8_t *y, int32_t h_out, int32_t w_out, int32_t c_out);
void k_pad(const float *x, int32_t h, int32_t w, int32_t c, int32_t top, int32_t left, int32_t front, float value,
           float *y, int32_t h_out, int32_t w_out, int32_t c_out);
void k_join_s8(const int8_t *a, int32_t n, int32_t c_a, const int8_t *b, int32_t n_b, int32_t c_b, int8_t *y,
               int32_t n_out, int32_t c_out);
void k_join(const float *a, int32_t n, int32_t c_a, const float *b, int32_t n_b, int32_t c_b, float *y, int32_t n_out,
            int32_t c_out);

/* softmax.c */
void k_softmax_s8(const int8_t *x, int32_t n, int32_t size, int32_t multiplier, int32_t shift, int32_t least, int8_t *y,
                  int32_t n_out, int32_t size_out);

/* pool.c */
void k_max_pool1d(const float *x, int32_t n, int32_t c, int32_t size, int32_t stride, float *y, int32_t n_out,
                  int32_t c_out);
void k_max_pool1d_s8(const int8_t *x, int32_t n, int32_t c, int32_t size, int32_t stride, int8_t *y, int32_t n_out,
                     int32_t c_out);
void k_average_pool1d(const float *x, int32_t n, int32_t c, int32_t size, int32_t stride, float *y, int32_t n_out,
                      int32_t c_out);
void k_average_pool1d_s8(const int8_t *x, int32_t n, int32_t c, int32_t size, int32_t stride, int32_t x_zero,
                         int32_t multiplier, int32_t shift, int32_t y_zero, int8_t *y, int32_t n_out, int32_t c_out);
void k_global_average(const float *x, int32_t n, int32_t c, float *y, int32_t n_out);
void k_global_average_s8(const int8_t *x, int32_t n, int32_t c, int32_t x_zero, int32_t multiplier, int32_t shift,
                         int32_t y_zero, int8_t *y, int32_t n_out);

/* quantize.c */
void k_quantize(const float *x, int32_t n, float scale, int32_t zero, int8_t *y, int32_t n_out);
void k_quantize_channels(const float *x, int32_t n, const float *mean, const float *gain, int32_t period, int32_t zero,
                         int8_t *y, int32_t n_out);
void k_dequantize(const int8_t *x, int32_t n, float scale, int32_t zero, float *y, int32_t n_out);

/* concat.c */
void k_concat2(const float *a, int32_t n_a, const float *b, int32_t n_b, float *y, int32_t n_out);
void k_concat3(const float *a, int32_t n_a, const float *b, int32_t n_b, const float *c, int32_t n_c, float *y,
               int32_t n_out);
void k_concat4(const float *a, int32_t n_a, const float *b, int32_t n_b, const float *c, int32_t n_c, const float *d,
               int32_t n_d, float *y, int32_t n_out);
void k_concat5(const float *a, int32_t n_a, const float *b, int32_t n_b, const float *c, int32_t n_c, const float *d,
               int32_t n_d, const float *e, int32_t n_e, float *y, int32_t n_out);
void k_concat6(const float *a, int32_t n_a, const float *b, int32_t n_b, const float *c, int32_t n_c, const float *d,
               int32_t n_d, const float *e, int32_t n_e, const float *f, int32_t n_f, float *y, int32_t n_out);
void k_concat7(const float *a, int32_t n_a, const float *b, int32_t n_b, const float *c, int32_t n_c, const float *d,
               int32_t n_d, const float *e, int32_t n_e, const float *f, int32_t n_f, const float *g, int32_t n_g,
               float *y, int32_t n_out);
void k_concat8(const float *a, int32_t n_a, const float *b, int32_t n_b, const float *c, int32_t n_c, const float *d,
               int32_t n_d, const float *e, int32_t n_e, const float *f, int32_t n_f, const float *g, int32_t n_g,
               const float *h, int32_t n_h, float *y, int32_t n_out);
