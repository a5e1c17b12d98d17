// Runs before the page is painted, so that a reader's dark page is not white for a moment.
import { applyTheme, chosenTheme } from './theme.js';

applyTheme(chosenTheme());
