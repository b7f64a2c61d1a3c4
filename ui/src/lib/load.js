// SPDX-License-Identifier: BSD-2-Clause
//
// What a view shows of the API: loaded, loaded anew while it is looked at, and
// kept while a reload fails, with the error beside it.

import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { session } from './api.js';


// load(signal) returns a promise; key says what is loaded, and with another
// key all begins anew.  every: msec between two loads; none without.
export function useLoad(load, key, every) {
    const [state, setState] = useState({ key, isLoading: true });
    const latest = useRef(load);
    const reload = useRef(() => {});

    latest.current = load;

    useEffect(() => {
        const abort = new AbortController();
        let timer;
        let isBusy = false;
        let isStale = false;

        // What is asked for while an answer is on its way may have changed
        // since: it is asked for again.
        async function run() {
            clearTimeout(timer);

            if (isBusy || abort.signal.aborted) {
                isStale = isBusy;
                return;
            }

            isBusy = true;
            isStale = false;

            try {
                const data = await latest.current(abort.signal);
                setState({ key, data });
            } catch (error) {
                if (abort.signal.aborted) {
                    return;
                }

                setState((old) => ({ key, error,
                    data: old.key === key ? old.data : undefined }));
            } finally {
                isBusy = false;
            }

            if (isStale) {
                run();
            } else if (every && !document.hidden
                && session.get() !== 'denied')
            {
                timer = setTimeout(run, every);
            }
        }

        function wake() {
            if (!document.hidden && (every || session.get() !== 'ok')) {
                run();
            }
        }

        // when the gateway is back, all views are
        let before = session.get();
        const unsubscribe = session.subscribe(() => {
            const now = session.get();

            if (before !== 'ok' && now === 'ok') {
                run();
            }

            before = now;
        });

        reload.current = run;
        document.addEventListener('visibilitychange', wake);
        run();

        return () => {
            abort.abort();
            clearTimeout(timer);
            unsubscribe();
            document.removeEventListener('visibilitychange', wake);
        };
    }, [key, every]);

    const shown = state.key === key ? state : { key, isLoading: true };

    return { ...shown, isLoading: !shown.data && !shown.error,
        reload: useCallback(() => reload.current(), []) };
}
