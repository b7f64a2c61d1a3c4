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

// A page that one comes to begins at its top, as documents do; one that one
// comes back to is where it was, which browsers see to.
addEventListener('hashchange', () => {
    route.set(parse());

    if (history.state === null) {
        history.replaceState('seen', '');
        scrollTo(0, 0);
    }
});

history.replaceState('seen', '');


export const href = (...path) =>
    '#/' + path.map(encodeURIComponent).join('/');


export function go(...path) {
    location.hash = href(...path);
}
