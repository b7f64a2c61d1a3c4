// SPDX-License-Identifier: BSD-2-Clause
//
// The portal: what is shown for which route.  All but the list of functions is
// loaded when it is first looked at.

import { render } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { session } from './lib/api.js';
import { openFeed } from './lib/feed.js';
import { loadAhead } from './lib/functions.js';
import { loadNamespaces, namespace } from './lib/namespace.js';
import { route } from './lib/route.js';
import { useStore } from './lib/store.js';
import { Frame } from './parts/frame.jsx';
import { lazy } from './parts/lazy.jsx';
import { FunctionsView } from './views/functions.jsx';
import './style/base.css';
import './style/layout.css';
import './style/parts.css';
import './style/views.css';


const views = {
    functions: FunctionsView,
    function: lazy(() => import('./views/function.jsx')),
    deploy: lazy(() => import('./views/deploy.jsx')),
    secrets: lazy(() => import('./views/secrets.jsx')),
    async: lazy(() => import('./views/async.jsx')),
    system: lazy(() => import('./views/system.jsx')),
    api: lazy(() => import('./views/api.jsx')),
};


function viewOf([name = 'functions', ...rest]) {
    const which = name === 'functions' && rest.length > 0 ? 'function' : name;

    return Object.hasOwn(views, which) ? views[which] : FunctionsView;
}


// Who reads with the ears, or goes by keys, is led to the page that is new.  A
// function's tabs are within its page.
function useFocus([page, item]) {
    const shown = useRef([page, item]);

    useEffect(() => {
        const [oldPage, oldItem] = shown.current;

        shown.current = [page, item];

        if (page !== oldPage || (page === 'functions' && item !== oldItem)) {
            document.getElementById('main').focus({ preventScroll: true });
        }
    }, [page, item]);
}


function Portal() {
    const path = useStore(route);
    const View = viewOf(path);

    useFocus(path);

    return (
        <Frame>
            <View path={path.slice(1)} />
        </Frame>
    );
}


// Now, and whenever the gateway is back.
function refresh() {
    if (session.get() === 'ok') {
        loadNamespaces().catch(() => {});
    }
}


async function start() {
    if (viewOf(route.get()) === FunctionsView) {
        await loadAhead(namespace.get());
    }

    render(<Portal />, document.getElementById('app'));

    // behind the first frame
    requestAnimationFrame(() => setTimeout(() => {
        openFeed();
        refresh();
        session.subscribe(refresh);
    }));
}


start();
