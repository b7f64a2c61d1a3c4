/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What t/950-templates.t asks of each template.
 */

package com.openfaas.function;

import com.openfaas.model.AbstractHandler;
import com.openfaas.model.IRequest;
import com.openfaas.model.IResponse;
import com.openfaas.model.Response;

public class Handler extends AbstractHandler {
    public IResponse Handle(IRequest req) {
        Response res = new Response();

        switch (req.getPathRaw()) {
            case "/fail":
                throw new IllegalStateException("deliberate");

            case "/request":
                res.setStatusCode(201);
                res.setHeader("X-Answer", "yes");
                res.setBody(req.getMethod() + " " + req.getPathRaw() + " "
                    + req.getQuery().get("q") + " " + req.getHeader("x-test"));
                break;

            default:
                res.setContentType("application/octet-stream");
                res.setBodyData(req.getBodyBytes());
        }

        return res;
    }
}
