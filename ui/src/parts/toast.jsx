// SPDX-License-Identifier: BSD-2-Clause
//
// Short messages about what was done, or could not be.

import { makeStore, useStore } from '../lib/store.js';
import { Icon } from './icon.jsx';


const SHOWN = 6000;                 // msec; errors stay until they are closed
const KEPT = 4;

const toasts = makeStore([]);
let last = 0;


function close(id) {
    toasts.set(toasts.get().filter((toast) => toast.id !== id));
}


function show(text, isBad) {
    const id = ++last;

    toasts.set([...toasts.get(), { id, text, isBad }].slice(-KEPT));

    if (!isBad) {
        setTimeout(close, SHOWN, id);
    }
}


export const say = (text) => show(text, false);


// Does something, and says that it is done or why not.  Returns whether it is.
export async function attempt(what, done) {
    try {
        await what();
    } catch (error) {
        show(error.message, true);
        return false;
    }

    if (done) {
        say(done);
    }

    return true;
}


export function Toasts() {
    return (
        <div class="toasts" role="status" aria-live="polite">
            {useStore(toasts).map(({ id, text, isBad }) => (
                <div key={id} class={`toast ${isBad ? 'is-bad' : ''}`}>
                    <span>{text}</span>
                    <button class="button is-plain" aria-label="Close message"
                        onClick={() => close(id)}>
                        <Icon name="close" />
                    </button>
                </div>
            ))}
        </div>
    );
}
