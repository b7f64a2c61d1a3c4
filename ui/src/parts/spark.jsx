// SPDX-License-Identifier: BSD-2-Clause
//
// The calls of the last minute as a small line.

const WIDTH = 128;
const HEIGHT = 24;
const PAD = 2;


export function Spark({ values, label }) {
    const top = Math.max(1, ...values);
    const points = values.map((value, n) => {
        const x = n * WIDTH / (values.length - 1);
        const y = HEIGHT - PAD - value / top * (HEIGHT - 2 * PAD);

        return `${x.toFixed(1)} ${y.toFixed(1)}`;
    });
    const hasCalls = values.some(Boolean);
    const line = `M${points.join('L')}`;

    return (
        <svg class={`spark ${hasCalls ? '' : 'is-flat'}`}
            viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label}>
            {hasCalls && <path class="area"
                d={`${line}L${WIDTH} ${HEIGHT}L0 ${HEIGHT}Z`} />}
            <path d={line} />
        </svg>
    );
}
