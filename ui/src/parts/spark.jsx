// SPDX-License-Identifier: BSD-2-Clause
//
// The calls of the last minute as a small line.

const WIDTH = 128;
const HEIGHT = 24;
const PAD = 2;


// Most functions of a long list are not called at all.
const FLAT = `M0 ${HEIGHT - PAD}L${WIDTH} ${HEIGHT - PAD}`;


function lineOf(values) {
    const top = Math.max(...values);
    const points = values.map((value, n) => {
        const x = n * WIDTH / (values.length - 1);
        const y = HEIGHT - PAD - value / top * (HEIGHT - 2 * PAD);

        return `${x.toFixed(1)} ${y.toFixed(1)}`;
    });

    return `M${points.join('L')}`;
}


export function Spark({ values, label }) {
    const hasCalls = values.some(Boolean);
    const line = hasCalls ? lineOf(values) : FLAT;

    return (
        <svg class={`spark ${hasCalls ? '' : 'is-flat'}`}
            viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={label}>
            {hasCalls && <path class="area"
                d={`${line}L${WIDTH} ${HEIGHT}L0 ${HEIGHT}Z`} />}
            <path d={line} />
        </svg>
    );
}
