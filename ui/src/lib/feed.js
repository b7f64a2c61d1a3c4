// SPDX-License-Identifier: BSD-2-Clause
//
// The gateway's feed: an event a second for as long as the portal is open.

import { root, request, session } from './api.js';
import { Figures } from './figures.js';
import { makeStore } from './store.js';


const RETRY = 2000;                 // msec until a broken feed is asked again

export const figures = new Figures();

// gateway: id; isOpen: events come; redis: the gateway has its Redis
export const feed = makeStore({ isOpen: false, gateway: '', redis: true });

// changes with each event; and with each change of functions or replicas
export const tick = makeStore(0);
export const routes = makeStore(0);

let source;


function onEvent({ data }) {
    const event = JSON.parse(data);
    const old = feed.get();
    const gateway = event.gateway ?? old.gateway;

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
    feed.set({ ...feed.get(), isOpen: false });
    request('GET', 'system/info').catch(() => {});
    setTimeout(openFeed, RETRY);
}


export function openFeed() {
    source = new EventSource(`${root}system/feed`);
    source.onmessage = onEvent;
    source.onerror = onError;
}
