// SPDX-License-Identifier: BSD-2-Clause
//
// How soon the list of functions is there, for bench/ui.

import { authorization, begin, blank, close, end, portal, tell }
    from './lib.mjs';


const SETTLE = 1000;                // msec

const rounds = Number(process.env.ROUNDS);


// Msec from the load event, and from the beginning of the navigation, to the
// frame behind the first rows.  The password goes as a header: by its own way
// Playwright looks at each request, which takes longer than all else.
async function firstView() {
    const page = await blank({ httpCredentials: undefined,
        extraHTTPHeaders: { Authorization: authorization } });

    await page.addInitScript(watch);

    // until the browser is done with this window's beginning, and with the end
    // of the one before
    await page.waitForTimeout(SETTLE);
    await page.goto(portal('/'));

    const ms = await page.evaluate(() => window.firstView);

    await close(page);

    return ms;
}


// In the page, before anything else.
function watch() {
    window.firstView = new Promise((resolve) => {
        function done() {
            const [navigation] = performance.getEntriesByType('navigation');
            const now = performance.now();

            resolve([now - navigation.loadEventEnd, now]);
        }

        const observer = new MutationObserver(() => {
            if (document.querySelector('.list-body .list-row')) {
                observer.disconnect();

                // a task behind the frame
                requestAnimationFrame(() => setTimeout(done));
            }
        });

        observer.observe(document, { childList: true, subtree: true });
    });
}


await begin();

const all = [];

for (let n = 0; n < rounds; n++) {
    all.push(await firstView());
}

const [afterLoad, inAll] = [0, 1].map((n) =>
    all.map((times) => times[n]).sort((a, b) => a - b));

tell(`first view after the navigation's beginning: ${inAll[0].toFixed()} to ${
    inAll.at(-1).toFixed()} ms`);
tell(`first view after the load event: ${afterLoad[0].toFixed()} to ${
    afterLoad.at(-1).toFixed()} ms`);
tell(`figure ui_first_view_ms ${afterLoad[rounds >> 1].toFixed()}`);
await end();
