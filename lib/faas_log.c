/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The log of the programs outside nginx.
 */

#include "faas_log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "faas_date.h"


#define LOG_LINE_MAX  2048  /* bytes, with the newline */


static const char *const  level_names[] = {
    "error", "warn", "notice", "info", "debug"
};

static struct {
    const char           *program;
    enum faas_log_level   level;
} log_context = { "faas", FAAS_LOG_NOTICE };


void
faas_log_init(const char *program, enum faas_log_level level)
{
    log_context.program = program;
    log_context.level = level;
}


int
faas_log_level_parse(const char *name, enum faas_log_level *level)
{
    size_t  i;

    for (i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *level = (enum faas_log_level) i;
            return 0;
        }
    }

    return -1;
}


void
faas_log(enum faas_log_level level, const char *fmt, ...)
{
    char     line[LOG_LINE_MAX];
    size_t   i, len;
    va_list  args;

    if (level > log_context.level) {
        return;
    }

    len = faas_date_log(time(NULL), line);

    (void) snprintf(line + len, sizeof(line) - len, "%s[%ld] %s: ",
                    log_context.program, (long) getpid(),
                    level_names[level]);
    len += strlen(line + len);

    va_start(args, fmt);
    (void) vsnprintf(line + len, sizeof(line) - len, fmt, args);
    va_end(args);

    len += strlen(line + len);

    for (i = 0; i < len; i++) {
        if ((unsigned char) line[i] < ' ' || line[i] == 127) {
            line[i] = '?';
        }
    }

    if (len == sizeof(line) - 1) {
        len--;
    }

    line[len++] = '\n';

    /* there is nowhere left to report a failing log */
    if (write(STDERR_FILENO, line, len) < 0) {
        return;
    }
}
