// A button that saves a file made in the page.

interface Props {
  name: string;
  /** Made when it is asked for. */
  content(): string;
}

export function Download({ name, content }: Props) {
  const save = () => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([content()], { type: 'text/csv' }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  };
  return (
    <button type="button" class="download" onClick={save}>
      <span aria-hidden="true">↓</span> {name}
    </button>
  );
}
