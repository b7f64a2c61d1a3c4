// SPDX-License-Identifier: BSD-2-Clause
//
// The portal's icons, on a grid of 20; each stands beside a text or in a
// button that has a name.

const paths = {
    functions: 'M4 5h12M4 10h12M4 15h7',
    secrets: 'M8 12a4 4 0 1 1 3.5-6L17 6v3h-2v2h-3.5A4 4 0 0 1 8 12zM7 8h.01',
    queue: 'M3 6h14v4H3zM5 10v4h10v-4M8 14v2h4v-2',
    system: 'M3 4h14v5H3zM3 11h14v5H3zM6 6.5h.01M6 13.5h.01',
    api: 'M7 6l-4 4 4 4M13 6l4 4-4 4',
    plus: 'M10 4v12M4 10h12',
    close: 'M5 5l10 10M15 5L5 15',
    search: 'M9 14A5 5 0 1 1 9 4a5 5 0 0 1 0 10zM13 13l4 4',
    auto: 'M10 3a7 7 0 1 0 0 14zM10 3a7 7 0 0 1 0 14',
    light: 'M10 6.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM10 2v1.5M10 16.5V18'
        + 'M2 10h1.5M16.5 10H18M4.3 4.3l1.1 1.1M14.6 14.6l1.1 1.1M4.3 15.7'
        + 'l1.1-1.1M14.6 5.4l1.1-1.1',
    dark: 'M16 12a6.5 6.5 0 0 1-8-8 6.5 6.5 0 1 0 8 8z',
    copy: 'M7 7h9v9H7zM4 13V4h9',
    download: 'M10 3v9M6 8.5l4 4 4-4M4 16h12',
    remove: 'M4 6h12M8 6V4h4v2M5.5 6l.7 10h7.6l.7-10',
    retry: 'M16 10a6 6 0 1 1-2-4.5M16 3v3.5h-3.5',
    play: 'M6 4l10 6-10 6z',
    pause: 'M7 4v12M13 4v12',
    stop: 'M5 5h10v10H5z',
    scale: 'M4 16V9M10 16V4M16 16v-5',
};


export function Icon({ name }) {
    return (
        <svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
            <path d={paths[name]} />
        </svg>
    );
}


// As public/icon.svg, without a request for it.
export function Brand() {
    return (
        <svg class="brand-mark" viewBox="0 0 32 32" aria-hidden="true">
            <rect width="32" height="32" rx="7" />
            <path d="M9 22V10l14 12V10" />
        </svg>
    );
}
