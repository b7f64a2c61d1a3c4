// SPDX-License-Identifier: BSD-2-Clause
//
// A thousand functions.

import { ask, check, close, eventually, open, row, same } from './lib.mjs';


const MANY = 1000;
const DRAWN_MAX = 80;               // rows, of a window of 800 pixels
const STEP = 400;                   // pixels


// Scrolls to the end, a frame a step, and looks after each whether there are
// rows in all of the window.
function scrollThrough({ step }) {
    const holes = [];
    let most = 0;

    return new Promise((resolve) => {
        function look() {
            const { innerHeight, innerWidth } = window;
            const rows = document.querySelectorAll('.list-body .list-row');

            most = Math.max(most, rows.length);

            for (const y of [innerHeight * 0.3, innerHeight * 0.8]) {
                const seen = document.elementFromPoint(innerWidth / 2, y);

                if (!seen?.closest('.list-row')) {
                    holes.push(`${scrollY}: ${seen?.className}`);
                }
            }

            const before = scrollY;

            scrollBy(0, step);

            if (scrollY === before) {
                resolve({ holes, most });
            } else {
                requestAnimationFrame(() => requestAnimationFrame(look));
            }
        }

        look();
    });
}


export default async function many() {
    await ask(`deploy-many ${MANY}`);

    const page = await open('/');
    const last = row(page, `many-${MANY}`);

    await check('a thousand functions are listed', async () => {
        await eventually(async () => Number(await page.getByRole('table')
            .getAttribute('aria-rowcount')) > MANY, 'a thousand rows');
    });

    await check('there are rows wherever one scrolls to, and no others',
        async () => {
            const { holes, most } = await page.evaluate(scrollThrough,
                { step: STEP });

            same([holes, most < DRAWN_MAX], [[], true]);
        });

    await check('keys lead to the last of them and back', async () => {
        await page.evaluate(() => scrollTo(0, 0));
        await page.locator('.list-body a').first().focus();
        await page.keyboard.press('End');
        await eventually(() => page.evaluate(() =>
            document.activeElement.closest('.list-row')?.ariaRowIndex > 1000),
        'focus on the last row');
        await page.keyboard.press('Home');
        await eventually(() => page.evaluate(() =>
            document.activeElement.closest('.list-row')?.ariaRowIndex === '2'),
        'focus on the first row');
    });

    await check('a page begins at its top, and the list is where it was',
        async () => {
            await page.evaluate(() => scrollTo(0, 9000));
            await row(page, 'many-0212').getByRole('link').click();
            await page.locator('.tile').first().waitFor();
            same(await page.evaluate(() => [scrollY,
                document.activeElement.id]), [0, 'main']);

            // where the list takes a while to be drawn
            const cdp = await page.context().newCDPSession(page);

            await cdp.send('Emulation.setCPUThrottlingRate', { rate: 20 });
            await page.goBack();
            await cdp.send('Emulation.setCPUThrottlingRate', { rate: 1 });
            await eventually(() => page.evaluate(() => scrollY === 9000),
                'the same place of the list');
            await page.evaluate(() => scrollTo(0, 0));
        });

    await check('one of them is found', async () => {
        await page.getByRole('searchbox').fill(`many-${MANY}`);
        await last.waitFor();
        same(await page.locator('.list-body .list-row').count(), 1);
    });

    await close(page);
}
