/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Text that holds what somebody sent, before it is shown.
 */

#ifndef FAAS_SCALER_TEXT_H
#define FAAS_SCALER_TEXT_H


/*
 * Puts a question mark in place of each control character but newlines, which
 * stay where has_lines is set, and of each byte that is no UTF-8: a format
 * that cuts a text may cut a character.
 */
void text_clean(char *s, int has_lines);


#endif /* FAAS_SCALER_TEXT_H */
