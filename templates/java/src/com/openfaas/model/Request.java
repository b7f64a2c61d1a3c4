/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A request, as the server makes it.
 */

package com.openfaas.model;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

public class Request implements IRequest {
    private final String method;
    private final String path;
    private final String query;
    private final Map<String, String> headers;
    private final byte[] body;

    /** The headers' map is one that knows names in any case. */
    public Request(String method, String target, Map<String, String> headers,
            byte[] body) {
        int mark = target.indexOf('?');

        this.method = method;
        this.path = decode((mark < 0 ? target : target.substring(0, mark))
            .replace("+", "%2B"));
        this.query = mark < 0 ? "" : target.substring(mark + 1);
        this.headers = headers;
        this.body = body;
    }

    public String getBody() {
        return new String(body, StandardCharsets.UTF_8);
    }

    public byte[] getBodyBytes() {
        return body;
    }

    public String getMethod() {
        return method;
    }

    public String getHeader(String key) {
        return headers.get(key);
    }

    public Map<String, String> getHeaders() {
        return headers;
    }

    public String getQueryRaw() {
        return query;
    }

    public Map<String, String> getQuery() {
        Map<String, String> values = new LinkedHashMap<>();

        for (String pair : query.split("&")) {
            if (!pair.isEmpty()) {
                String[] parts = pair.split("=", 2);
                values.putIfAbsent(decode(parts[0]),
                    parts.length > 1 ? decode(parts[1]) : "");
            }
        }

        return values;
    }

    public String getPathRaw() {
        return path;
    }

    public Map<String, String> getPath() {
        Map<String, String> values = new LinkedHashMap<>();
        String[] parts = path.replaceFirst("^/", "").split("/");

        for (int i = 0; i + 1 < parts.length; i += 2) {
            values.put(parts[i], parts[i + 1]);
        }

        return values;
    }

    private static String decode(String text) {
        try {
            return URLDecoder.decode(text, StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            return text;
        }
    }
}
