// Brings the page alive in a browser, and keeps a page that is served live up to date.
import { hydrate, render } from 'preact';
import type { PageData } from '../page_data.js';
import { DRAWINGS } from './charts/drawings.js';
import { DrawingsContext } from './drawing.js';
import { Page } from './page.js';

const root = document.getElementById('page')!;

function page(data: PageData, connection?: string) {
  return (
    <DrawingsContext.Provider value={DRAWINGS}>
      <Page data={data} connection={connection} />
    </DrawingsContext.Provider>
  );
}

let data: PageData = JSON.parse(document.getElementById('data')!.textContent!);
hydrate(page(data, data.live ? 'live' : undefined), root);
if (data.live) follow();

/** Draws the page anew whenever the server says that something happened. */
function follow(): void {
  const changes = new EventSource('changes');
  const show = (connection: string) => render(page(data, connection), root);
  changes.onopen = () => show('live');
  changes.onerror = () => show('not connected');
  changes.onmessage = async () => {
    try {
      const answer = await fetch('data.json');
      if (!answer.ok) throw new Error(answer.statusText);
      data = await answer.json();
      show('live');
    } catch {
      show('not connected');
    }
  };
}
