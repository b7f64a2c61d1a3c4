// SPDX-License-Identifier: BSD-2-Clause
//
// A view whose source is loaded when it is first shown.

import { useEffect, useState } from 'preact/hooks';
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
            } catch (error) {
                setState({ error });
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
