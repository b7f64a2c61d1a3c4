/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Lines for the log.
 */

#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>


#define LINE_MAX_LEN  1024      /* bytes of a line of the watchdog's own */


static void put(struct wd_log_out *out, const char *data, size_t len);
static void flush(struct wd_log_out *out);
static void write_all(int fd, const char *data, size_t len);
static void put_stamp(struct wd_log *log, struct wd_log_out *out);
static void put_line(struct wd_log *log, struct wd_lines *lines,
    const char *data, size_t len);


void
wd_log_init(struct wd_log *log, int has_prefix)
{
    memset(log, 0, sizeof(*log));
    log->out.fd = STDOUT_FILENO;
    log->err.fd = STDERR_FILENO;
    log->has_prefix = has_prefix;
}


void
wd_log_line(struct wd_log *log, const char *fmt, ...)
{
    int      n;
    char     line[LINE_MAX_LEN];
    size_t   i, len;
    va_list  args;

    va_start(args, fmt);
    n = vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);

    if (n < 0) {
        return;
    }

    len = (size_t) n < sizeof(line) ? (size_t) n : sizeof(line) - 1;

    /* nobody's input can forge a second line */

    for (i = 0; i < len; i++) {
        if (((unsigned char) line[i] < ' ' && line[i] != '\t')
            || line[i] == 127)
        {
            line[i] = '?';
        }
    }

    put_stamp(log, &log->err);
    put(&log->err, line, len);
    put(&log->err, "\n", 1);
}


void
wd_log_copy(struct wd_log *log, const char *data, size_t len)
{
    put(&log->out, data, len);
}


void
wd_log_flush(struct wd_log *log)
{
    flush(&log->out);
    flush(&log->err);
}


void
wd_lines_init(struct wd_lines *lines, struct wd_log_out *out,
    const char *name, size_t max)
{
    lines->out = out;
    lines->name = name;
    faas_buf_init(&lines->rest, max);
}


void
wd_lines_done(struct wd_lines *lines)
{
    faas_buf_done(&lines->rest);
}


void
wd_lines_add(struct wd_log *log, struct wd_lines *lines, const char *data,
    size_t len)
{
    size_t       n, room;
    const char  *end;

    if (lines->rest.max == 0) {
        put(lines->out, data, len);
        return;
    }

    while (len != 0) {
        end = memchr(data, '\n', len);
        n = end != NULL ? (size_t) (end - data) : len;
        room = lines->rest.max - lines->rest.len;

        if (n > room) {
            n = room;
            end = NULL;
        }

        if (end != NULL && lines->rest.len == 0) {
            put_line(log, lines, data, n);

        } else {
            if (n != 0 && faas_buf_add(&lines->rest, data, n) != 0) {
                /* no memory to wait for the rest in */
                put_line(log, lines, data, n);
                faas_buf_reset(&lines->rest);
            }

            if (end != NULL || (n == room && n != len)) {
                wd_lines_end(log, lines);
            }
        }

        n += end != NULL;
        data += n;
        len -= n;
    }
}


void
wd_lines_end(struct wd_log *log, struct wd_lines *lines)
{
    if (lines->rest.len != 0) {
        put_line(log, lines, lines->rest.data, lines->rest.len);
        faas_buf_reset(&lines->rest);
    }
}


static void
put_line(struct wd_log *log, struct wd_lines *lines, const char *data,
    size_t len)
{
    if (log->has_prefix) {
        put_stamp(log, lines->out);
        put(lines->out, lines->name, strlen(lines->name));
        put(lines->out, ": ", 2);
    }

    put(lines->out, data, len);
    put(lines->out, "\n", 1);
}


static void
put_stamp(struct wd_log *log, struct wd_log_out *out)
{
    time_t  now;

    now = time(NULL);

    if (now != log->second || log->stamp_len == 0) {
        log->stamp_len = faas_date_log(now, log->stamp);
        log->second = now;
    }

    put(out, log->stamp, log->stamp_len);
}


static void
put(struct wd_log_out *out, const char *data, size_t len)
{
    if (len > sizeof(out->data) - out->len) {
        flush(out);
    }

    if (len > sizeof(out->data)) {
        write_all(out->fd, data, len);
        return;
    }

    memcpy(out->data + out->len, data, len);
    out->len += len;
}


static void
flush(struct wd_log_out *out)
{
    if (out->len != 0) {
        write_all(out->fd, out->data, out->len);
        out->len = 0;
    }
}


/*
 * There is nowhere to report a failing log to: what does not go is lost.
 */
static void
write_all(int fd, const char *data, size_t len)
{
    ssize_t  n;

    while (len != 0) {
        n = write(fd, data, len);

        if (n > 0) {
            data += n;
            len -= (size_t) n;

        } else if (n == 0 || errno != EINTR) {
            return;
        }
    }
}
