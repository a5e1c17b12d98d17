// A table in a box of its own, which scrolls where the page is too narrow; its caption does not.
import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

interface Props {
  /** Looks of the table. */
  class: string;
  /** Text above the table. */
  caption?: string;
  /** What the box is called; the caption if it has one. */
  label?: string;
  children: ComponentChildren;
}

export function TableBox({ class: looks, caption, label, children }: Props) {
  const id = useId();
  const name = label ? { 'aria-label': label } : { 'aria-labelledby': id };
  return (
    <div class="boxed">
      {caption && (
        <p class="caption" id={id}>
          {caption}
        </p>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, also with the arrow keys */}
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for what is sent */}
      <div class="scroll" role="group" tabIndex={0} {...name}>
        <table class={looks} {...name}>
          {children}
        </table>
      </div>
    </div>
  );
}

/** A table's head: the titles of words, and then those of numbers. */
export function Heads({ words, numbers = [] }: { words: readonly string[]; numbers?: readonly string[] }) {
  return (
    <thead>
      <tr>
        {[...words, ...numbers].map((title, i) => (
          <th scope="col" class={i < words.length ? undefined : 'number'} key={title}>
            {title}
          </th>
        ))}
      </tr>
    </thead>
  );
}
