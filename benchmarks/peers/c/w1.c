/* W1 in whole numbers, as one writes it in C for speed: one loop without a branch. Every quantity is in hundredths of a
   kWh, every amount in fen; half up of a * b / d is (a * b + d / 2) / d, as no quantity is negative. Gives 0 where every
   row lies within its bounds, which a second pass is then spared.

   There is no vector instruction that divides 64-bit whole numbers, so gcc leaves the loop as it is, a row at a time. With
   VECTORS defined the division is written as a product and a shift, and the compiler makes it eight rows at a time. */

#include <stddef.h>
#include <stdint.h>

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

#ifdef VECTORS
/* For sums below 2^34: with n < 2^30 the reciprocal of 625 (349 / 2^40 too high) is out by less than 1/625 of a step. For
   100 likewise: n < 2^32, and 2^35 / 25 is rounded up by 7 / 25. */
static inline int64_t over(int64_t value, int64_t by) {
    uint64_t sum = (uint64_t)(value + by / 2);
    return (int64_t)(by == 10000 ? (sum >> 4) * 1759218605 >> 40 : (sum >> 2) * 1374389535 >> 35);
}
#else
static inline int64_t over(int64_t value, int64_t by) { return (int64_t)((uint64_t)(value + by / 2) / (uint64_t)by); }
#endif

static inline int outside(int64_t peak, int64_t valley, int64_t ytd, int64_t last_year, int64_t size, int64_t low_income,
                          int64_t on_tou) {
    return ((uint64_t)peak > 1000000) | ((uint64_t)valley > 1000000) | ((uint64_t)ytd > 10000000) |
           ((uint64_t)last_year > 10000000) | ((uint64_t)(size - 1) > 19) | ((uint64_t)low_income > 1) |
           ((uint64_t)on_tou > 1);
}

static int bill(size_t rows, const int64_t *restrict peak, const int64_t *restrict valley, const int64_t *restrict ytd,
                const int64_t *restrict last_year, const int64_t *restrict size, const int64_t *restrict low_income,
                const int64_t *restrict on_tou, int64_t *restrict first, int64_t *restrict second,
                int64_t *restrict third, int64_t *restrict peak_extra, int64_t *restrict valley_less,
                int64_t *restrict quota, int64_t *restrict total, uint8_t *restrict surge) {
    int64_t found = 0;
    for (size_t i = 0; i < rows; i++) {
        int64_t kwh = peak[i] + valley[i], end = ytd[i] + kwh;
        found |= outside(peak[i], valley[i], ytd[i], last_year[i], size[i], low_income[i], on_tou[i]);
        int64_t first_limit = size[i] >= 5 ? 396000 : 276000, second_limit = first_limit + 204000;
        int64_t below_first = least(end, first_limit) - least(ytd[i], first_limit);
        int64_t below_second = least(end, second_limit) - least(ytd[i], second_limit);
        int64_t one = over(below_first * 5283, 10000), two = over((below_second - below_first) * 5783, 10000);
        int64_t three = over((kwh - below_second) * 8283, 10000);
        int64_t extra = over(peak[i] * 3, 100) * on_tou[i], less = -over(valley[i] * 17, 100) * on_tou[i];
        int64_t free_quota = -over(least(kwh, 1500) * 5283, 10000) * low_income[i];
        first[i] = one;
        second[i] = two;
        third[i] = three;
        peak_extra[i] = extra;
        valley_less[i] = less;
        quota[i] = free_quota;
        total[i] = one + two + three + extra + less + free_quota;
        surge[i] = 2 * kwh > 3 * last_year[i];
    }
    return found != 0;
}

int w1(size_t rows, const int64_t *const *given, int64_t *const *bills, uint8_t *surge) {
    return bill(rows, given[0], given[1], given[2], given[3], given[4], given[5], given[6], bills[0], bills[1],
                bills[2], bills[3], bills[4], bills[5], bills[6], surge);
}

void w1_refused(size_t rows, const int64_t *const *given, uint8_t *restrict refused) {
    for (size_t i = 0; i < rows; i++)
        refused[i] = (uint8_t)outside(given[0][i], given[1][i], given[2][i], given[3][i], given[4][i], given[5][i],
                                      given[6][i]);
}
