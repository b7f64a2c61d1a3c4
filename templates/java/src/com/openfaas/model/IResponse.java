/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a handler answers with.
 */

package com.openfaas.model;

import java.util.Map;

public interface IResponse {
    String getBody();

    /** Null unless the body was set as bytes. */
    byte[] getBodyData();

    void setBody(String body);

    void setBodyData(byte[] body);

    String getHeader(String key);

    void setHeader(String key, String value);

    Map<String, String> getHeaders();

    String getContentType();

    void setContentType(String contentType);

    int getStatusCode();

    void setStatusCode(int code);
}
