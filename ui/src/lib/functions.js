// SPDX-License-Identifier: BSD-2-Clause
//
// Functions as the API has them, and what state they are in.

import { useEffect } from 'preact/hooks';
import { getJson, inNamespace } from './api.js';
import { figures, routes } from './feed.js';
import { useLoad } from './load.js';


const REFRESH = 15000;              // msec; the feed tells what is urgent
const SETTLE = 300;                 // msec from a change to a look at it
const PATIENCE = 100;               // msec; what is drawn in vain costs as much

export const LAST_ERROR = 'com.ngx-faas.last-error';

// the last list of each namespace, so that a view has it at once
const lists = new Map();


// the first one is asked for before there is a view that waits for it
let ahead;


async function fetchList(namespace, signal) {
    const list = await getJson(
        inNamespace('system/functions', namespace), signal);

    lists.set(namespace, list);

    return list;
}


// Resolves when the list is there, or cannot be had, or takes too long for a
// view to wait with being drawn.
export function loadAhead(namespace) {
    ahead = { namespace, list: fetchList(namespace) };

    return Promise.race([ahead.list.catch(() => {}),
        new Promise((resolve) => setTimeout(resolve, PATIENCE))]);
}


function loadList(namespace, signal) {
    const first = ahead?.namespace === namespace ? ahead.list : null;

    ahead = null;

    return first ?? fetchList(namespace, signal);
}


export const keyOf = (fn) => `${fn.name}.${fn.namespace}`;


function useRoutes(reload) {
    useEffect(() => {
        let timer;
        const unsubscribe = routes.subscribe(() => {
            clearTimeout(timer);
            timer = setTimeout(reload, SETTLE);
        });

        return () => {
            clearTimeout(timer);
            unsubscribe();
        };
    }, [reload]);
}


export function useFunctions(namespace) {
    const load = useLoad((signal) => loadList(namespace, signal), namespace,
        REFRESH);

    useRoutes(load.reload);

    const data = load.data ?? lists.get(namespace);

    return { ...load, data, isLoading: !data && load.isLoading };
}


export function useFunction(key) {
    const load = useLoad((signal) => getJson(
        `system/function/${encodeURIComponent(key)}?usage=1`, signal),
    key, REFRESH / 3);

    useRoutes(load.reload);

    return load;
}


// The replicas that answer: the feed knows sooner than the list.
export function available(fn) {
    return figures.get(keyOf(fn))?.r ?? fn.availableReplicas;
}


// ready; scaling: some replicas answer, not yet all; starting: none does;
// failing: none, and it is known why; idle: none is wanted
export function stateOf(fn) {
    const has = available(fn);

    if (has > 0) {
        return has < fn.replicas ? 'scaling' : 'ready';
    }

    if (fn.replicas === 0) {
        return 'idle';
    }

    return fn.annotations?.[LAST_ERROR] ? 'failing' : 'starting';
}


// The deployment that a function was made by.
export function deploymentOf(fn) {
    const { [LAST_ERROR]: ignored, ...annotations } = fn.annotations ?? {};
    const { name, image, namespace, envProcess, envVars, constraints, secrets,
        labels, limits, requests, readOnlyRootFilesystem } = fn;

    return { service: name, image, namespace, envProcess, envVars, constraints,
        secrets, labels, annotations, limits, requests,
        readOnlyRootFilesystem };
}
