// SPDX-License-Identifier: BSD-2-Clause
//
// Where in the portal one is.  It is behind the "#", as nginx serves nothing
// but files: #/functions/NAME.NAMESPACE/logs

import { makeStore } from './store.js';


// { path: ['functions', 'NAME.NAMESPACE', 'logs'], query: URLSearchParams }
function parse() {
    const [path, query] = location.hash.replace(/^#\/?/, '').split('?');

    return { path: path.split('/').filter(Boolean).map(decode),
        query: new URLSearchParams(query) };
}


function decode(part) {
    try {
        return decodeURIComponent(part);
    } catch {
        return part;
    }
}


export const route = makeStore(parse());

addEventListener('hashchange', () => route.set(parse()));


export const href = (...path) =>
    '#/' + path.map(encodeURIComponent).join('/');


export function go(...path) {
    location.hash = href(...path);
}
