// SPDX-License-Identifier: BSD-2-Clause
//
// Where in the portal one is.  It is behind the "#", as nginx serves nothing
// but files: #/functions/NAME.NAMESPACE/logs

import { makeStore } from './store.js';


// ['functions', 'NAME.NAMESPACE', 'logs']
function parse() {
    return location.hash.slice(1).split('/').filter(Boolean).map(decode);
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
