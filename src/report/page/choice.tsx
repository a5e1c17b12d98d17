// One of a few options, as a row of radio buttons.
import { useId } from 'preact/hooks';

interface Props<Value extends string> {
  legend: string;
  name: string;
  options: readonly { value: Value; title: string }[];
  value: Value;
  choose(value: Value): void;
}

export function Choice<Value extends string>({ legend, name, options, value, choose }: Props<Value>) {
  const group = `${name}${useId()}`;
  return (
    <fieldset class="choice">
      <legend>{legend}</legend>
      <div>
        {options.map((option) => (
          <label key={option.value}>
            <input
              type="radio"
              name={group}
              value={option.value}
              checked={option.value === value}
              onChange={() => choose(option.value)}
            />
            <span>{option.title}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
