/* W2 in whole numbers, as one writes it in C for speed: blocks of rows, in each one loop without a branch; with VECTORS
   defined its divisions are written so that the compiler makes it eight rows at a time. The power factor is taken in double; a block with a row within 1e-9 of a rounding tie
   settles it in 128-bit whole numbers. The discount divides in double and the remainder settles the quotient, since a
   division of 64-bit columns has no vector instruction. Gives 0 where no row is to be refused. */

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#define BLOCK 1024
#define KWH_MAX 500000000

static inline int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

#ifdef VECTORS
/* The sum in double is out by 2^-53 of itself and every quotient here is below 2^31: at most one off, the rest settles it. */
static inline int64_t over(int64_t value, int64_t by) {
    int64_t sum = value + by / 2, quotient = (int64_t)((double)sum * (1.0 / (double)by)), rest = sum - quotient * by;
    return quotient + (rest >= by) - (rest < 0);
}
#else
static inline int64_t over(int64_t value, int64_t by) { return (int64_t)((uint64_t)(value + by / 2) / (uint64_t)by); }
#endif

static inline int outside(int64_t sharp, int64_t peak, int64_t flat, int64_t valley, int64_t demand, int64_t kvarh,
                          int64_t kva, int64_t mode) {
    int alone = ((uint64_t)sharp > KWH_MAX) | ((uint64_t)peak > KWH_MAX) | ((uint64_t)flat > KWH_MAX) |
                ((uint64_t)valley > KWH_MAX) | ((uint64_t)demand > 20000000) | ((uint64_t)kvarh > 1000000000) |
                ((uint64_t)(kva - 1) > 199999) | ((uint64_t)mode > 1);
    return alone | (sharp + peak + flat + valley > KWH_MAX);
}

/* The adjustment [0.01 %] for a power factor of so many hundredths, standard 0.90. */
static inline int64_t percent(int64_t factor) {
    int64_t below = factor < 70 ? 1000 + 100 * (70 - factor) : 50 * (90 - factor);
    below = below < 1500 ? below : 1500;
    int64_t above = -15 * (factor - 90);
    above = above > -75 ? above : -75;
    return factor < 90 ? below : above;
}

/* Half away from zero of amount * percent / 10,000. */
static inline int64_t adjusted(int64_t amount, int64_t percent) {
    int64_t product = amount * percent, size = product < 0 ? -product : product;
    int64_t rounded = over(size, 10000);
    return product < 0 ? -rounded : rounded;
}

static int64_t settled(int64_t kwh, int64_t kvarh, int64_t factor) {
    __int128 active = (__int128)kwh * kwh, all = active + (__int128)kvarh * kvarh;
    while (40000 * active >= (__int128)((2 * factor + 1) * (2 * factor + 1)) * all) factor++;
    while (40000 * active < (__int128)((2 * factor - 1) * (2 * factor - 1)) * all) factor--;
    return factor;
}

