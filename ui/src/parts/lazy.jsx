// SPDX-License-Identifier: BSD-2-Clause
//
// A view whose source is loaded when it is first shown.

import { useEffect, useState } from 'preact/hooks';
import { request } from '../lib/api.js';
import { Failure, Loading } from './notice.jsx';


export function lazy(load) {
    let View;

    return function Lazy(props) {
        const [state, setState] = useState({});

        async function fetchView() {
            setState({});

            try {
                View = (await load()).default;
                setState({ isThere: true });
            } catch {
                setState({ error: new Error('One of its files cannot be had '
                    + 'from the gateway.') });

                // it is not said why: another request says it
                request('GET', 'system/info').catch(() => {});
            }
        }

        useEffect(() => {
            if (!View) {
                fetchView();
            }
        }, []);

        if (View) {
            return <View {...props} />;
        }

        if (state.error) {
            return <Failure what="This page cannot be loaded"
                error={state.error} retry={() => location.reload()} />;
        }

        return <Loading what="page" />;
    };
}
