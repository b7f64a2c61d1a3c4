/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * snprintf() and vsnprintf() of the watchdog: those of a C library bring
 * floating point, wide characters and streams along, a tenth of what the
 * whole static program may weigh.
 *
 * They know %d %u %x %c %s %%, the lengths l, ll and z, the flag 0, a width,
 * and a precision, also as an asterisk.
 */

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>


#define DIGITS_MAX  24          /* of a number of 64 bits */


struct out {
    char    *dst;
    size_t   size;
    size_t   len;               /* of all, also of what did not fit */
};


struct spec {
    int   width;
    int   precision;            /* -1: none */
    int   has_zeros;
    int   longs;                /* 0: int, 1: long or size_t, 2: long long */
    char  conversion;
};


int wd_snprintf(char *dst, size_t size, const char *fmt, ...);
int wd_vsnprintf(char *dst, size_t size, const char *fmt, va_list args);
static const char *parse(const char *fmt, struct spec *spec, va_list *args);
static int parse_number(const char **fmt);
static void convert(struct out *out, const struct spec *spec, va_list *args);
static void put_string(struct out *out, const struct spec *spec,
    const char *s);
static void put_number(struct out *out, const struct spec *spec,
    uint64_t value, int is_negative);
static void put(struct out *out, const char *s, size_t len);
static void pad(struct out *out, char c, int n);


int
wd_snprintf(char *dst, size_t size, const char *fmt, ...)
{
    int      n;
    va_list  args;

    va_start(args, fmt);
    n = wd_vsnprintf(dst, size, fmt, args);
    va_end(args);

    return n;
}


int
wd_vsnprintf(char *dst, size_t size, const char *fmt, va_list args)
{
    size_t       n;
    va_list      copy;
    struct out   out;
    struct spec  spec;

    out.dst = dst;
    out.size = size;
    out.len = 0;
    va_copy(copy, args);

    while (*fmt != '\0') {
        n = strcspn(fmt, "%");
        put(&out, fmt, n);
        fmt += n;

        if (*fmt == '%') {
            fmt = parse(fmt + 1, &spec, &copy);
            convert(&out, &spec, &copy);
        }
    }

    va_end(copy);

    if (size != 0) {
        dst[out.len < size ? out.len : size - 1] = '\0';
    }

    return (int) out.len;
}


static const char *
parse(const char *fmt, struct spec *spec, va_list *args)
{
    memset(spec, 0, sizeof(*spec));
    spec->precision = -1;

    if (*fmt == '0') {
        spec->has_zeros = 1;
        fmt++;
    }

    spec->width = parse_number(&fmt);

    if (*fmt == '.') {
        fmt++;

        if (*fmt == '*') {
            spec->precision = va_arg(*args, int);
            fmt++;

        } else {
            spec->precision = parse_number(&fmt);
        }
    }

    for ( /* void */ ; *fmt == 'l' || *fmt == 'z'; fmt++) {
        spec->longs++;
    }

    spec->conversion = *fmt;

    return *fmt != '\0' ? fmt + 1 : fmt;
}


static int
parse_number(const char **fmt)
{
    int  n;

    for (n = 0; **fmt >= '0' && **fmt <= '9'; (*fmt)++) {
        n = n * 10 + (**fmt - '0');
    }

    return n;
}


static void
convert(struct out *out, const struct spec *spec, va_list *args)
{
    char       c;
    int64_t    n;
    uint64_t   u;

    switch (spec->conversion) {

    case 's':
        put_string(out, spec, va_arg(*args, const char *));
        return;

    case 'c':
        c = (char) va_arg(*args, int);
        put(out, &c, 1);
        return;

    case 'd':
        n = spec->longs == 0 ? va_arg(*args, int)
            : spec->longs == 1 ? va_arg(*args, long)
            : va_arg(*args, long long);
        u = n < 0 ? 0 - (uint64_t) n : (uint64_t) n;
        put_number(out, spec, u, n < 0);
        return;

    case 'u':
    case 'x':
        u = spec->longs == 0 ? va_arg(*args, unsigned int)
            : spec->longs == 1 ? va_arg(*args, unsigned long)
            : va_arg(*args, unsigned long long);
        put_number(out, spec, u, 0);
        return;

    default:
        put(out, &spec->conversion, spec->conversion != '\0');
    }
}


static void
put_string(struct out *out, const struct spec *spec, const char *s)
{
    size_t  len;

    len = spec->precision < 0 ? strlen(s)
                              : strnlen(s, (size_t) spec->precision);

    pad(out, ' ', spec->width - (int) len);
    put(out, s, len);
}


static void
put_number(struct out *out, const struct spec *spec, uint64_t value,
    int is_negative)
{
    char      digits[DIGITS_MAX];
    char     *p;
    int       len;
    uint64_t  base;

    base = spec->conversion == 'x' ? 16 : 10;
    p = digits + sizeof(digits);

    do {
        *--p = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);

    len = (int) (digits + sizeof(digits) - p) + is_negative;

    if (!spec->has_zeros) {
        pad(out, ' ', spec->width - len);
    }

    put(out, "-", (size_t) is_negative);

    if (spec->has_zeros) {
        pad(out, '0', spec->width - len);
    }

    put(out, p, (size_t) (digits + sizeof(digits) - p));
}


static void
put(struct out *out, const char *s, size_t len)
{
    size_t  room;

    if (out->len < out->size) {
        room = out->size - out->len;
        memcpy(out->dst + out->len, s, len < room ? len : room);
    }

    out->len += len;
}


static void
pad(struct out *out, char c, int n)
{
    for ( /* void */ ; n > 0; n--) {
        put(out, &c, 1);
    }
}


#if !defined(WD_PRINTF_TEST)

int snprintf(char *dst, size_t size, const char *fmt, ...)
    __attribute__((alias("wd_snprintf")));
int vsnprintf(char *dst, size_t size, const char *fmt, va_list args)
    __attribute__((alias("wd_vsnprintf")));

#endif
