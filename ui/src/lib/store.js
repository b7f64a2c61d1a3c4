// SPDX-License-Identifier: BSD-2-Clause
//
// A value that views are drawn from anew when it changes.

import { useLayoutEffect, useReducer } from 'preact/hooks';


export function makeStore(value) {
    const listeners = new Set();

    return {
        get: () => value,

        set(next) {
            if (Object.is(next, value)) {
                return;
            }

            value = next;
            [...listeners].forEach((listener) => listener());
        },

        subscribe(listener) {
            listeners.add(listener);

            return () => { listeners.delete(listener); };
        },
    };
}


export function useStore(store) {
    const [, redraw] = useReducer((n) => n + 1, 0);

    useLayoutEffect(() => store.subscribe(redraw), [store]);

    return store.get();
}
