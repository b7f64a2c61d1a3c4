// SPDX-License-Identifier: BSD-2-Clause
//
// The namespace that lists are of, kept from one visit to the next.

import { getJson } from './api.js';
import { recall, remember } from './settings.js';
import { makeStore } from './store.js';


const DEFAULT_NAMESPACE = 'openfaas-fn';

export const namespace = makeStore(recall('namespace') ?? DEFAULT_NAMESPACE);

export const namespaces = makeStore([namespace.get()]);

namespace.subscribe(() => remember('namespace', namespace.get()));


export async function loadNamespaces() {
    const names = await getJson('system/namespaces');

    namespaces.set(names);

    if (!names.includes(namespace.get())) {
        namespace.set(names.includes(DEFAULT_NAMESPACE)
            ? DEFAULT_NAMESPACE : names[0]);
    }
}
