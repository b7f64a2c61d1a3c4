/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A line of a function's log.
 */

#include "log_line.h"

#include <string.h>

#include "lib/faas_num.h"


#define NSEC            1000000000ULL
#define SECONDS_MAX     (UINT64_MAX / NSEC - 1)
#define DAY             86400
#define REPLACEMENT     "\xef\xbf\xbd"      /* U+FFFD */


/* the rest of what is read */
struct cursor {
    const char  *s;
    const char  *end;
};


static char *put_number(char *dst, int n, long value, char after);
static int take_number(struct cursor *cursor, size_t digits, int min,
    int max, int *value);
static int take_char(struct cursor *cursor, char c);
static int take_fraction(struct cursor *cursor, uint64_t *nsec);
static int take_offset(struct cursor *cursor, int *seconds);
static int days_of_month(int year, int month);
static int64_t days_since_1970(int year, int month, int day);
static void add_text(struct faas_buf *buf, const char *s, size_t len);
static size_t plain_len(const char *s, size_t len);
static void add_escaped(struct faas_buf *buf, unsigned char c);
static unsigned second_min(unsigned char first);
static unsigned second_max(unsigned char first);


void
log_stamp(const struct timespec *when, char *dst)
{
    struct tm  tm;

    memset(&tm, 0, sizeof(tm));
    (void) gmtime_r(&when->tv_sec, &tm);

    dst = put_number(dst, 4, tm.tm_year + 1900L, '-');
    dst = put_number(dst, 2, tm.tm_mon + 1L, '-');
    dst = put_number(dst, 2, tm.tm_mday, 'T');
    dst = put_number(dst, 2, tm.tm_hour, ':');
    dst = put_number(dst, 2, tm.tm_min, ':');
    dst = put_number(dst, 2, tm.tm_sec, '.');
    (void) put_number(dst, 9, when->tv_nsec, 'Z');
}


int
log_time_parse(const char *s, size_t len, uint64_t *nsec)
{
    int            year, month, day, hour, minute, second, offset;
    int64_t        seconds;
    uint64_t       fraction;
    struct cursor  cursor = { s, s + len };

    fraction = 0;

    if (take_number(&cursor, 4, 0, 9999, &year) != 0
        || take_char(&cursor, '-') != 0
        || take_number(&cursor, 2, 1, 12, &month) != 0
        || take_char(&cursor, '-') != 0
        || take_number(&cursor, 2, 1, days_of_month(year, month), &day) != 0
        || take_char(&cursor, 'T') != 0
        || take_number(&cursor, 2, 0, 23, &hour) != 0
        || take_char(&cursor, ':') != 0
        || take_number(&cursor, 2, 0, 59, &minute) != 0
        || take_char(&cursor, ':') != 0
        || take_number(&cursor, 2, 0, 59, &second) != 0
        || take_fraction(&cursor, &fraction) != 0
        || take_offset(&cursor, &offset) != 0
        || cursor.s != cursor.end)
    {
        return -1;
    }

    seconds = days_since_1970(year, month, day) * DAY + hour * 3600
              + minute * 60 + second - offset;

    if (seconds < 0) {
        *nsec = 0;

    } else if ((uint64_t) seconds > SECONDS_MAX) {
        *nsec = UINT64_MAX;

    } else {
        *nsec = (uint64_t) seconds * NSEC + fraction;
    }

    return 0;
}


int
log_line_parse(const char *s, size_t len, struct log_line *line)
{
    const char  *end, *space;

    if (len <= LOG_STAMP_LEN || s[LOG_STAMP_LEN] != ' '
        || log_time_parse(s, LOG_STAMP_LEN, &line->time) != 0)
    {
        return -1;
    }

    end = s + len;
    line->stamp = s;
    line->stamp_len = LOG_STAMP_LEN;
    line->instance = s + LOG_STAMP_LEN + 1;

    space = memchr(line->instance, ' ', (size_t) (end - line->instance));

    if (space == NULL) {
        return -1;
    }

    line->instance_len = (size_t) (space - line->instance);
    line->text = space + 1;
    line->text_len = (size_t) (end - line->text);

    return 0;
}


int
log_line_encode(const struct faas_name *name, const struct log_line *line,
    struct faas_buf *buf)
{
    (void) faas_buf_puts(buf, "{\"name\":\"");
    add_text(buf, name->name, name->name_len);
    (void) faas_buf_puts(buf, "\",\"namespace\":\"");
    add_text(buf, name->ns, name->ns_len);
    (void) faas_buf_puts(buf, "\",\"instance\":\"");
    add_text(buf, line->instance, line->instance_len);
    (void) faas_buf_puts(buf, "\",\"timestamp\":\"");
    add_text(buf, line->stamp, line->stamp_len);
    (void) faas_buf_puts(buf, "\",\"text\":\"");
    add_text(buf, line->text, line->text_len);

    /* it fails where anything before has failed */

    return faas_buf_puts(buf, "\"}\n");
}


/*
 * The well-formed sequences of Unicode's table 3-7.
 */
