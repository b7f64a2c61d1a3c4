/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * One error value for all programs: the lowest layer that knows what went
 * wrong writes the text, callers put their context in front.
 */

#ifndef FAAS_ERR_H
#define FAAS_ERR_H


#define FAAS_ERR_TEXT_MAX  256  /* bytes, with the terminating zero */


struct faas_err {
    int   code;                         /* 0, or an HTTP status or errno */
    char  text[FAAS_ERR_TEXT_MAX];      /* what failed and what to do */
};


/*
 * Sets code and text (cut at FAAS_ERR_TEXT_MAX) and returns -1, so that a
 * function can end in "return faas_err_set(...)".  err may be NULL.
 */
int faas_err_set(struct faas_err *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Puts "PREFIX: " in front of the text and returns -1.  err may be NULL.
 */
int faas_err_prefix(struct faas_err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));


#endif /* FAAS_ERR_H */
