/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a handler is.
 */

package com.openfaas.model;

public interface IHandler {
    IResponse Handle(IRequest request);
}
