// SPDX-License-Identifier: BSD-2-Clause
//
// What a browser keeps of the portal: the theme and the namespace.  A browser
// that keeps nothing is no error.

import { makeStore } from './store.js';


const PREFIX = 'ngx_faas.';

export function recall(name) {
    try {
        return localStorage.getItem(PREFIX + name);
    } catch {
        return null;
    }
}


export function remember(name, value) {
    try {
        localStorage.setItem(PREFIX + name, value);
    } catch {
        // it lasts as long as the page, then
    }
}


export const THEMES = ['auto', 'light', 'dark'];

const kept = recall('theme');

export const theme = makeStore(THEMES.includes(kept) ? kept : 'auto');


function applyTheme() {
    document.documentElement.dataset.theme = theme.get();
}


theme.subscribe(() => {
    remember('theme', theme.get());
    applyTheme();
});

applyTheme();
