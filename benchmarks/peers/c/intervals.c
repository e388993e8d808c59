/* Interval data to the sums of periods and the highest interval, as one writes it in C for speed. Every day is divided
   alike, so the days of a meter are added up interval by interval, eight at a time, and only the day that is left is
   divided into periods. A negative value, read without its sign, is above any bound: one comparison finds both ends.
   Gives how many meters have a value out of bounds. */

#include <stddef.h>
#include <stdint.h>

enum { POINTS_MAX = 288, METERS = 512 };

/* values[meter][day][point]; sums[period][meter] */
int64_t by_meter(size_t meters, size_t days, size_t points, size_t periods, const int64_t *restrict values,
                 const int64_t *restrict period, uint64_t high, int64_t *restrict sums, int64_t *restrict most) {
    int64_t outside = 0;
    for (size_t meter = 0; meter < meters; meter++) {
        const int64_t *own = values + meter * days * points;
        int64_t day[POINTS_MAX] = {0};
        uint64_t highest = 0;
        for (size_t d = 0; d < days; d++, own += points)
            for (size_t i = 0; i < points; i++) {
                uint64_t value = (uint64_t)own[i];
                day[i] += own[i];
                highest = value > highest ? value : highest;
            }
        for (size_t p = 0; p < periods; p++) sums[p * meters + meter] = 0;
        for (size_t i = 0; i < points; i++) sums[period[i] * meters + meter] += day[i];
        most[meter] = (int64_t)highest;
        outside += highest > high;
    }
    return outside;
}

/* values[day][point][meter]: some hundred meters at a time, whose sums stay in cache. */
int64_t by_interval(size_t meters, size_t days, size_t points, size_t periods, const int64_t *restrict values,
                    const int64_t *restrict period, uint64_t high, int64_t *restrict sums, int64_t *restrict most) {
    int64_t outside = 0;
    for (size_t first = 0; first < meters; first += METERS) {
        size_t some = meters - first < METERS ? meters - first : METERS;
        uint64_t highest[METERS] = {0};
        for (size_t p = 0; p < periods; p++)
            for (size_t k = 0; k < some; k++) sums[p * meters + first + k] = 0;
        for (size_t at = 0; at < days * points; at++) {
            const int64_t *line = values + at * meters + first;
            int64_t *sum = sums + period[at % points] * meters + first;
            for (size_t k = 0; k < some; k++) {
                uint64_t value = (uint64_t)line[k];
                sum[k] += line[k];
                highest[k] = value > highest[k] ? value : highest[k];
            }
        }
        for (size_t k = 0; k < some; k++) {
            most[first + k] = (int64_t)highest[k];
            outside += highest[k] > high;
        }
    }
    return outside;
}
