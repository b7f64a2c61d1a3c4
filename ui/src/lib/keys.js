// SPDX-License-Identifier: BSD-2-Clause
//
// Keys that work on every page, unless one types into a field.

import { go } from './route.js';


export const KEYS = [
    ['/', 'Search'],
    ['d', 'Deploy a function'],
    ['g f', 'Functions'],
    ['g s', 'Secrets'],
    ['g q', 'Queue'],
    ['g y', 'System'],
    ['g a', 'API'],
    ['\u2191 \u2193 Home End', 'Another function of the list'],
    ['Enter', 'Open the function'],
    ['?', 'This list'],
];

const pages = { f: 'functions', s: 'secrets', q: 'async', y: 'system',
    a: 'api' };


function isTyping({ target }) {
    return /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)
        || document.querySelector('dialog[open]');
}


export function bindKeys(showKeys) {
    let before = '';

    function onKey(event) {
        if (event.ctrlKey || event.metaKey || event.altKey
            || isTyping(event))
        {
            return;
        }

        const { key } = event;
        const wasG = before === 'g';

        before = key;

        if (wasG && pages[key]) {
            go(pages[key]);
        } else if (key === '/') {
            event.preventDefault();
            document.querySelector('input[type=search]')?.focus();
        } else if (key === 'd') {
            go('deploy');
        } else if (key === '?') {
            showKeys();
        }
    }

    addEventListener('keydown', onKey);

    return () => removeEventListener('keydown', onKey);
}
