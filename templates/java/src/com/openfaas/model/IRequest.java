/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a handler is given.  The names are those of OpenFaaS' templates, so that
 * handlers written for them compile.
 */

package com.openfaas.model;

import java.util.Map;

public interface IRequest {
    /** The body as text, UTF-8. */
    String getBody();

    /** The body as it is. */
    byte[] getBodyBytes();

    String getMethod();

    /** Name in any case; null where there is none. */
    String getHeader(String key);

    Map<String, String> getHeaders();

    String getQueryRaw();

    /** The first value of each name. */
    Map<String, String> getQuery();

    /** Decoded. */
    String getPathRaw();

    /** Parts of the path in pairs: /name/value/... */
    Map<String, String> getPath();
}
