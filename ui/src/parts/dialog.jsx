// SPDX-License-Identifier: BSD-2-Clause
//
// A modal dialog, by the browser's own element: it keeps the focus inside,
// ends with Escape and gives the focus back, as long as it is closed before it
// is taken away.

import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Icon } from './icon.jsx';
import { Problem } from './notice.jsx';


export function Dialog({ title, onClose, isWide, children }) {
    const dialog = useRef();
    const id = useId();

    useLayoutEffect(() => {
        const element = dialog.current;

        element.showModal();

        return () => element.close();
    }, []);

    return (
        <dialog ref={dialog} class={isWide ? 'is-wide' : ''}
            aria-labelledby={id} onClose={onClose}>
            <div class="dialog-head">
                <h2 id={id}>{title}</h2>
                <button class="button is-plain" aria-label="Close"
                    onClick={onClose}>
                    <Icon name="close" />
                </button>
            </div>
            <div class="dialog-body">{children}</div>
        </dialog>
    );
}


// A dialog with a form: run() does it, and its error keeps the dialog open.
export function FormDialog({ title, action, isDanger, isReady = true, run,
    onClose, children })
{
    const [error, setError] = useState();
    const [isBusy, setBusy] = useState(false);

    async function submit(event) {
        event.preventDefault();
        setBusy(true);
        setError();

        try {
            await run();
            onClose();
        } catch (failure) {
            setError(failure);
            setBusy(false);
        }
    }

    return (
        <Dialog title={title} onClose={onClose}>
            <form class="stack" onSubmit={submit}>
                {children}
                <Problem error={error} />
                <div class="dialog-foot">
                    <button type="button" class="button" onClick={onClose}>
                        Cancel
                    </button>
                    <button disabled={isBusy || !isReady}
                        class={`button ${isDanger ? 'is-danger' : 'is-main'}`}>
                        {action}
                    </button>
                </div>
            </form>
        </Dialog>
    );
}
