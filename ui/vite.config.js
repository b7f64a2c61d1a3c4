// SPDX-License-Identifier: BSD-2-Clause
//
// Builds the portal into FAAS_UI_OUT (../build/ui).  Beside the bundle there
// are openapi.json, which is docs/openapi.yaml so that no browser has to read
// YAML for it, and the licences of what the bundle has of others.

import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';


const here = (path) => new URL(path, import.meta.url);

const text = (path) => readFileSync(here(path), 'utf8');


function openapi() {
    return JSON.stringify(load(text('../docs/openapi.yaml')));
}


function licences() {
    const { dependencies } = JSON.parse(text('package.json'));

    return Object.entries(dependencies)
        .map(([name, version]) => `${name} ${version}\n\n`
            + text(`node_modules/${name}/LICENSE`))
        .join('\n\n');
}


const otherFiles = {
    name: 'other-files',

    configureServer(server) {
        server.middlewares.use('/openapi.json', (req, res) => {
            res.setHeader('Content-Type', 'application/json');
            res.end(openapi());
        });
    },

    generateBundle() {
        this.emitFile({ type: 'asset', fileName: 'openapi.json',
            source: openapi() });
        this.emitFile({ type: 'asset', fileName: 'licences.txt',
            source: licences() });
    },
};


// "npm run dev" serves the source, and passes the rest on to a gateway
const gateway = { target: process.env.FAAS_URL ?? 'http://127.0.0.1:8080',
    auth: process.env.FAAS_AUTH };

export default {
    base: './',
    plugins: [otherFiles],
    esbuild: {
        jsx: 'automatic',
        jsxImportSource: 'preact',
        legalComments: 'none',
    },
    build: {
        outDir: process.env.FAAS_UI_OUT ?? '../build/ui',
        emptyOutDir: true,
        target: 'es2022',
        assetsInlineLimit: 0,       // the policy has no data: URLs
        modulePreload: { polyfill: false },
        reportCompressedSize: false,
    },
    server: { proxy: { '/system': gateway, '/function': gateway,
        '/async-function': gateway, '/healthz': gateway } },
};
