/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Whether another site has made a browser send a request.  A browser adds the
 * password that it knows to whatever a page has it send; but it also says where
 * the page is from.
 */

#ifndef FAAS_SCALER_ORIGIN_H
#define FAAS_SCALER_ORIGIN_H


/*
 * True where these headers, each of which may be NULL, say that a page of
 * another site has sent the request: fetch_site is Sec-Fetch-Site, which has
 * the last word.  Who is no browser sends neither that nor Origin.
 */
int origin_is_foreign(const char *fetch_site, const char *origin,
    const char *host);


#endif /* FAAS_SCALER_ORIGIN_H */
