// SPDX-License-Identifier: BSD-2-Clause
//
// Requests to the gateway's admin API.  Paths are relative to the portal's
// parent, so that a gateway may be served below a prefix.  What every request
// finds out about the gateway as a whole is kept in "session".

import { makeStore } from './store.js';


const PATIENCE = 10000;             // msec, for what is only looked at

// ok; denied: the password is no longer taken, and nothing is asked for by
// itself, as browsers ask for one each time; away: nobody answers
export const session = makeStore('ok');

export const root = new URL('..', location.href).pathname;


export class ApiError extends Error {
    constructor(status, message) {
        super(message);
        this.status = status;       // 0: there was no answer
    }
}


// Errors are a line of text, or of the gateway's own JSON.
async function errorOf(res) {
    const text = (await res.text().catch(() => '')).trim();

    try {
        return new ApiError(res.status, JSON.parse(text).error ?? text);
    } catch {
        return new ApiError(res.status, text || `status ${res.status}`);
    }
}


// Sends a request and returns the answer, whose status is 2xx.
export async function request(method, path, { data, signal } = {}) {
    let res;

    try {
        res = await fetch(root + path, { method, signal, cache: 'no-store',
            ...(data !== undefined && { body: JSON.stringify(data),
                headers: { 'Content-Type': 'application/json' } }) });
    } catch (error) {
        if (error.name === 'AbortError') {
            throw error;
        }

        // the feed knows whether it is the gateway, or what is behind it
        if (error.name === 'TimeoutError') {
            throw new ApiError(0, `there is no answer in ${
                PATIENCE / 1000} seconds`);
        }

        session.set('away');
        throw new ApiError(0, 'the gateway does not answer');
    }

    session.set(res.status === 401 ? 'denied' : 'ok');

    if (!res.ok) {
        throw await errorOf(res);
    }

    return res;
}


export async function getJson(path, signal) {
    const late = AbortSignal.timeout(PATIENCE);
    const res = await request('GET', path, {
        signal: signal ? AbortSignal.any([signal, late]) : late });

    return res.json();
}


// A change; what it answers is its status and sometimes JSON.
export async function send(method, path, data) {
    const res = await request(method, path, { data });
    const text = await res.text();

    return text.startsWith('{') ? JSON.parse(text) : undefined;
}


export const inNamespace = (path, namespace) =>
    `${path}?namespace=${encodeURIComponent(namespace)}`;