/* Bills a block: 1 where a row is to be refused, 2 more where a power factor lies near a tie. */
static __attribute__((noinline)) int block(
    size_t rows, const int64_t *restrict sharp, const int64_t *restrict peak, const int64_t *restrict flat,
    const int64_t *restrict valley, const int64_t *restrict demand, const int64_t *restrict kvarh,
    const int64_t *restrict kva, const int64_t *restrict mode, int64_t *restrict sharp_fen, int64_t *restrict peak_fen,
    int64_t *restrict flat_fen, int64_t *restrict valley_fen, int64_t *restrict basic_fen, int64_t *restrict factor_fen,
    int64_t *restrict discount_fen, int64_t *restrict fund_a, int64_t *restrict fund_b, int64_t *restrict total) {
    int64_t bad = 0, ties = 0;
    for (size_t i = 0; i < rows; i++) {
        int64_t kwh = sharp[i] + peak[i] + flat[i] + valley[i];
        bad |= outside(sharp[i], peak[i], flat[i], valley[i], demand[i], kvarh[i], kva[i], mode[i]);
        int64_t a = over(sharp[i] * 112345678, 100000000), b = over(peak[i] * 98765432, 100000000);
        int64_t c = over(flat[i] * 65432109, 100000000), d = over(valley[i] * 31415926, 100000000);
        int64_t energy = a + b + c + d;
        int64_t by_demand = over(demand[i] * (kwh >= 26000 * kva[i] ? 432 : 480), 10);
        int64_t basic = mode[i] ? by_demand : 3200 * kva[i];
        double active = (double)kwh, reactive = (double)kvarh[i];
        double apparent = sqrt(active * active + reactive * reactive);
        double ratio = 100.0 * active / (apparent > 1.0 ? apparent : 1.0), nearest = rint(ratio);
        ties |= fabs(ratio - nearest) > 0.5 - 1e-9;
        int64_t factor = (int64_t)nearest;
        int64_t adjustment = adjusted(energy + basic, kwh ? percent(factor) : 0);
        int64_t numerator = energy * most(kwh - 100000000, 0) + 25 * kwh, divisor = 50 * most(kwh, 1);
        int64_t discount = (int64_t)((double)numerator / (double)divisor);
        int64_t rest = numerator - discount * divisor;
        discount += (rest >= divisor) - (rest < 0);
        int64_t fa = over(kwh * 19, 1000), fb = over(kwh * 23, 10000);
        sharp_fen[i] = a;
        peak_fen[i] = b;
        flat_fen[i] = c;
        valley_fen[i] = d;
        basic_fen[i] = basic;
        factor_fen[i] = adjustment;
        discount_fen[i] = -discount;
        fund_a[i] = fa;
        fund_b[i] = fb;
        total[i] = energy + basic + adjustment - discount + fa + fb;
    }
    return (bad != 0) | (ties != 0) << 1;
}

static void settle(size_t rows, const int64_t *const *given, int64_t *const *bills) {
    for (size_t i = 0; i < rows; i++) {
        int64_t kwh = given[0][i] + given[1][i] + given[2][i] + given[3][i], kvarh = given[5][i];
        if (kwh <= 0 || kwh > KWH_MAX || (uint64_t)kvarh > 1000000000) continue;
        double active = (double)kwh, reactive = (double)kvarh;
        double ratio = 100.0 * active / sqrt(active * active + reactive * reactive);
        if (fabs(ratio - rint(ratio)) <= 0.5 - 1e-9) continue;
        int64_t base = bills[0][i] + bills[1][i] + bills[2][i] + bills[3][i] + bills[4][i];
        int64_t adjustment = adjusted(base, percent(settled(kwh, kvarh, (int64_t)rint(ratio))));
        bills[9][i] += adjustment - bills[5][i];
        bills[5][i] = adjustment;
    }
}

int w2(size_t rows, const int64_t *const *given, int64_t *const *bills, uint8_t *unused) {
    int found = 0;
    (void)unused;
    for (size_t start = 0; start < rows; start += BLOCK) {
        size_t count = rows - start < BLOCK ? rows - start : BLOCK;
        const int64_t *in[8];
        int64_t *out[10];
        for (int column = 0; column < 8; column++) in[column] = given[column] + start;
        for (int column = 0; column < 10; column++) out[column] = bills[column] + start;
        int state = block(count, in[0], in[1], in[2], in[3], in[4], in[5], in[6], in[7], out[0], out[1], out[2], out[3],
                          out[4], out[5], out[6], out[7], out[8], out[9]);
        found |= state & 1;
        if (state & 2) settle(count, in, out);
    }
    return found;
}

void w2_refused(size_t rows, const int64_t *const *given, uint8_t *restrict refused) {
    for (size_t i = 0; i < rows; i++)
        refused[i] = (uint8_t)outside(given[0][i], given[1][i], given[2][i], given[3][i], given[4][i], given[5][i],
                                      given[6][i], given[7][i]);
}
