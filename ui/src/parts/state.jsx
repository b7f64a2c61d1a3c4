// SPDX-License-Identifier: BSD-2-Clause
//
// The state of a function: a word, and a dot beside it.

import { stateOf } from '../lib/functions.js';


const looks = {
    ready: ['is-good', 'Ready'],
    scaling: ['is-busy', 'Scaling'],
    starting: ['is-busy', 'Starting'],
    failing: ['is-bad', 'Failing'],
    idle: ['is-idle', 'Idle'],
};


export function State({ fn }) {
    const [look, text] = looks[stateOf(fn)];

    return <span class={`state ${look}`}><span class="dot" />{text}</span>;
}
