/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a handler extends: it may have init() for what is done once.
 */

package com.openfaas.model;

public abstract class AbstractHandler implements IHandler {
    public void init() {
    }
}
