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
// comes back to is where it was, as soon as it is long enough: browsers look
// but once, and a list that has to be read again comes later.
const places = new Map();           // entry of the history -> its scrollY
let wanted;                         // undefined: one is where one shall be


// An entry is known by its time: those from before a reload are still there.
function enter() {
    if (!places.has(history.state)) {
        history.replaceState(performance.timeOrigin + performance.now(), '');
        places.set(history.state, 0);
    }

    wanted = places.get(history.state);
}


function arrive() {
    if (wanted !== undefined
        && document.documentElement.scrollHeight - innerHeight >= wanted)
    {
        scrollTo(0, wanted);
        wanted = undefined;
    }
}


addEventListener('hashchange', () => {
    enter();
    route.set(parse());
    requestAnimationFrame(arrive);      // when the page is drawn
});

addEventListener('scroll', () => {
    if (wanted === undefined) {
        places.set(history.state, scrollY);
    }
});

for (const type of ['wheel', 'touchmove', 'pointerdown', 'keydown']) {
    addEventListener(type, () => {
        wanted = undefined;             // one has gone elsewhere meanwhile
    }, { passive: true });
}

history.scrollRestoration = 'manual';
enter();
new ResizeObserver(arrive).observe(document.documentElement);


export const href = (...path) =>
    '#/' + path.map(encodeURIComponent).join('/');


export function go(...path) {
    location.hash = href(...path);
}
