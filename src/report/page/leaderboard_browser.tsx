// Brings the leaderboard alive in a browser.
import { hydrate } from 'preact';
import { Leaderboard } from './leaderboard.js';

const data = JSON.parse(document.getElementById('data')!.textContent!);
hydrate(<Leaderboard data={data} />, document.getElementById('page')!);
