// SPDX-License-Identifier: BSD-2-Clause
//
// The little Markdown that the description has: paragraphs, and code in
// backticks.

export function Prose({ text }) {
    return text.trim().split(/\n\s*\n/).map((paragraph, n) => (
        <p key={n} class="muted">
            {paragraph.split('`').map((part, i) =>
                (i % 2 ? <code key={i}>{part}</code> : part))}
        </p>
    ));
}
