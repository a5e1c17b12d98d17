// A figure of the page as a picture of its own, SVG or PNG: what its looks come from the page is written into it.

/** What a figure's legend says: a piece of line and its name. */
export interface Key {
  title: string;
  element: Element;
}

/** What CSS may set on the parts of a figure. */
const PROPERTIES = [
  'fill',
  'fill-opacity',
  'stroke',
  'stroke-width',
  'stroke-opacity',
  'stroke-dasharray',
  'opacity',
  'font-family',
  'font-size',
  'font-weight',
  'font-variant-numeric',
  'text-anchor',
  'paint-order',
] as const;
const PADDING = 12;
const LINE = 20;
const FONT = 'Helvetica, Arial, sans-serif';
/** Pixels of a PNG for one of the page. */
const SCALE = 2;

/** Saves what is given under a name. */
export function saveFile(name: string, content: Blob): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Saves a figure of the page. @param title is written above it @param keys are its legend */
export async function saveFigure(
  name: string,
  form: 'svg' | 'png',
  figure: SVGSVGElement,
  title: string,
  keys: readonly Key[],
): Promise<void> {
  const { text, width, height } = standalone(figure, title, keys);
  const svg = new Blob([text], { type: 'image/svg+xml' });
  saveFile(
    `${name.replace(/[^\w.-]+/g, '-').slice(0, 80)}.${form}`,
    form === 'svg' ? svg : await pngOf(text, width, height),
  );
}

/** A figure as an SVG document that looks the same anywhere. */
function standalone(figure: SVGSVGElement, title: string, keys: readonly Key[]) {
  const [inner, own] = ['width', 'height'].map((name) => Number(figure.getAttribute(name))) as [
    number,
    number,
  ];
  const style = getComputedStyle(document.body);
  const surface = getComputedStyle(figure.closest('.card') ?? document.body).backgroundColor;
  const width = inner + 2 * PADDING;
  const picture = element('svg', { width, height: 0, viewBox: '' });
  const ground = element('rect', { width: '100%', height: '100%', fill: hex(surface) });
  const heading = wrapped(title, inner).map((line, i) =>
    label(line, PADDING, PADDING + 12 + i * LINE, style.color, 'bold'),
  );
  const top = PADDING + heading.length * LINE;
  const drawn = frozen(figure);
  place(drawn, PADDING, top);
  const entries: Element[] = [];
  let [x, y] = [PADDING, top + own + LINE];
  for (const { title, element } of keys) {
    const needed = 30 + 8 + textWidth(title) + 18;
    if (x > PADDING && x + needed > width) [x, y] = [PADDING, y + LINE];
    // What is not on the page has no looks to take.
    figure.after(element);
    const line = frozen(element);
    element.remove();
    place(line, x, y - 11);
    entries.push(line, label(title, x + 38, y, style.color));
    x += needed;
  }
  const height = (keys.length ? y : top + own) + PADDING;
  picture.setAttribute('height', `${height}`);
  picture.setAttribute('viewBox', `0 0 ${width} ${height}`);
  picture.append(ground, ...heading, drawn, ...entries);
  return { text: new XMLSerializer().serializeToString(picture), width, height };
}

const SVG = 'http://www.w3.org/2000/svg';

function element(name: string, attributes: Record<string, string | number>): SVGElement {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, `${value}`);
  return made;
}

function label(text: string, x: number, y: number, colour: string, weight = 'normal'): SVGElement {
  const made = element('text', {
    x,
    y,
    fill: hex(colour),
    'font-family': FONT,
    'font-size': 12,
    'font-weight': weight,
  });
  made.textContent = text;
  return made;
}

function place(part: Element, x: number, y: number): void {
  part.setAttribute('x', `${x}`);
  part.setAttribute('y', `${y}`);
  part.setAttribute('overflow', 'visible');
}

/** Near enough for a legend. */
const textWidth = (text: string) => 6.5 * text.length;

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const longer = lines.length ? `${lines.at(-1)} ${word}` : word;
    if (lines.length && textWidth(longer) <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/** A copy whose parts have as attributes what the page's style sheet gives them. */
function frozen(original: Element): Element {
  const copy = original.cloneNode(true) as Element;
  const parts = [original, ...original.querySelectorAll('*')];
  for (const [i, part] of [copy, ...copy.querySelectorAll('*')].entries()) {
    const computed = getComputedStyle(parts[i]!);
    part.removeAttribute('style');
    part.removeAttribute('class');
    if (part.tagName === 'style') part.textContent = '';
    if (part.closest('defs') && part.tagName !== 'path') continue;
    for (const property of PROPERTIES) {
      const value = computed.getPropertyValue(property);
      const isPaint = property === 'fill' || property === 'stroke';
      if (property === 'font-family') part.setAttribute(property, FONT);
      else if (!/^(none|context-|url)/.test(value) && isPaint) part.setAttribute(property, hex(value));
      else if (value && !value.startsWith('context-')) part.setAttribute(property, value);
    }
  }
  return copy;
}

const colours = new Map<string, string>();

/** A colour as `#rrggbb`, which all programs read; a browser's own words for it are not. */
function hex(colour: string): string {
  const known = colours.get(colour);
  if (known) return known;
  const context = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d')!;
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  const [red, green, blue, alpha] = context.getImageData(0, 0, 1, 1).data;
  const text = [red, green, blue].map((value) => value!.toString(16).padStart(2, '0')).join('');
  const found = alpha === 0 ? 'none' : `#${text}`;
  colours.set(colour, found);
  return found;
}

async function pngOf(svg: string, width: number, height: number): Promise<Blob> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = Object.assign(document.createElement('canvas'), {
    width: width * SCALE,
    height: height * SCALE,
  });
  canvas.getContext('2d')!.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('no picture'))), 'image/png'),
  );
}