size_t
log_utf8_len(const char *s, size_t len, int *is_cut)
{
    size_t                i, n;
    const unsigned char  *p;

    p = (const unsigned char *) s;
    *is_cut = 0;

    if (len == 0 || p[0] < 0x80) {
        return len != 0;
    }

    if (p[0] < 0xc2 || p[0] > 0xf4) {
        return 0;
    }

    n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

    for (i = 1; i < n; i++) {

        if (i == len) {
            *is_cut = 1;
            return 0;
        }

        if (p[i] < (i == 1 ? second_min(p[0]) : 0x80)
            || p[i] > (i == 1 ? second_max(p[0]) : 0xbf))
        {
            return 0;
        }
    }

    return n;
}


/*
 * n digits and what follows them; returns what is behind that.
 */
static char *
put_number(char *dst, int n, long value, char after)
{
    char  *end;

    end = dst + n;
    *end = after;

    while (n > 0) {
        dst[--n] = (char) ('0' + value % 10);
        value /= 10;
    }

    return end + 1;
}


static int
take_number(struct cursor *cursor, size_t digits, int min, int max,
    int *value)
{
    uint64_t  number;

    if ((size_t) (cursor->end - cursor->s) < digits
        || faas_parse_uint(cursor->s, digits, (uint64_t) min, (uint64_t) max,
                           &number)
           != 0)
    {
        return -1;
    }

    cursor->s += digits;
    *value = (int) number;

    return 0;
}


static int
take_char(struct cursor *cursor, char c)
{
    if (cursor->s == cursor->end || *cursor->s != c) {
        return -1;
    }

    cursor->s++;

    return 0;
}


/*
 * May be missing; digits beyond the ninth do not count.
 */
static int
take_fraction(struct cursor *cursor, uint64_t *nsec)
{
    uint64_t     unit;
    const char  *begin;

    if (take_char(cursor, '.') != 0) {
        return 0;
    }

    begin = cursor->s;
    unit = NSEC / 10;

    while (cursor->s < cursor->end && *cursor->s >= '0' && *cursor->s <= '9') {
        *nsec += (uint64_t) (*cursor->s - '0') * unit;
        unit /= 10;
        cursor->s++;
    }

    return cursor->s != begin ? 0 : -1;
}


/*
 * A plus that came unescaped in a query is a space.
 */
static int
take_offset(struct cursor *cursor, int *seconds)
{
    int  sign, hours, minutes;

    *seconds = 0;

    if (take_char(cursor, 'Z') == 0) {
        return 0;
    }

    sign = take_char(cursor, '-') == 0 ? -1 : 1;

    if ((sign == 1 && take_char(cursor, '+') != 0
         && take_char(cursor, ' ') != 0)
        || take_number(cursor, 2, 0, 23, &hours) != 0
        || take_char(cursor, ':') != 0
        || take_number(cursor, 2, 0, 59, &minutes) != 0)
    {
        return -1;
    }

    *seconds = sign * (hours * 3600 + minutes * 60);

    return 0;
}


static int
days_of_month(int year, int month)
{
    if (month == 2) {
        return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
               ? 29 : 28;
    }

    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}


/*
 * Years are counted from March on, so that a leap day is a year's last one.
 */
static int64_t
days_since_1970(int year, int month, int day)
{
    int64_t  y, m;

    y = month > 2 ? year : year - 1;
    m = month > 2 ? month - 3 : month + 9;

    /* of the Gregorian calendar; the divisions round down, y is -1 at least */

    if (y < 0) {
        return INT64_MIN / DAY / 2;
    }

    return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1
           - 719468;
}


static void
add_text(struct faas_buf *buf, const char *s, size_t len)
{
    int     is_cut;
    size_t  n;

    while (len > 0) {
        n = plain_len(s, len);

        if (n == 0) {
            n = log_utf8_len(s, len, &is_cut);

            if (n <= 1) {
                add_escaped(buf, (unsigned char) *s);
                s++;
                len--;
                continue;
            }
        }

        (void) faas_buf_add(buf, s, n);
        s += n;
        len -= n;
    }
}


/*
 * Bytes that stand for themselves.
 */
static size_t
plain_len(const char *s, size_t len)
{
    size_t         i;
    unsigned char  c;

    for (i = 0; i < len; i++) {
        c = (unsigned char) s[i];

        if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\') {
            break;
        }
    }

    return i;
}


/*
 * A control character, a quote, a backslash, or what is no character.
 */
static void
add_escaped(struct faas_buf *buf, unsigned char c)
{
    const char  *letter;

    static const char  from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";

    if (c >= 0x80) {
        (void) faas_buf_puts(buf, REPLACEMENT);
        return;
    }

    letter = c != 0 ? strchr(from, c) : NULL;

    if (letter != NULL) {
        (void) faas_buf_printf(buf, "\\%c", to[letter - from]);

    } else {
        (void) faas_buf_printf(buf, "\\u%04x", c);
    }
}


static unsigned
second_min(unsigned char first)
{
    return first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
}


static unsigned
second_max(unsigned char first)
{
    return first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
}
