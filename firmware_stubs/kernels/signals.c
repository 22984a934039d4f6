/* Features and preparations of signals over time: x is (n, c), time first. */
#include "fmath.h"
#include "kernels.h"

/* Power of a tone: 2 |X(f)|^2 / n^2, which is half the square of its amplitude. Channel by channel. */
void k_goertzel(const float *x, int32_t n, int32_t c, const float *coefficients, int32_t n_tones, float *y,
                int32_t n_out)
{
    const float gain = 2.0f / ((float)n * (float)n);
    (void)n_out;
    for (int32_t j = 0; j < c; j++)
        for (int32_t k = 0; k < n_tones; k++) {
            float last = 0.0f, before = 0.0f;
            for (int32_t i = 0; i < n; i++) {
                const float next = x[i * c + j] + coefficients[k] * last - before;
                before = last;
                last = next;
            }
            *y++ = gain * (last * last + before * before - coefficients[k] * last * before);
        }
}

static float mean_of(const float *x, int32_t n, int32_t step)
{
    float sum = 0.0f;
    for (int32_t i = 0; i < n; i++)
        sum += x[i * step];
    return sum / (float)n;
}

void k_autocorrelation(const float *x, int32_t n, int32_t c, int32_t first, int32_t step, float *y, int32_t n_out)
{
    for (int32_t j = 0; j < c; j++) {
        const float mean = mean_of(x + j, n, c);
        float power = 0.0f;
        for (int32_t i = 0; i < n; i++)
            power += (x[i * c + j] - mean) * (x[i * c + j] - mean);
        for (int32_t k = 0, lag = first; k < n_out / c; k++, lag += step) {
            float sum = 0.0f;
            for (int32_t i = lag; i < n; i++)
                sum += (x[i * c + j] - mean) * (x[(i - lag) * c + j] - mean);
            *y++ = power > 1e-12f * mean * mean * (float)n + 1e-30f ? sum / power : 0.0f;
        }
    }
}

/* Mean squares of the details of each level, finest first, and of what is left. The signal is taken to go round. */
void k_wavelet(const float *x, int32_t n, int32_t c, const float *low, int32_t taps, int32_t levels, void *scratch,
               float *y, int32_t n_out)
{
    const int32_t whole = n >> levels << levels;
    (void)n_out;
    for (int32_t j = 0; j < c; j++) {
        float *now = scratch, *next = now + whole, energy = 0.0f;
        for (int32_t i = 0; i < whole; i++)
            now[i] = x[i * c + j];
        int32_t left = whole;
        for (int32_t level = 0; level < levels; level++, left /= 2) {
            energy = 0.0f;
            for (int32_t i = 0; i < left / 2; i++) {
                float coarse = 0.0f, detail = 0.0f;
                for (int32_t k = 0, at = (2 * i + taps / 2) % left; k < taps; k++, at = at > 0 ? at - 1 : left - 1) {
                    coarse += low[k] * now[at];
                    detail += (k & 1 ? low[taps - 1 - k] : -low[taps - 1 - k]) * now[at];
                }
                next[i] = coarse;
                energy += detail * detail;
            }
            for (int32_t i = 0; i < left / 2; i++)
                now[i] = next[i];
            *y++ = energy / (float)(left / 2);
        }
        energy = 0.0f;
        for (int32_t i = 0; i < left; i++)
            energy += now[i] * now[i];
        *y++ = energy / (float)left;
    }
}

void k_decimate(const float *x, int32_t n, int32_t c, const float *taps, int32_t frame, int32_t hop, float *y,
                int32_t n_out, int32_t c_out)
{
    (void)n;
    for (int32_t t = 0; t < n_out; t++)
        for (int32_t j = 0; j < c_out; j++) {
            float sum = 0.0f;
            for (int32_t k = 0; k < frame; k++)
                sum += taps[k] * x[(t * hop + k) * c + j];
            y[t * c_out + j] = sum;
        }
}

void k_remove_mean(const float *x, int32_t n, int32_t c, float *y, int32_t n_out, int32_t c_out)
{
    for (int32_t j = 0; j < c_out; j++) {
        const float mean = mean_of(x + j, n, c);
        for (int32_t i = 0; i < n_out; i++)
            y[i * c_out + j] = x[i * c + j] - mean;
    }
}

/* y = x - x' + pole y'; the state holds x' of every channel, then y'. */
void k_dc_block(const float *x, int32_t c, float pole, float *state, float *y, int32_t c_out)
{
    for (int32_t j = 0; j < c_out; j++) {
        const float in = x[j];
        y[j] = in - state[j] + pole * state[c + j];
        state[j] = in;
        state[c + j] = y[j];
    }
}

/* Roll and pitch of the mean of three axes, its length, and the root mean square of what swings about it. */
void k_tilt(const float *x, int32_t n, int32_t c, float *y, int32_t n_out)
{
    const float mx = mean_of(x, n, c), my = mean_of(x + 1, n, c), mz = mean_of(x + 2, n, c);
    float swing = 0.0f;
    (void)n_out;
    for (int32_t i = 0; i < n; i++, x += c)
        swing += (x[0] - mx) * (x[0] - mx) + (x[1] - my) * (x[1] - my) + (x[2] - mz) * (x[2] - mz);
    y[0] = f_atan2(my, mz);
    y[1] = f_atan2(-mx, f_sqrt(my * my + mz * mz));
    y[2] = f_sqrt(mx * mx + my * my + mz * mz);
    y[3] = f_sqrt(swing / (float)n);
}

/* Roll, pitch and yaw of quaternions (w, x, y, z) of any length. */
void k_quaternion_angles(const float *x, int32_t n, int32_t c, float *y, int32_t n_out, int32_t c_out)
{
    (void)n, (void)c_out;
    for (int32_t i = 0; i < n_out; i++, x += c, y += 3) {
        const float w = x[0], a = x[1], b = x[2], d = x[3];
        const float sine = 2.0f * (w * b - d * a), across = w * w + a * a + b * b + d * d;
        const float rest = across * across - sine * sine;
        y[0] = f_atan2(2.0f * (w * a + b * d), w * w - a * a - b * b + d * d);
        y[1] = f_atan2(sine, f_sqrt(rest > 0.0f ? rest : 0.0f));
        y[2] = f_atan2(2.0f * (w * d + a * b), w * w + a * a - b * b - d * d);
    }
}
