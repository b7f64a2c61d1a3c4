// SPDX-License-Identifier: BSD-2-Clause
//
// The gateway's feed: an event a second for as long as the portal is open.

import { getJson, root, session } from './api.js';
import { Figures } from './figures.js';
import { makeStore } from './store.js';


const RETRY = 2000;                 // msec until a broken feed is asked again
const SILENCE = 8000;               // msec without an event: it is broken

export const figures = new Figures();

// gateway: id; isOpen: events come; redis: the gateway has its Redis
export const feed = makeStore({ isOpen: false, gateway: '', redis: true });

// changes with each event; and with each change of functions or replicas
export const tick = makeStore(0);
export const routes = makeStore(0);

let source;
let silence;


// A peer that is gone without a word is no error to an EventSource.
function expectEvent() {
    clearTimeout(silence);
    silence = setTimeout(() => {
        session.set('away');
        onError();
    }, SILENCE);
}


function onEvent({ data }) {
    const event = JSON.parse(data);
    const old = feed.get();
    const gateway = event.gateway ?? old.gateway;

    expectEvent();

    if (!old.isOpen || old.redis !== event.redis || old.gateway !== gateway) {
        feed.set({ isOpen: true, gateway, redis: event.redis });
    }

    // a feed that was opened before goes on when the password has changed

    if (session.get() === 'away') {
        session.set('ok');
    }

    if (figures.apply(event)) {
        routes.set(routes.get() + 1);
    }

    tick.set(tick.get() + 1);
}


// An EventSource does not say why it failed: another request does.
function onError() {
    source.close();
    clearTimeout(silence);
    feed.set({ ...feed.get(), isOpen: false });
    getJson('system/info').catch(() => {});
    setTimeout(openFeed, RETRY);
}


export function openFeed() {
    if (session.get() === 'denied') {
        const unsubscribe = session.subscribe(() => {
            unsubscribe();
            openFeed();
        });

        return;
    }

    expectEvent();
    source = new EventSource(`${root}system/feed`);
    source.onmessage = onEvent;
    source.onerror = onError;
}
