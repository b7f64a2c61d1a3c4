// SPDX-License-Identifier: BSD-2-Clause
//
// Secrets.

import { button, check, close, eventually, gone, open, row, same, see }
    from './lib.mjs';


export default async function secrets() {
    const page = await open('/secrets');
    const dialog = page.getByRole('dialog');

    await check('a secret is made', async () => {
        await page.getByRole('button', { name: 'New secret' }).first().click();
        await dialog.getByLabel('Name').fill('token');
        await dialog.getByLabel('Value').fill('of no consequence');
        await button(dialog, 'Create').click();
        await row(page, 'token').getByText('No function').waitFor();
    });

    await check('the focus is where it was before the dialog', async () => {
        const opener = button(page, 'Replace token');

        for (const end of [() => page.keyboard.press('Escape'),
            () => button(dialog, 'Cancel').click(),
            () => button(dialog, 'Close').click()])
        {
            await opener.focus();
            await page.keyboard.press('Enter');
            await dialog.waitFor();
            await end();
            await gone(dialog);
            same(await opener.evaluate((element) =>
                element === document.activeElement), true);
        }
    });

    await check('what is made while the list is on its way is in it',
        async () => {
            let answer;

            await page.route('**/system/secrets?*', async (route) => {
                const old = await route.fetch();

                await new Promise((resolve) => { answer = resolve; });
                await route.fulfill({ response: old });
            }, { times: 1 });
            await page.reload();
            await eventually(() => answer, 'list');
            await page.getByRole('button', { name: 'New secret' }).first()
                .click();
            await dialog.getByLabel('Name').fill('late');
            await button(dialog, 'Create').click();
            await gone(dialog);
            answer();
            await row(page, 'late').waitFor();
        });

    await check('one that is there already is refused, and why is said',
        async () => {
            await page.getByRole('button', { name: 'New secret' }).first()
                .click();
            await dialog.getByLabel('Name').fill('token');
            await button(dialog, 'Create').click();
            await dialog.getByRole('alert').waitFor();
            await page.keyboard.press('Escape');
            await gone(dialog);
        });

    await check('it gets a new value, of a file as well', async () => {
        await button(page, 'Replace token').click();
        await dialog.getByLabel('Or a file').setInputFiles({ name: 'f',
            mimeType: 'text/plain', buffer: Buffer.from([1, 0, 255]) });
        await button(dialog, 'Replace').click();
        await see(page, 'token has its new value');
    });

    await check('functions that use one are named, and keep it', async () => {
        await row(page, 'used').getByText('env').waitFor();
        await button(page, 'Delete used').click();
        await button(dialog, 'Delete').click();
        await dialog.getByRole('alert').waitFor();
        await button(dialog, 'Cancel').click();
    });

    await check('it is deleted', async () => {
        await button(page, 'Delete token').click();
        await button(dialog, 'Delete').click();
        await gone(row(page, 'token'));
    });

    await check('a namespace without secrets says so', async () => {
        await page.getByLabel('Namespace').selectOption('bare');
        await see(page, 'No secrets yet');
        await page.getByLabel('Namespace').selectOption('openfaas-fn');
    });

    await close(page);
}
