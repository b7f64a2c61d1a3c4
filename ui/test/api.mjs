// SPDX-License-Identifier: BSD-2-Clause
//
// The pages of the API and of the system.

import { button, check, close, open, row, same, see, visit } from './lib.mjs';


export default async function apiPage() {
    const page = await open('/api');
    const operation = (text) => page.locator('.operation', { hasText: text })
        .first();

    await check('the API is described, and searched', async () => {
        await see(page, '/system/scale-function/{name}');
        await page.getByRole('searchbox').fill('info');
        same(await page.locator('.operation').count(), 1);
    });

    await check('a call of it is tried', async () => {
        await operation('/system/info').locator('summary').click();
        await button(page, 'Send').click();
        await page.getByRole('region', { name: 'Answer' })
            .getByText('200').waitFor();
        await see(page, '"orchestration": "process"');
    });

    await check('one with parameters and a body, which begins as an example',
        async () => {
            await page.getByRole('searchbox').fill('scale-function');
            await operation('scale-function').locator('summary').click();

            const form = page.getByRole('form', { name: 'Try scaleFunction' });

            await form.getByLabel('name', { exact: true }).fill('nobody');
            same(JSON.parse(await form.getByLabel('Body').inputValue()),
                { replicas: 0 });
            await button(form, 'Send').click();
            await form.getByText('404').waitFor();
        });

    await check('the system page names gateway, leader, Redis and provider',
        async () => {
            await visit(page, '/system');
            await row(page, 'this one').getByText('Reports').waitFor();
            await see(page, 'Leads');
            await see(page, 'Connected');
            await see(page, 'faas-process');
        });

    await close(page);
}
