// SPDX-License-Identifier: BSD-2-Clause
//
// A request as a command line of curl, for a shell.

function quote(text) {
    return /^[-\w./:@%+=,]+$/.test(text) ? text
        : `'${text.replaceAll("'", "'\\''")}'`;
}


// headers: [name, value] pairs.  body: a text; or file: the name of one.
export function curlOf({ method, url, headers = [], body, file, user }) {
    const words = ['curl', '-i'];

    // what curl does by itself
    const implied = body || file ? 'POST' : 'GET';

    if (method === 'HEAD') {
        words.push('-I');
    } else if (method !== implied) {
        words.push('-X', method);
    }

    if (user) {
        words.push('-u', quote(user));
    }

    for (const [name, value] of headers) {
        words.push('-H', quote(`${name}: ${value}`));
    }

    if (file) {
        words.push('--data-binary', quote(`@${file}`));
    } else if (body) {
        words.push('--data-raw', quote(body));
    }

    return [...words, quote(url)].join(' ');
}
