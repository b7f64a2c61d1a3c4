// SPDX-License-Identifier: BSD-2-Clause
//
// What is around each view: the navigation, whether the gateway is there, the
// theme, the keys.

import { useEffect, useState } from 'preact/hooks';
import { session } from '../lib/api.js';
import { feed } from '../lib/feed.js';
import { bindKeys, KEYS } from '../lib/keys.js';
import { href, route } from '../lib/route.js';
import { theme, THEMES } from '../lib/settings.js';
import { useStore } from '../lib/store.js';
import { Dialog } from './dialog.jsx';
import { Brand, Icon } from './icon.jsx';
import { Toasts } from './toast.jsx';


const pages = [
    ['functions', 'Functions'],
    ['secrets', 'Secrets'],
    ['async', 'Queue', 'queue'],
    ['system', 'System'],
    ['api', 'API'],
];


function Navigation() {
    const [page = 'functions'] = useStore(route);
    const current = page === 'deploy' ? 'functions' : page;

    return (
        <nav class="nav" aria-label="Pages">
            <ul>
                {pages.map(([name, text, icon]) => (
                    <li key={name}>
                        <a href={href(name)}
                            aria-current={name === current ? 'page' : null}>
                            <Icon name={icon ?? name} />{text}
                        </a>
                    </li>
                ))}
            </ul>
        </nav>
    );
}


function Live() {
    const isOpen = useStore(feed).isOpen;

    return (
        <span class={`live ${isOpen ? 'is-good' : 'is-idle'}`} role="status">
            <span class="dot" />
            <span>{isOpen ? 'Live' : 'Connecting\u2026'}</span>
        </span>
    );
}


function ThemeButton() {
    const now = useStore(theme);
    const next = THEMES[(THEMES.indexOf(now) + 1) % THEMES.length];

    return (
        <button class="button is-plain" onClick={() => theme.set(next)}
            aria-label={`Theme: ${now}. Change to ${next}`}
            title={`Theme: ${now}`}>
            <Icon name={now} />
        </button>
    );
}


function Banner() {
    const state = useStore(session);
    const { isOpen, redis } = useStore(feed);

    if (state === 'denied') {
        return (
            <div class="banner is-bad" role="alert">
                <span>The password is no longer accepted.</span>
                <button class="button" onClick={() => location.reload()}>
                    Sign in
                </button>
            </div>
        );
    }

    if (state === 'away') {
        return (
            <div class="banner is-bad" role="alert">
                The gateway does not answer. What you see is what it said last;
                the portal keeps trying.
            </div>
        );
    }

    return isOpen && !redis && (
        <div class="banner" role="alert">
            The gateway has lost Redis: calls go on with the routes that it
            knows, changes do not reach it.
        </div>
    );
}


function Keys({ onClose }) {
    return (
        <Dialog title="Keyboard" onClose={onClose}>
            <dl class="keys">
                {KEYS.map(([keys, text]) => [
                    <dt key={keys}>{keys.split(' ').map((key) =>
                        <kbd key={key}>{key}</kbd>)}</dt>,
                    <dd key={text}>{text}</dd>,
                ])}
            </dl>
        </Dialog>
    );
}


export function Frame({ children }) {
    const [showsKeys, setShowsKeys] = useState(false);

    useEffect(() => bindKeys(() => setShowsKeys(true)), []);

    return (
        <>
            <a class="skip" href="#main" onClick={(event) => {
                event.preventDefault();
                document.getElementById('main').focus();
            }}>Skip to content</a>
            <div class="frame">
                <header class="side">
                    <a class="brand" href={href('functions')}
                        aria-label="ngx_faas, functions">
                        <Brand /><span>ngx_faas</span>
                    </a>
                    <Navigation />
                    <div class="side-foot">
                        <Live />
                        <div class="actions">
                            <ThemeButton />
                            <button class="button is-plain"
                                aria-label="Keyboard shortcuts" title="Keys: ?"
                                onClick={() => setShowsKeys(true)}>?</button>
                        </div>
                    </div>
                </header>
                <div>
                    <Banner />
                    <main class="main" id="main" tabindex="-1">{children}</main>
                </div>
            </div>
            {showsKeys && <Keys onClose={() => setShowsKeys(false)} />}
            <Toasts />
        </>
    );
}
