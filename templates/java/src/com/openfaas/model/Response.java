/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * An answer, 200 unless the handler says something else.
 */

package com.openfaas.model;

import java.util.LinkedHashMap;
import java.util.Map;

public class Response implements IResponse {
    private final Map<String, String> headers = new LinkedHashMap<>();
    private int statusCode = 200;
    private String body = "";
    private byte[] bodyData;
    private String contentType = "text/plain; charset=utf-8";

    public String getBody() {
        return body;
    }

    public byte[] getBodyData() {
        return bodyData;
    }

    public void setBody(String body) {
        this.body = body;
        this.bodyData = null;
    }

    public void setBodyData(byte[] body) {
        this.bodyData = body;
    }

    public String getHeader(String key) {
        return headers.get(key);
    }

    public void setHeader(String key, String value) {
        headers.put(key, value);
    }

    public Map<String, String> getHeaders() {
        return headers;
    }

    public String getContentType() {
        return contentType;
    }

    public void setContentType(String contentType) {
        this.contentType = contentType;
    }

    public int getStatusCode() {
        return statusCode;
    }

    public void setStatusCode(int code) {
        this.statusCode = code;
    }
}
