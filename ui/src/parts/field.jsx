// SPDX-License-Identifier: BSD-2-Clause
//
// Labelled fields of forms.  Each has a value and tells of another one.

import { useId } from 'preact/hooks';
import { Icon } from './icon.jsx';


export function Field({ label, hint, isWide, children }) {
    const id = useId();

    return (
        <div class={`field ${isWide ? 'is-wide' : ''}`}>
            <label for={id}>{label}</label>
            {children({ id, 'aria-describedby': hint ? `${id}-hint` : null })}
            {hint && <span class="hint" id={`${id}-hint`}>{hint}</span>}
        </div>
    );
}


export function TextField({ label, hint, isWide, onChange, ...rest }) {
    return (
        <Field label={label} hint={hint} isWide={isWide}>
            {(ids) => <input class="input" spellcheck={false}
                autocomplete="off" {...ids} {...rest}
                onInput={(event) => onChange(event.target.value)} />}
        </Field>
    );
}


export function AreaField({ label, hint, isWide, onChange, ...rest }) {
    return (
        <Field label={label} hint={hint} isWide={isWide}>
            {(ids) => <textarea class="input" spellcheck={false} {...ids}
                {...rest} onInput={(event) => onChange(event.target.value)} />}
        </Field>
    );
}


// options: [value, text] each, or values
export function SelectField({ label, hint, options, value, onChange }) {
    return (
        <Field label={label} hint={hint}>
            {(ids) => <Select {...ids} options={options} value={value}
                onChange={onChange} />}
        </Field>
    );
}


export function Select({ options, value, onChange, ...rest }) {
    return (
        <select class="input" value={value} {...rest}
            onChange={(event) => onChange(event.target.value)}>
            {options.map((option) => {
                const [key, text] = [option].flat();

                return <option key={key} value={key}
                    selected={key === value}>{text ?? key}</option>;
            })}
        </select>
    );
}


export function Check({ label, value, onChange }) {
    return (
        <label class="check">
            <input type="checkbox" checked={value}
                onChange={(event) => onChange(event.target.checked)} />
            <span>{label}</span>
        </label>
    );
}


// Names with values, a row each: [name, value] pairs, in their order.
export function Pairs({ label, hint, what, pairs, onChange }) {
    const change = (n, pair) =>
        onChange(pairs.map((old, i) => (i === n ? pair : old)));

    return (
        <fieldset class="field is-wide">
            <legend>{label}</legend>
            {hint && <span class="hint">{hint}</span>}
            <div>
                {pairs.map(([name, value], n) => (
                    <div class="pair" key={n}>
                        <input class="input mono" value={name}
                            spellcheck={false} placeholder="name"
                            aria-label={`Name of ${what} ${n + 1}`}
                            onInput={(event) =>
                                change(n, [event.target.value, value])} />
                        <input class="input mono" value={value}
                            spellcheck={false} placeholder="value"
                            aria-label={`Value of ${what} ${n + 1}`}
                            onInput={(event) =>
                                change(n, [name, event.target.value])} />
                        <button type="button" class="button is-plain"
                            aria-label={`Remove ${what} ${n + 1}`}
                            onClick={() =>
                                onChange(pairs.filter((pair, i) => i !== n))}>
                            <Icon name="close" />
                        </button>
                    </div>
                ))}
            </div>
            <div>
                <button type="button" class="button"
                    onClick={() => onChange([...pairs, ['', '']])}>
                    <Icon name="plus" />Add {what}
                </button>
            </div>
        </fieldset>
    );
}
