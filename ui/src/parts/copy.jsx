// SPDX-License-Identifier: BSD-2-Clause
//
// A button that copies a text.  Browsers have a clipboard over HTTPS and on
// this host only; elsewhere the text is shown to be copied by hand.

import { useState } from 'preact/hooks';
import { Dialog } from './dialog.jsx';
import { Icon } from './icon.jsx';
import { say } from './toast.jsx';


export function CopyButton({ text, label, isPlain }) {
    const [shown, setShown] = useState();

    async function copy() {
        const value = text();

        try {
            await navigator.clipboard.writeText(value);
            say('Copied');
        } catch {
            setShown(value);
        }
    }

    return (
        <>
            <button type="button" onClick={copy} aria-label={label}
                class={`button ${isPlain ? 'is-plain' : ''}`}>
                <Icon name="copy" />{!isPlain && label}
            </button>
            {shown && (
                <Dialog title={label} isWide onClose={() => setShown()}>
                    <textarea class="input" readonly rows="8" value={shown}
                        autofocus
                        aria-label="To be copied"
                        onFocus={(event) => event.target.select()} />
                </Dialog>
            )}
        </>
    );
}
