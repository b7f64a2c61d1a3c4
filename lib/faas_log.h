/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The log of the programs outside nginx: one line an event on standard error,
 * lower case, ending in key=value pairs.
 *
 * "2026/11/23 14:00:00 faas-scaler[123] warn: replica ended, restarting in
 * 200ms function=env.openfaas-fn status=1"
 */

#ifndef FAAS_LOG_H
#define FAAS_LOG_H


enum faas_log_level {
    FAAS_LOG_ERROR,         /* something asked for was not done */
    FAAS_LOG_WARN,          /* degraded, and mending itself */
    FAAS_LOG_NOTICE,        /* a change of state */
    FAAS_LOG_INFO,          /* what a client did */
    FAAS_LOG_DEBUG
};


/*
 * Sets the program's name (not copied: pass a literal) and the last level
 * that is written.  Before the first call: "faas", FAAS_LOG_NOTICE.
 */
void faas_log_init(const char *program, enum faas_log_level level);

/*
 * Finds a level by its name ("error", "warn", "notice", "info", "debug").
 * Returns 0 and sets *level, or -1.
 */
int faas_log_level_parse(const char *name, enum faas_log_level *level);

/*
 * Writes one line with one write(2); control characters in it become '?', so
 * that nobody's input can forge a second line.  Lines are cut at 2,048 bytes.
 */
void faas_log(enum faas_log_level level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));


#endif /* FAAS_LOG_H */
