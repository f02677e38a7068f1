// SPDX-License-Identifier: MIT
#include "core/base/time_format.h"

enum { DAY_MS = 86400000, DAYS_OF_400_YEARS = 146097, DAYS_TO_1970 = 719468 };

// Years are counted from March here, so that the leap day is the last one of its year.
struct date {
    int64_t year;
    int month, day;
};

static int64_t days_from_date(struct date date)
{
    int64_t year = date.month <= 2 ? date.year - 1 : date.year;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t month_from_march = (date.month + 9) % 12;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + date.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_OF_400_YEARS + day_of_era - DAYS_TO_1970;
}

static struct date date_from_days(int64_t days)
{
    days += DAYS_TO_1970;
    int64_t era = (days >= 0 ? days : days - (DAYS_OF_400_YEARS - 1)) / DAYS_OF_400_YEARS;
    int64_t day_of_era = days - era * DAYS_OF_400_YEARS;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    struct date date;
    date.day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    date.month = (int)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    date.year = year_of_era + era * 400 + (date.month <= 2);
    return date;
}

static char *put_digits(char *at, int64_t value, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return at + digits;
}

void time_format(int64_t ms, char out[TIME_TEXT_MAX])
{
    int64_t first = days_from_date((struct date){0, 1, 1}) * DAY_MS;
    int64_t last = days_from_date((struct date){10000, 1, 1}) * DAY_MS - 1;
    ms = ms < first ? first : ms > last ? last : ms;
    int64_t days = (ms >= 0 ? ms : ms - (DAY_MS - 1)) / DAY_MS;
    int64_t in_day = ms - days * DAY_MS;
    struct date date = date_from_days(days);

    char *at = put_digits(out, date.year, 4);
    *at++ = '-';
    at = put_digits(at, date.month, 2);
    *at++ = '-';
    at = put_digits(at, date.day, 2);
    *at++ = 'T';
    at = put_digits(at, in_day / 3600000, 2);
    *at++ = ':';
    at = put_digits(at, in_day / 60000 % 60, 2);
    *at++ = ':';
    at = put_digits(at, in_day / 1000 % 60, 2);
    *at++ = '.';
    at = put_digits(at, in_day % 1000, 3);
    *at++ = 'Z';
    *at = '\0';
}

static bool take_digits(struct str *s, int digits, int64_t *value)
{
    if (s->len < (size_t)digits)
        return false;
    *value = 0;
    for (int i = 0; i < digits; i++) {
        if (s->data[i] < '0' || s->data[i] > '9')
            return false;
        *value = *value * 10 + (s->data[i] - '0');
    }
    *s = str_skip(*s, (size_t)digits);
    return true;
}

static bool take_char(struct str *s, const char *one_of)
{
    if (s->len == 0 || s->data[0] == '\0' || !strchr(one_of, s->data[0]))
        return false;
    *s = str_skip(*s, 1);
    return true;
}

static bool take_date(struct str *s, struct date *date)
{
    static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t month, day;
    if (!take_digits(s, 4, &date->year) || !take_char(s, "-") || !take_digits(s, 2, &month) ||
        !take_char(s, "-") || !take_digits(s, 2, &day) || month < 1 || month > 12)
        return false;
    bool leap = date->year % 4 == 0 && (date->year % 100 != 0 || date->year % 400 == 0);
    if (day < 1 || day > month_days[month - 1] + (month == 2 && leap))
        return false;
    date->month = (int)month;
    date->day = (int)day;
    return true;
}

static bool take_fraction(struct str *s, int64_t *ms)
{
    *ms = 0;
    if (!take_char(s, "."))
        return true;
    int64_t unit = 100, digit;
    if (s->len == 0 || s->data[0] < '0' || s->data[0] > '9')
        return false;
    while (take_digits(s, 1, &digit)) {
        *ms += digit * unit;
        unit /= 10;
    }
    return true;
}

static bool take_offset(struct str *s, int64_t *ms)
{
    *ms = 0;
    if (take_char(s, "Zz"))
        return true;
    bool west = s->len && s->data[0] == '-';
    int64_t hours, minutes;
    if (!take_char(s, "+-") || !take_digits(s, 2, &hours) || !take_char(s, ":") ||
        !take_digits(s, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *ms = (hours * 60 + minutes) * 60000 * (west ? -1 : 1);
    return true;
}

bool time_parse(struct str text, int64_t *ms)
{
    struct date date;
    int64_t hours, minutes, seconds, fraction, offset;
    if (!take_date(&text, &date) || !take_char(&text, "Tt ") || !take_digits(&text, 2, &hours) ||
        !take_char(&text, ":") || !take_digits(&text, 2, &minutes) || !take_char(&text, ":") ||
        !take_digits(&text, 2, &seconds) || !take_fraction(&text, &fraction) ||
        !take_offset(&text, &offset) || text.len)
        return false;
    if (hours > 23 || minutes > 59 || seconds > 60) // 60: a leap second
        return false;
    *ms = days_from_date(date) * DAY_MS + hours * 3600000 + minutes * 60000 + seconds * 1000 +
          fraction - offset;
    return true;
}
